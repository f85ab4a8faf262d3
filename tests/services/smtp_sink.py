"""An SMTP server that keeps what it gets and answers as the test says; not our own intake.

It speaks SMTP by aiosmtpd on a free port of the loopback. Without a script it accepts everything.
A script gives the answers of a command in turn, for instance a 451 to the first DATA, or one of
the two ways of cutting the connection, which decide whether a mail went out or nobody knows.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.services.background import Loop

CUT = "cut"
"""Close the connection instead of answering; at DATA, the mail is not kept."""
KEEP_AND_CUT = "keep and cut"
"""At DATA: keep the mail, then close the connection instead of answering."""
ACCEPT = None
"""Answer as usual."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One mail that the sink took."""

    mail_from: str
    rcpt_tos: tuple[str, ...]
    content: bytes
    helo: str
    over_tls: bool


class SmtpSink:
    """A running sink. `kept` grows in the order of the final answers."""

    host = "127.0.0.1"

    def __init__(self, tls: ssl.SSLContext | None = None, size_limit: int = 50 * 2**20) -> None:
        """Offer STARTTLS when `tls` is given; refuse mails of more than `size_limit` bytes."""
        self.kept: list[Kept] = []
        self.port = 0
        self._options: dict[str, Any] = {"tls_context": tls, "data_size_limit": size_limit}
        self._script: dict[str, deque[str | None]] = defaultdict(deque)
        self._arrived = threading.Condition()
        self._loop: Loop | None = None
        self._server: asyncio.Server | None = None

    def script(self, command: str, *answers: str | None) -> None:
        """Answer the next uses of EHLO, MAIL, RCPT or DATA so, each with its code and text.

        `ACCEPT` stands for the usual answer. When the answers are used up, all is as usual again.
        """
        if command not in ("EHLO", "MAIL", "RCPT", "DATA"):
            raise ValueError(f"{command!r} cannot be scripted: say EHLO, MAIL, RCPT or DATA")
        self._script[command].extend(answers)

    def wait_for(self, number: int, within: float = 10.0) -> list[Kept]:
        """The kept mails, once there are at least `number`. AssertionError after `within` s."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self.kept) >= number, within):
                raise AssertionError(f"{len(self.kept)} of {number} mails after {within} s")
            return list(self.kept)

    def start(self) -> None:
        """Listen; the first time on a free port, afterwards on the same one."""
        self._loop = Loop("smtp-sink")
        self._server = self._loop.run(self._listen())
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Close the port and every connection; what was kept stays."""
        if self._loop is not None and self._server is not None:
            self._loop.loop.call_soon_threadsafe(self._server.close)
            self._loop.stop()
            self._loop = self._server = None

    async def _listen(self) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_server(self._protocol, self.host, self.port)

    def _protocol(self) -> SMTP:
        return SMTP(_Handler(self), hostname="sink.test", enable_SMTPUTF8=True, **self._options)

    def next_answer(self, command: str) -> str | None:
        """For the handler: what the script says to this command."""
        answers = self._script[command]
        return answers.popleft() if answers else ACCEPT

    def keep(self, mail: Kept) -> None:
        """For the handler: one more mail is here."""
        with self._arrived:
            self.kept.append(mail)
            self._arrived.notify_all()


class _Handler:
    """aiosmtpd's hooks; the names are aiosmtpd's."""

    def __init__(self, sink: SmtpSink) -> None:
        self._sink = sink

    async def _scripted(self, command: str, server: SMTP) -> str | None:
        answer = self._sink.next_answer(command)
        if answer == CUT:
            await _cut(server)
        return answer

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, host: str, responses: list[str]
    ) -> list[str]:
        session.host_name = host
        answer = await self._scripted("EHLO", server)
        return responses if answer is ACCEPT else [answer]

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self._scripted("MAIL", server)
        if answer is ACCEPT:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return answer or "250 2.1.0 sender ok"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self._scripted("RCPT", server)
        if answer is ACCEPT:
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return answer or "250 2.1.5 recipient ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = await self._scripted("DATA", server)
        if answer in (ACCEPT, KEEP_AND_CUT):
            content = envelope.original_content or b""
            mail = Kept(
                mail_from=envelope.mail_from or "",
                rcpt_tos=tuple(envelope.rcpt_tos),
                content=content,
                helo=str(session.host_name or ""),
                over_tls=session.ssl is not None,
            )
            self._sink.keep(mail)
        if answer == KEEP_AND_CUT:
            await _cut(server)
        return answer or "250 2.0.0 kept"


async def _cut(server: SMTP) -> None:
    """Close the connection and never come back: aiosmtpd ends the session when it is cancelled."""
    assert isinstance(server.transport, asyncio.Transport)
    server.transport.abort()
    await asyncio.Event().wait()


@contextmanager
def running(tls: ssl.SSLContext | None = None) -> Iterator[SmtpSink]:
    """A sink for the length of the block."""
    sink = SmtpSink(tls)
    sink.start()
    try:
        yield sink
    finally:
        sink.stop()
