"""Self-made keys, a signer whose every tag can be chosen, and DNS in memory; no network, no tests."""

from __future__ import annotations

import base64
import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import dkim
from dkim.canonicalization import CanonicalizationPolicy
from dkim.crypto import parse_pem_private_key

from inbox.mail.authentication import How, Verdict, authenticate
from inbox.mail.authentication_domains import Unanswered
from inbox.net.resolver import Answer

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)

SIGNED = ("from", "to", "subject", "date", "message-id", "reply-to", "references", "in-reply-to")


_SMALL = [
    one for one in range(3, 2000, 2) if all(one % two for two in range(3, 45, 2) if two < one)
]


def _prime(dice: random.Random, bits: int) -> int:
    while True:
        found = dice.getrandbits(bits) | (3 << (bits - 2)) | 1
        if any(found % one == 0 for one in _SMALL):
            continue
        if found % 65537 != 1 and all(pow(base, found - 1, found) == 1 for base in (2, 3, 5, 7)):
            return found


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _whole(*numbers: int) -> bytes:
    parts = (_der(2, one.to_bytes(one.bit_length() // 8 + 1, "big")) for one in numbers)
    return _der(0x30, b"".join(parts))


@dataclass(frozen=True)
class Pair:
    """A key pair: the private half as PEM, the public one as the `p=` of a key record."""

    pem: bytes
    public: str

    @property
    def record(self) -> bytes:
        """What its owner publishes."""
        return f"v=DKIM1; k=rsa; p={self.public}".encode()


@lru_cache
def pair(seed: int = 1, bits: int = 1024, exponent: int = 65537) -> Pair:
    """The same pair for the same numbers, every time."""
    dice = random.Random(f"{seed}/{bits}")
    p, q = _prime(dice, bits // 2), _prime(dice, bits - bits // 2)
    n, d = p * q, pow(exponent, -1, (p - 1) * (q - 1))
    private = _whole(0, n, exponent, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))
    lines = base64.encodebytes(private).strip()
    pem = b"-----BEGIN RSA PRIVATE KEY-----\n" + lines + b"\n-----END RSA PRIVATE KEY-----\n"
    return Pair(pem, base64.b64encode(_whole(n, exponent)).decode())


def sign(raw: bytes, domain: str = "acme.example", key: Pair | None = None, **tags: Any) -> bytes:
    """`raw` with a signature in front. `h` a sequence of names; any other tag as text, None drops
    it; `l=True` signs the length that the body has."""
    mail = dkim.DKIM(raw)
    signed = [one.encode() for one in tags.pop("h", SIGNED)]
    policy = CanonicalizationPolicy.from_c_value(tags.get("c", "relaxed/relaxed").encode())
    body = policy.canonicalize_body(mail.body)
    algorithm = tags.get("a", "rsa-sha256")
    length = {True: str(len(body)), None: None}.get(tags.get("l"), tags.get("l"))
    hashed = body if length is None else body[: int(length)]
    hasher = hashlib.sha1 if algorithm == "rsa-sha1" else hashlib.sha256
    given: dict[str, Any] = {
        "v": "1",
        "a": algorithm,
        "c": "relaxed/relaxed",
        "d": domain,
        "s": "s1",
        "t": str(int(NOW.timestamp())),
        **{name: value for name, value in tags.items() if name != "l"},
        "l": length,
        "h": " : ".join(one.decode() for one in signed),
        "bh": base64.b64encode(hasher(hashed).digest()).decode(),
        "b": "0" * 60,
    }
    mail.signature_algorithm = algorithm.encode()
    mail.hasher = hasher
    fields = [(name.encode(), value.encode()) for name, value in given.items() if value is not None]
    made = mail.gen_header(
        fields, signed, policy, b"DKIM-Signature", parse_pem_private_key((key or pair()).pem)
    )
    return b"DKIM-Signature: " + bytes(made) + raw


@dataclass
class Zone:
    """DNS in memory. `down` are names (or ends of names) that nobody answers for, after `waits`
    seconds; `servfail` the same at once. `clock` moves while one waits."""

    records: dict[str, Sequence[bytes]] = field(default_factory=dict)
    down: tuple[str, ...] = ()
    servfail: tuple[str, ...] = ()
    clock: list[float] = field(default_factory=lambda: [0.0])
    asked: list[str] = field(default_factory=list)
    ttl: float = 300.0

    def texts(self, name: str, seconds: float) -> Answer:
        """As `inbox.net.resolver.Dns`."""
        self.asked.append(name)
        if name.endswith(self.down):
            self.clock[0] += seconds
            raise Unanswered(f"DNS did not answer for {name}")
        if name.endswith(self.servfail):
            raise Unanswered(f"DNS did not answer for {name}")
        return Answer(tuple(self.records.get(name, ())), self.ttl)

    def find(self, name: str, kind: str, seconds: float) -> Answer:
        """As `inbox.net.resolver.Dns`; other kinds than TXT are kept as `KIND name`."""
        held = name if kind == "TXT" else f"{kind} {name}"
        return self.texts(held, seconds)

    def __call__(self, name: str) -> tuple[bytes, ...]:
        """As `inbox.mail.authentication_domains.LookUp`."""
        return self.texts(name, 1.0).texts

    def monotonic(self) -> float:
        """Seconds."""
        return self.clock[0]


def published(more: Mapping[str, Sequence[bytes]] | None = None, **how: Any) -> Zone:
    """The zone of acme.example with its key s1, and what else is given."""
    records = {"s1._domainkey.acme.example": [pair().record], **(more or {})}
    return Zone(records, **how)


def judged(
    raw: bytes, zone: Zone | None = None, how: How | None = None, author: str = ""
) -> Verdict:
    """The verdict on a mail from acme.example."""
    zone = published() if zone is None else zone
    return authenticate(raw, author or "acme.example", zone, NOW, how or How())


def letter(
    sender: str = "Ana Costa <ana@acme.example>",
    body: bytes = b"Hello,\r\n\r\nthe contract  is signed.\r\n",
    **fields: str,
) -> bytes:
    """One plain mail with CRLF; `fields` by name with _ for -."""
    header = {
        "From": sender,
        "To": "hello@aboard.example",
        "Subject": "Kickoff",
        "Date": "Mon, 02 Nov 2026 08:00:00 +0000",
        "Message-ID": "<1@acme.example>",
        **{name.replace("_", "-"): value for name, value in fields.items()},
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in header.items())
    return lines.encode() + b"\r\n" + body
