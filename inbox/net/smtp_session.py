"""One SMTP connection: its commands, how long it may stay, and how it ends.

aiosmtpd keeps the connection and the order of commands; what it decides by itself is decided here
instead (its answer to any error inside was a permanent 500 with the exception's text).

Nothing is added to a mail, no `Received` and no `Return-Path` field: raw mail is never changed,
so that its hash is that of the bytes received. Peer, paths and instant are in the ledger.
"""

from __future__ import annotations

import asyncio
import math
import re
import ssl
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import AnyStr, Protocol, cast

from aiosmtpd.proxy_protocol import ProxyData
from aiosmtpd.smtp import SMTP, Envelope, Session, TLSSetupException

from inbox import log
from inbox.config import Smtp
from inbox.net.batch import GroupCommit
from inbox.net.content import begin_content, forget, skip
from inbox.net.door import Doorkeeper, Transaction
from inbox.net.envelope import Received, readable
from inbox.net.receive import Receiver

STREAM_LIMIT = 64 * 1024
COMMAND_LIMIT = 2048
"""RFC 5321 says 512 and more for extensions; long sender addresses with parameters need it."""
MOST_ERRORS = 20
COMMANDS = "EHLO HELO STARTTLS MAIL RCPT DATA RSET NOOP QUIT HELP VRFY EXPN BDAT"
COMMAND_LIMITS = {"*": 100, "MAIL": 10**9, "RCPT": 10**9, "DATA": 10**9, "RSET": 10**9}
"""How often a connection may use a command; those that hand mail over have limits of their own."""
PROXY_SECONDS = 30.0
CLOSING_SECONDS = 10.0


class House(Protocol):
    """What all connections share."""

    settings: Smtp
    door: Doorkeeper
    commits: GroupCommit
    sessions: set[SmtpSession]
    in_transaction: int
    stopping: bool
    clock: Callable[[], float]
    new_incident: Callable[[], str]

    def left(self, session: SmtpSession) -> None:
        """A connection has ended."""


class _Handler:
    """What aiosmtpd asks outside of the session: only whom a proxy speaks for."""

    async def handle_PROXY(
        self, server: SmtpSession, session: Session, envelope: Envelope, data: ProxyData
    ) -> bool:
        return await server.speaks_for(None if data.src_addr is None else str(data.src_addr))

    def __dir__(self) -> list[str]:
        return ["handle_PROXY"]


