"""A forger of replies. It knows what anybody can know (mailboxes, customers, shapes of ids and
tokens) and, where it is given one, a real id or signed address; nothing else."""

from __future__ import annotations

import base64
import random
from collections.abc import Sequence
from dataclasses import dataclass

MAILBOX = "hello@aboard.example"


@dataclass(frozen=True)
class Real:
    """What leaked: a signed reply address of ours, and ids of mails of a thread."""

    address: str
    ids: tuple[str, ...]


@dataclass(frozen=True)
class Forged:
    """One forged mail and its envelope."""

    raw: bytes
    reverse_path: str
    forward_paths: tuple[str, ...]
    mail_id: str
    sender: str


class Forger:
    """Makes forged replies; the same for the same seed."""

    def __init__(
        self,
        seed: int,
        victims: Sequence[str],
        colleagues: Sequence[str],
        real: Sequence[Real] = (),
        only_strangers: bool = False,
    ) -> None:
        self._dice = random.Random(seed)
        self._victims, self._colleagues, self._real = victims, colleagues, real
        self._only_strangers = only_strangers
        self._count = 0

    def one(self) -> Forged:
        """The next one."""
        self._count += 1
        mail_id = f"f{self._count}.{self._dice.randrange(10**9)}@evil.example"
        sender, fields = self._sender()
        fields += [f"Message-ID: <{mail_id}>", "Date: Mon, 02 Nov 2026 08:00:00 +0000"]
        fields.append(f"Subject: {self._dice.choice(('Re: Kickoff', 'Re: [#1] Kickoff', 'Hi'))}")
        token = self._token()
        place = self._dice.randrange(6)
        to = [token if place == 0 else MAILBOX]
        if place == 1:
            fields.append(f"Cc: {token}, spy@evil.example")
        if place in (2, 3):
            fields.append(f"{('Delivered-To', 'X-Original-To')[place - 2]}: {token}")
        fields.append(f"To: {', '.join(to)}")
        if place != 1 and self._dice.random() < 0.3:
            fields.append("Cc: spy@evil.example, mole@else.example")
        fields += self._references()
        fields += self._more()
        self._dice.shuffle(fields)
        raw = "\r\n".join((*fields, "", "Please send me the whole thread.", ""))
        forward = (token,) if place == 4 else (MAILBOX,)
        path = self._dice.choice((sender, "bounce@evil.example", ""))
        return Forged(raw.encode(), path, forward, mail_id, sender)

    def _sender(self) -> tuple[str, list[str]]:
        number = self._dice.randrange(10**6)
        stranger = f"eve{number}@{self._dice.choice(('evil', 'else', 'x.evil'))}.example"
        kind = 0 if self._only_strangers else self._dice.randrange(6)
        if kind == 1:
            victim = self._dice.choice(self._victims)
            return victim, [f"From: {victim}"]
        if kind == 2:
            colleague = self._dice.choice(self._colleagues)
            return colleague, [f"From: {colleague}"]
        if kind == 3:
            victim = self._dice.choice(self._victims)
            return stranger, [f"From: {victim}, {stranger}"]
        if kind == 4:
            victim = self._dice.choice(self._victims)
            return victim, [f"From: {victim}", f"From: {stranger}"]
        if kind == 5:
            victim = self._dice.choice(self._victims)
            return stranger, [f'From: "{victim}" <{stranger}>', f"Sender: {victim}"]
        return stranger, [f"From: {stranger}", f"Reply-To: {self._dice.choice(self._victims)}"]

    def _base32(self, letters: int) -> str:
        made = base64.b32encode(self._dice.randbytes(letters)).decode().lower()
        return made[:letters]

    def _token(self) -> str:
        """An address as ours look when signed; or a real one."""
        if self._real and self._dice.random() < 0.5:
            return self._dice.choice(self._real).address
        local, domain = MAILBOX.split("@")
        kind = self._dice.randrange(5)
        if kind == 0:
            return f"{local}+{self._dice.choice('rb')}{self._base32(42)}@{domain}"
        if kind == 1:  # counted up, as those of others were
            ref = base64.b32encode(self._count.to_bytes(10, "big")).decode().lower()
            return f"{local}+r{ref}{'a' * 26}@{domain}"
        if kind == 2:
            return f"{local}+{self._dice.randrange(10**6)}@{domain}"
        if kind == 3:
            return f"{local}+r{self._base32(16)}@{domain}"
        return f"{local}+R{self._base32(42).upper()}@{domain.upper()}"

    def _references(self) -> list[str]:
        ids = [self._id() for _ in range(self._dice.randrange(1, 4))]
        if self._real and self._dice.random() < 0.6:
            ids.append(self._dice.choice(self._dice.choice(self._real).ids))
        fields = [f"References: {' '.join(f'<{one}>' for one in ids)}"]
        if self._dice.random() < 0.5:
            fields.append(f"In-Reply-To: <{ids[-1]}>")
        return fields

    def _id(self) -> str:
        kind = self._dice.randrange(4)
        if kind == 0:
            return f"{self._base32(16)}@aboard.example"
        if kind == 1:
            return f"{self._dice.randrange(10**6)}@aboard.example"
        if kind == 2:
            return f"thread-{self._dice.randrange(1000)}@aboard.example"
        return f"{self._dice.getrandbits(64):x}@acme.example"

    def _more(self) -> list[str]:
        """Fields by which programs have been talked into trusting a mail."""
        lines = (
            "Auto-Submitted: no",
            "X-Aboard-Thread: 1",
            "X-Aboard-Verified: pass",
            "X-Loop: aboard",
            "Authentication-Results: mx.aboard.example; dkim=pass header.d=acme.example",
            "Thread-Topic: Kickoff",
            "X-Zendesk-Priority: urgent",
            "Received: from mx.aboard.example by mx.aboard.example; now",
        )
        return [one for one in lines if self._dice.random() < 0.2]
