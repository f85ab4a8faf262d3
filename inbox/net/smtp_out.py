"""One SMTP session with a smarthost: TLS, AUTH, then mail after mail, and what became of each.

The caller is told before each phase of a mail's dialogue (`inbox.mail.outgoing.PHASES`) and can
write it down, so that it is known afterwards how far a session got that ended halfway. Knows no
store and no queue, and never tries anything twice.
"""

from __future__ import annotations

import base64
import re
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from inbox.mail.outgoing import (
    ACCEPTED,
    DATA,
    DOT,
    ENVELOPE,
    REFUSED,
    WAITING,
    Answer,
    BeforePhase,
    Deferred,
    Envelope,
    Outcome,
    RecipientOutcome,
    Rejected,
    Sent,
    Uncertain,
)
from inbox.net.smtp_reply import Broken, Wire

_LINE_DOT = re.compile(rb"(?m)^\.")
_OURS_TO_MEND = frozenset({421, 454, 530, 534, 535, 538})
"""Replies that speak of the session or of its credentials, not of the mail (RFC 4954)."""


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds for each step (RFC 5321 section 4.5.3.2); the last one so long that a slow server
    does not turn a mail that it took into one that may go out twice (RFC 1047)."""

    connect: float = 30.0
    greeting: float = 300.0
    command: float = 300.0
    block: float = 180.0
    dot: float = 600.0


@dataclass(frozen=True, slots=True)
class Smarthost:
    """Where mail leaves to, and how."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    """None: no TLS, which the settings allow to this very machine only."""
    implicit: bool = False
    """TLS from the first byte (RFC 8314), not by STARTTLS."""
    username: str = ""
    password: str = ""
    helo: str = "localhost"
    waits: Waits = Waits()


class Session:
    """A session over a connection that is there; `begin` makes it ready for mail."""

    def __init__(self, wire: Wire, smarthost: Smarthost) -> None:
        self._wire = wire
        self._smarthost = smarthost
        self._offers: dict[str, str] = {}
        self._used = False
        self.mails = 0
        """Mails whose envelope was begun here."""
        self.usable = True
        """False once the conversation is broken or the server ends it."""
        self._lock = threading.Lock()
        self._at_dot = False
        self._interrupted = False

    def drop(self) -> None:
        """Close without a word."""
        self.usable = False
        self._wire.close()

    def close(self) -> None:
        """Say goodbye where the server still listens, and close."""
        if self.usable:
            self.usable = False
            with suppress(Broken):  # it is only politeness
                self._wire.send(b"QUIT\r\n", 1.0)
        self._wire.close()

    def interrupt(self) -> None:
        """End it from another thread, unless a mail is between its final dot and the answer."""
        with self._lock:
            if not self._at_dot:
                self._interrupted = True
                self._wire.interrupt()

    def quiet(self) -> bool:
        """Is the connection still there and in step? A server that speaks unasked is closing it."""
        return self.usable and not self._wire.has_unread()

    # --- Opening it ---------------------------------------------------------------------------

    def begin(self) -> None:
        """Greeting, EHLO, TLS, AUTH. Raises `Broken`; nothing was sent of any mail then."""
        host, waits = self._smarthost, self._smarthost.waits
        if host.tls is not None and host.implicit:
            self._wire.over_tls(host.tls, host.host, waits.connect)
        answer, _ = self._wire.reply(waits.greeting)
        if answer.code != 220:
            raise Broken("greeting", f"{host.host} does not serve us: {_said(answer)}")
        self._hello()
        if host.tls is not None and not host.implicit:
            self._starttls(host.tls)
        if host.username:
            self._authenticate()

    def _hello(self) -> None:
        answer, lines = self._command(f"EHLO {self._smarthost.helo}")
        if answer.code != 250:
            raise Broken("greeting", f"EHLO was refused: {_said(answer)}")
        words = (line.partition(" ") for line in lines[1:])
        self._offers = {name.upper(): value for name, _, value in words}

    def _starttls(self, context: ssl.SSLContext) -> None:
        if "STARTTLS" not in self._offers:
            raise Broken("tls", f"{self._smarthost.host} does not offer STARTTLS")
        answer, _ = self._command("STARTTLS")
        if answer.code != 220:
            raise Broken("tls", f"STARTTLS was refused: {_said(answer)}")
        self._wire.over_tls(context, self._smarthost.host, self._smarthost.waits.connect)
        self._hello()  # what was offered in clear text counts for nothing

    def _authenticate(self) -> None:
        host = self._smarthost
        if host.tls is None:
            raise Broken("auth", "no password is sent without TLS")
        ways = self._offers.get("AUTH", "").upper().split()
        if "PLAIN" in ways:
            answer, _ = self._command(
                f"AUTH PLAIN {_b64(f'{chr(0)}{host.username}{chr(0)}{host.password}')}"
            )
        elif "LOGIN" in ways:
            answer, _ = self._command("AUTH LOGIN")
            for secret in (host.username, host.password):
                if answer.code != 334:
                    break
                answer, _ = self._command(_b64(secret))
        else:
            raise Broken("auth", f"{host.host} offers neither AUTH PLAIN nor LOGIN")
        if answer.code != 235:
            raise Broken("auth", f"the user name or password was refused: {_said(answer)}")

    # --- One mail -----------------------------------------------------------------------------

    def mail(self, envelope: Envelope, content: bytes, before_phase: BeforePhase) -> Outcome:
        """Hand one mail over. `content` has passed `check_wire`, the addresses `wire_address`.

        Whatever `before_phase` raises ends the session without a final dot and passes through.
        """
        self.mails += 1
        by_recipient: tuple[RecipientOutcome, ...] = ()
        try:
            before_phase(ENVELOPE)
            refused, by_recipient = self._envelope(envelope, len(content))
            if refused is not None:
                return refused
            before_phase(DATA)
            refused = self._data(content, by_recipient)
            if refused is not None:
                return refused
        except Broken as error:
            self.usable = False
            return Deferred(error.cause, str(error), _not_yet(by_recipient))
        except BaseException:
            self.usable = False
            raise
        return self._dot(by_recipient, before_phase)

    def _envelope(
        self, envelope: Envelope, size: int
    ) -> tuple[Outcome | None, tuple[RecipientOutcome, ...]]:
        """MAIL and RCPT; an outcome where the mail ends here, else the recipients so far."""
        if self._used:
            answer, _ = self._command("RSET")
            if answer.code != 250:
                raise Broken("busy", f"RSET was refused: {_said(answer)}")
        self._used = True
        most = self._offers.get("SIZE", "")
        if most.isdecimal() and 0 < int(most) < size:
            detail = f"the mail has {size} bytes; the server takes at most {most}"
            return Rejected("too-large", detail), ()
        told = f" SIZE={size}" if "SIZE" in self._offers else ""
        commands = [f"MAIL FROM:<{envelope.reverse_path}>{told}"]
        named = "DSN" in self._offers and envelope.reverse_path != ""
        commands += [
            f"RCPT TO:<{address}>{_named_in_reports(address) if named else ''}"
            for address in envelope.recipients
        ]
        answers = self._commands(commands)
        if answers[0].code // 100 != 2:
            return self._refused("sender", answers[0], ()), ()
        by_recipient = tuple(
            _outcome_of(address, answer)
            for address, answer in zip(envelope.recipients, answers[1:], strict=True)
        )
        return self._nobody(by_recipient), by_recipient

    def _commands(self, commands: Sequence[str]) -> list[Answer]:
        """Answers to all of them; after a refused MAIL the rest is not asked (RFC 2920)."""
        waits = self._smarthost.waits
        if "PIPELINING" in self._offers:
            self._wire.send("".join(f"{one}\r\n" for one in commands).encode("ascii"), waits.block)
            return [self._wire.reply(waits.command)[0] for _ in commands]
        answers: list[Answer] = []
        for one in commands:
            answers.append(self._command(one)[0])
            if answers[0].code // 100 != 2:
                break
        return answers

    def _nobody(self, by_recipient: tuple[RecipientOutcome, ...]) -> Outcome | None:
        """The outcome where no recipient was accepted, else None."""
        if any(one.state == ACCEPTED for one in by_recipient):
            return None
        first = next((one for one in by_recipient if one.state == WAITING), by_recipient[0])
        assert first.answer is not None
        if first.answer.code == 421:
            self.usable = False
        if first.state == WAITING:
            return Deferred("recipient", _said(first.answer), by_recipient)
        return Rejected("recipient", _said(first.answer), by_recipient)

    def _data(self, content: bytes, by_recipient: tuple[RecipientOutcome, ...]) -> Outcome | None:
        """DATA and everything but the final dot; an outcome where the server wants none of it."""
        answer, _ = self._command("DATA")
        if answer.code != 354:
            if answer.code // 100 == 2:
                raise Broken("reply", f"DATA was answered with {_said(answer)}")
            return self._refused("data", answer, by_recipient)
        self._wire.send(_LINE_DOT.sub(b"..", content), self._smarthost.waits.block)
        return None

    def _dot(
        self, by_recipient: tuple[RecipientOutcome, ...], before_phase: BeforePhase
    ) -> Outcome:
        try:
            before_phase(DOT)
        except BaseException:
            self.usable = False
            raise
        if not self._may_end():
            self.usable = False
            detail = "the connection was lost before the final dot"
            return Deferred("lost", detail, _not_yet(by_recipient))
        try:
            self._wire.send(b".\r\n", self._smarthost.waits.block)
            answer, _ = self._wire.reply(self._smarthost.waits.dot)
        except Broken as error:
            self.usable = False
            return Uncertain(f"after the final dot: {error}", _not_yet(by_recipient))
        finally:
            self._at_dot = False
        if answer.code // 100 == 2:
            return Sent(by_recipient, answer)
        if answer.code // 100 == 3:
            self.usable = False
            return Uncertain(f"after the final dot: {_said(answer)}", _not_yet(by_recipient))
        return self._refused("content", answer, by_recipient)

    def _may_end(self) -> bool:
        """Is the line still there and silent? A server that is gone already took nothing, and one
        that spoke too early took something else than this mail."""
        with self._lock:
            self._at_dot = not self._interrupted and not self._wire.has_unread()
            return self._at_dot

    def _refused(
        self, what: str, answer: Answer, by_recipient: tuple[RecipientOutcome, ...]
    ) -> Outcome:
        if answer.code == 421:
            self.usable = False
        if answer.code // 100 == 5 and answer.code not in _OURS_TO_MEND:
            final = tuple(
                RecipientOutcome(one.address, REFUSED, answer) if one.state == ACCEPTED else one
                for one in by_recipient
            )
            if any(one.state == WAITING for one in final):
                return Deferred(what, _said(answer), final)
            return Rejected(what, _said(answer), final)
        return Deferred(what, _said(answer), _not_yet(by_recipient, answer))

    def _command(self, line: str) -> tuple[Answer, tuple[str, ...]]:
        waits = self._smarthost.waits
        self._wire.send(f"{line}\r\n".encode("ascii"), waits.block)
        return self._wire.reply(waits.command)


def connect(smarthost: Smarthost, clock: Callable[[], float]) -> Session:
    """A session that is to `begin`. Raises `Broken`. `clock` gives monotonic seconds."""
    try:
        line = socket.create_connection((smarthost.host, smarthost.port), smarthost.waits.connect)
    except OSError as error:
        where = f"{smarthost.host}:{smarthost.port}"
        raise Broken("connect", f"cannot connect to {where}: {error}") from error
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Session(Wire(line, clock), smarthost)


_PLAIN = frozenset(range(0x21, 0x7F)) - frozenset(b"+=")


def _named_in_reports(address: str) -> str:
    """Lets a delivery report name the address that we wrote to, whatever forwarding made of it
    (RFC 3461 section 4.2)."""
    written = (chr(one) if one in _PLAIN else f"+{one:02X}" for one in address.encode("ascii"))
    return f" ORCPT=rfc822;{''.join(written)}"


def _outcome_of(address: str, answer: Answer) -> RecipientOutcome:
    kind = answer.code // 100
    final = kind == 5 and answer.code not in _OURS_TO_MEND
    return RecipientOutcome(
        address, ACCEPTED if kind == 2 else REFUSED if final else WAITING, answer
    )


def _not_yet(
    by_recipient: tuple[RecipientOutcome, ...], answer: Answer | None = None
) -> tuple[RecipientOutcome, ...]:
    """The recipients of a mail that was not handed over: who was accepted waits again."""
    return tuple(
        RecipientOutcome(one.address, WAITING, answer or one.answer)
        if one.state == ACCEPTED
        else one
        for one in by_recipient
    )


def _said(answer: Answer) -> str:
    return " ".join(part for part in (str(answer.code), answer.status, answer.text) if part)


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