class SmtpSession(SMTP):
    """One connection."""

    command_size_limit = COMMAND_LIMIT
    command_size_limits = defaultdict(lambda: COMMAND_LIMIT)  # noqa: RUF012 (aiosmtpd has it so)
    line_length_limit = STREAM_LIMIT  # of the stream; content may have lines of any length

    def __init__(
        self, house: House, tls: ssl.SSLContext | None, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.house = house
        self.peer = ""
        self._errors = 0
        self._receiver = Receiver(house.door, house.commits)
        self._idle_due = 0.0
        self._transaction: Transaction | None = None
        self._receiving = False
        super().__init__(
            _Handler(),
            data_size_limit=house.settings.most_bytes,
            enable_SMTPUTF8=True,
            hostname=house.settings.hostname,
            ident="ESMTP",
            tls_context=tls,
            command_call_limit=COMMAND_LIMITS,
            timeout=house.settings.idle_seconds,
            proxy_protocol_timeout=PROXY_SECONDS if house.settings.proxy_protocol else None,
            loop=loop,
        )

    def __dir__(self) -> list[str]:
        # aiosmtpd looks through all attributes for commands on every connection, three times;
        # that cost a quarter of a short session. AUTH is not among them: there are no accounts.
        return [f"smtp_{name}" for name in COMMANDS.split()]

    # --- The connection: who may stay, and for how long --------------------------------------

    async def _handle_client(self) -> None:
        self.house.sessions.add(self)
        try:
            if self._proxy_timeout is not None or await self.speaks_for(None):
                await super()._handle_client()
        except (ConnectionError, asyncio.LimitOverrunError, asyncio.IncompleteReadError):
            self.abort()
        finally:
            if self.peer:
                self.house.door.caps.leave(self.peer)
            self._end_transaction()
            self.house.left(self)

    async def speaks_for(self, address: str | None) -> bool:
        """Let a peer in, or tell it why not; `address` is a proxy's word for who it is."""
        assert self.session is not None
        peer = address or str((self.session.peer or ("unknown",))[0])
        why = "stopping" if self.house.stopping else self.house.door.caps.enter(peer)
        if why is None:
            self.peer = peer
            return True
        log.refused("421", why, peer)
        await self.push(f"421 4.3.2 {self.hostname} {why}, try again later")
        self._hang_up()
        return False

    def data_received(self, data: bytes) -> None:
        if self._receiving:
            self._idle_due = self.house.clock() + self._timeout_duration
        super().data_received(data)

    def _reset_timeout(self, duration: float | None = None) -> None:
        # One timer a connection that looks at the clock, not one a command.
        self._idle_due = self.house.clock() + (duration or self._timeout_duration)
        if self._timeout_handle is None:
            self._wait()

    def _wait(self) -> None:
        left = min(self._due() - self.house.clock(), self.house.settings.transaction_seconds)
        self._timeout_handle = self.loop.call_later(max(left, 0.01), self._timeout_cb)

    def _due(self) -> float:
        if self._transaction is None:
            return self._idle_due
        # While its mail is being committed nothing is due from the peer.
        due = self._transaction.due
        return due if due == math.inf else min(self._idle_due, due)

    def _timeout_cb(self) -> None:
        if self._due() > self.house.clock():
            self._wait()
            return
        self._end("4.4.2", "idle or too slow")

    def wind_down(self) -> None:
        """The node stops: end now, or after the mail that is coming in."""
        if not self._receiving:
            self._end("4.3.2", "stopping")

    def _end(self, code: str, why: str) -> None:
        log.refused("421", why, self.peer)
        in_handshake = self._tls_protocol is not None and not self._over_tls
        if self.transport is None or in_handshake:
            self.abort()
            return
        self._writer.write(f"421 {code} {self.hostname} {why}, closing\r\n".encode())
        self._hang_up()

    def _hang_up(self) -> None:
        """Close the connection; no command that is already here is obeyed any more."""
        forget(self._reader)
        transport = self._wire()
        transport.close()
        # A peer that does not read would keep a closing connection for ever.
        self.loop.call_later(CLOSING_SECONDS, transport.abort)
        if self._handler_coroutine is not None:
            self._handler_coroutine.cancel()

    def abort(self) -> None:
        """End the connection at once."""
        if self.transport is not None:
            self._wire().abort()

    def _wire(self) -> asyncio.WriteTransport:
        return cast(asyncio.WriteTransport, self.transport)  # uvloop's is no subclass of it

    @property
    def _over_tls(self) -> bool:
        return self._session().ssl is not None

    def _session(self) -> Session:
        assert self.session is not None
        return self.session

    async def push(self, status: AnyStr) -> None:
        await super().push(status)
        if status[:1] in ("5", b"5"):
            self._errors += 1
            if self._errors > MOST_ERRORS and not self._wire().is_closing():
                self._end("4.7.0", "too many errors")

    async def handle_exception(self, error: Exception) -> str:
        if isinstance(error, TLSSetupException):
            # The peer's doing, as anybody's who only looks what is here: no incident of ours.
            log.refused("tls", str(error.__cause__ or "the handshake failed"), self.peer)
            return "421 4.7.0 the handshake failed"
        incident = self.house.new_incident()
        log.intake_failed(incident, error)
        return f"451 4.3.0 try again later (incident {incident})"

    # --- Commands ----------------------------------------------------------------------------

    async def smtp_EHLO(self, hostname: str | None) -> None:
        """Name what is offered, in one write."""
        if not hostname:
            await self.push("501 5.5.4 EHLO needs a name")
            return
        self._greeted(hostname, extended=True)
        offered = [self.hostname, "PIPELINING", f"SIZE {self.data_size_limit}", "8BITMIME"]
        if self.tls_context is not None and not self._over_tls:
            offered.append("STARTTLS")
        lines = [f"250-{line}" for line in offered]
        await self.push("\r\n".join([*lines, "250 SMTPUTF8"]))

    async def smtp_HELO(self, hostname: str | None) -> None:
        """The same without extensions."""
        if not hostname:
            await self.push("501 5.5.4 HELO needs a name")
            return
        self._greeted(hostname, extended=False)
        await self.push(f"250 {self.hostname}")

    def _greeted(self, hostname: str, *, extended: bool) -> None:
        self._set_rset_state()  # type: ignore[no-untyped-call]
        self._session().extended_smtp = extended
        self._session().host_name = readable(hostname)

    async def smtp_STARTTLS(self, arg: str) -> None:
        """RFC 3207. What came in plain text after the command is dropped, and the state with it."""
        if self._over_tls:
            await self.push("503 5.5.1 TLS is already there")
            return
        await super().smtp_STARTTLS(arg)

    async def smtp_VRFY(self, arg: str | None) -> None:
        """Always the same answer, so that it tells nothing (RFC 5321 section 7.3)."""
        await self.push("252 2.5.2 send mail, then it is known")

    async def smtp_HELP(self, arg: str | None) -> None:
        """There is nothing to say beyond the standard."""
        await self.push("214 2.0.0 see RFC 5321")

    async def smtp_EXPN(self, arg: str | None) -> None:
        """There are no lists to expand."""
        await self.push("502 5.5.1 not implemented")

    async def smtp_BDAT(self, arg: str | None) -> None:
        """Not offered. Its chunk follows at once and is skipped, so that none of it is obeyed."""
        size = (arg or "").split(" ")[0]
        most = self.house.settings.most_bytes
        if not re.fullmatch("[0-9]{1,12}", size) or int(size) > most:
            await self.push("501 5.5.4 not offered, and no chunk that can be skipped")
            self._hang_up()
            return
        await skip(self._reader, int(size))
        await self.push("502 5.5.1 BDAT is not offered, use DATA")

    async def smtp_MAIL(self, arg: str | None) -> None:
        """Open a transaction."""
        house = self.house
        if self._session().host_name is None:
            answer = "503 5.5.1 EHLO first"
        elif house.settings.require_tls and not self._over_tls:
            answer = "530 5.7.0 must issue a STARTTLS command first"
        elif self._transaction is not None:
            answer = "503 5.5.1 nested MAIL command"
        else:
            opened = house.door.open(arg or "", self.peer, house.clock())
            answer = opened if isinstance(opened, str) else self._begin(opened)
        await self._reply(answer)

    def _begin(self, transaction: Transaction) -> str:
        self._transaction = transaction
        self.house.in_transaction += 1
        return "250 2.1.0 Ok"

    async def smtp_RCPT(self, arg: str | None) -> None:
        """Take a recipient that is ours."""
        if self._transaction is None:
            await self._reply("503 5.5.1 MAIL first")
            return
        answer = self.house.door.recipient(arg or "", self._transaction, self.house.clock())
        await self._reply(answer)

    async def smtp_DATA(self, arg: str | None) -> None:
        """Take the content; the answer to it is that of its transaction in the store."""
        transaction = self._transaction
        if arg or transaction is None or not transaction.forward_paths:
            await self._reply("501 5.5.4 DATA stands alone" if arg else "503 5.5.1 RCPT first")
            return
        if not begin_content(self._reader):
            await self._reply("503 5.5.0 content came before the answer to DATA")
            self._hang_up()
            return
        self._receiving = True
        try:
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            mail_of = partial(self._mail, transaction)
            answer = await self._receiver.receive(self._reader, transaction, mail_of)
            self._end_transaction()
            self._reset_timeout()
            await self._reply(answer)
        finally:
            self._receiving = False
        if self.house.stopping:
            self._end("4.3.2", "stopping")

    def _mail(self, transaction: Transaction, raw: bytes) -> Received:
        return Received(
            raw=raw,
            reverse_path=transaction.reverse_path,
            forward_paths=tuple(transaction.forward_paths),
            peer=self.peer,
            tls=self._over_tls,
            helo=self._session().host_name or "",
        )

    def _set_post_data_state(self) -> None:
        super()._set_post_data_state()  # type: ignore[no-untyped-call]
        self._end_transaction()

    def _end_transaction(self) -> None:
        if self._transaction is not None:
            self._transaction = None
            self.house.in_transaction -= 1

    async def _reply(self, answer: str) -> None:
        if answer[0] in "45":
            log.refused(answer[:3], answer[4:], self.peer)
        await self.push(answer)
