"""The one door to imapclient: a signed-in connection that only reads, and moves when it is told to.

UIDs only, never sequence numbers; BODY.PEEK, so that nothing becomes read. Folders are examined
where nothing is to be moved. What the library and the server do wrong leaves this room as one
`MailboxError` that says which mailbox, what happened and what to do.
"""

from __future__ import annotations

import contextlib
import imaplib
import select
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any

import imapclient
from imapclient.exceptions import CapabilityError, LoginError, ProtocolError

from inbox import log
from inbox.errors import (
    CUT,
    FOLDER,
    GARBLED,
    REFUSED,
    SIGN_IN,
    SILENT,
    TLS,
    TOO_MUCH,
    UNREACHABLE,
    MailboxError,
)
from inbox.imap_settings import CONTROL, OAUTHBEARER, PASSWORD, Polled
from inbox.mail.polled import Listed, Opened
from inbox.net.access_token import Offer, access_token
from inbox.net.imap_line import Line, TooMuch, Watchdog
from inbox.net.tls import client_context

AT_ONCE = 500
"""UIDs in one command: a line of about 4 KiB, which every server takes."""
SLOWEST = 16 * 1024
"""Bytes a second: a slower server is taken for one that has stopped."""
LONGEST_LINE = 32 * 1024 * 1024
"""Bytes of one line of an answer: two million UIDs are one."""
TALK = 1024 * 1024
"""Bytes that a command may bring beside what it asks for: flags of other mails, and the like."""

log.silence("imapclient")
log.silence("imapclient.imapclient")
log.silence("imapclient.imaplib")


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds: to connect; for any command, and for the next byte of its answer."""

    connect: float = 20.0
    call: float = 60.0


class _Bounded(imaplib.IMAP4):
    """A connection whose socket and incoming bytes are watched."""

    def __init__(
        self, host: str, port: int, timeout: float, line: Line, context: ssl.SSLContext | None
    ) -> None:
        self._line, self._context = line, context
        super().__init__(host, port, timeout=timeout)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        made = socket.create_connection((self.host, self.port), timeout)
        try:
            self._line.hold(made)
            # A command goes out in several pieces: the second would wait for a delayed ACK, 40 ms.
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is not None:
                return self._context.wrap_socket(made, server_hostname=self.host)
        except BaseException:  # whatever it is, it goes on: nobody else has the socket to close it
            made.close()
            raise
        return made

    def read(self, size: int) -> bytes:
        self._line.brings(size)  # before it is read: memory is what it is about
        return super().read(size)

    def readline(self) -> bytes:
        source: Any = self.file  # a buffered reader, which typeshed calls text or bytes
        found: bytes = source.readline(LONGEST_LINE + 1)
        self._line.brings(len(found))
        if len(found) > LONGEST_LINE:
            raise TooMuch(f"a line of more than {LONGEST_LINE} bytes")
        return found


class _Client(imapclient.IMAPClient):  # type: ignore[misc]
    """imapclient over such a connection."""

    def __init__(self, box: Polled, line: Line, waits: Waits, context: ssl.SSLContext | None):
        self._line, self._waits = line, waits
        implicit = box.tls == "implicit"
        timeout = imapclient.SocketTimeout(waits.connect, waits.call)
        super().__init__(
            box.host, box.port, ssl=implicit, ssl_context=context if implicit else None,
            timeout=timeout,
        )  # fmt: skip
        self._imap.debug = 0
        self.normalise_times = False

    def _create_IMAP4(self) -> imaplib.IMAP4:
        return _Bounded(self.host, self.port, self._waits.connect, self._line, self.ssl_context)

    def wait(self, seconds: float) -> None:
        """IDLE until the server says anything, at most so long (RFC 2177).

        Nothing is read while it lasts, so that half a line is never lost: what came is looked at
        by `idle_done`, in blocking mode.
        """
        self._idle_tag = tag = self._imap._command("IDLE")
        while self._imap._get_response() is not None:
            if self._imap.tagged_commands.get(tag):
                raise imapclient.IMAPClient.Error("IDLE was refused")
        if not self._buffered():
            watched = select.poll()
            watched.register(self.socket().fileno(), select.POLLIN)
            watched.poll(seconds * 1000)
        self.idle_done()

    def _buffered(self) -> bool:
        """Has more come together with the answer to IDLE? The end of the line counts as nothing."""
        line = self.socket()
        line.setblocking(False)
        try:
            return bool(self._imap.file.peek(1))
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        finally:
            line.settimeout(self._waits.call)


class Remote:
    """A signed-in connection; see `inbox.mail.polled.Folders`. Not for two threads at once, apart
    from `interrupt`."""

    def __init__(self, box: Polled, waits: Waits, watchdog: Watchdog) -> None:
        self._box, self._waits, self._watchdog = box, waits, watchdog
        self._line = Line()
        self._client: Any = None
        self._deletes = True
        watchdog.watch(self._line)

    # --- Coming and going -------------------------------------------------------------------

    def connect(self) -> None:
        """Connect and sign in. Raises `MailboxError`, and `ConfigError` for a bad `tls_ca`."""
        box = self._box
        authorities = f"imap.mailboxes {box.name}: tls_ca"
        context = None if box.tls == "none" else client_context(box.tls_ca, authorities)
        secret = box.password or ""
        if box.auth != PASSWORD:
            secret = access_token(box.token_command, box.where)
        with self._call("connecting", self._waits.connect + self._waits.call, UNREACHABLE):
            self._client = _Client(box, self._line, self._waits, context)
        if box.tls == "starttls":
            self._start_tls(context)
        self._sign_in(secret)

    def _start_tls(self, context: ssl.SSLContext | None) -> None:
        with self._call("STARTTLS", self._waits.call, TLS):
            if self._client._imap.state != "NONAUTH":
                raise self._error(TLS, "the server signs in before TLS has begun (PREAUTH)")
            if not self._client.has_capability("STARTTLS"):
                raise self._error(TLS, "the server offers no STARTTLS; set tls: implicit")
            self._client.starttls(context)

    def _sign_in(self, secret: str) -> None:
        box, client = self._box, self._client
        if CONTROL.search(box.username) or CONTROL.search(secret):
            raise self._error(SIGN_IN, "user name or password hold control characters")
        with self._call("signing in", self._waits.call, SIGN_IN):
            if box.auth != PASSWORD:
                self._offer(secret)
            elif client.has_capability("AUTH=PLAIN"):
                client.plain_login(box.username, secret)
            else:
                client.login(box.username, secret)
            client.capabilities()  # kept from here on: in IDLE it could not ask

    def _offer(self, token: str) -> None:
        box = self._box
        offer = Offer(box.username, token, bearer=box.auth == OAUTHBEARER)
        try:
            self._client.sasl_login(box.auth.upper(), offer)
        except LoginError as error:
            if not offer.refusal:
                raise
            said = _said(f"{error} {offer.refusal}".replace(token, "(the token)"))
            who = f"the server does not take the token for {box.username!r}: {said}"
            hint = "it has expired, is another user's, or lacks the scope for IMAP"
            raise self._error(SIGN_IN, f"{who}; {hint}: see to the token command") from error

    def close(self) -> None:
        """Say good-bye where the connection still lives, and close it."""
        self._watchdog.forget(self._line)
        if self._client is not None:
            with contextlib.suppress(MailboxError), self._call("LOGOUT", 2.0, REFUSED):
                self._client.socket().settimeout(1.0)
                self._client.logout()
            with contextlib.suppress(OSError):  # logout closes it where it comes through
                self._client.shutdown()
        self._line.close()

    def interrupt(self) -> None:
        """End the connection now, from any thread; what waits for it gets a `MailboxError`."""
        self._line.interrupt()

    def __enter__(self) -> Remote:
        try:
            self.connect()
        except BaseException:  # it goes on; without an `__enter__` there is no `__exit__` to close
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- Reading ----------------------------------------------------------------------------

    @property
    def can_idle(self) -> bool:
        """Does the server tell of new mail by itself?"""
        return bool(self._client.has_capability("IDLE"))

    def open(self, folder: str) -> Opened:
        """Select a folder; only examine it where nothing is ever moved out of it."""
        self._plain(folder)
        with self._call(f"opening the folder {folder!r}", self._waits.call, FOLDER):
            found = self._client.select_folder(folder, readonly=not self._box.move_to)
        flags = found.get(b"PERMANENTFLAGS")
        self._deletes = flags is None or imapclient.DELETED in flags
        uidvalidity = found.get(b"UIDVALIDITY")
        if not isinstance(uidvalidity, int) or uidvalidity <= 0:
            raise self._error(FOLDER, f"the folder {folder!r} has no UIDVALIDITY: it has no UIDs")
        return Opened(folder, uidvalidity, int(found.get(b"UIDNEXT", 0)))

    def uids(self, after: int, since: date | None = None) -> tuple[int, ...]:
        """All UIDs above this one, ascending; of these the ones of that day and later."""
        wanted: list[Any] = ["UID", f"{after + 1}:*", *(("SINCE", since) if since else ())]
        with self._call("UID SEARCH", self._waits.call, REFUSED, LONGEST_LINE):
            found = self._client.search(wanted)
        # `n:*` always holds the last mail, whatever its UID (RFC 9051 section 9, seq-range).
        return tuple(sorted({int(uid) for uid in found if int(uid) > after}))

    def listed(self, uids: Sequence[int]) -> dict[int, Listed]:
        """Size and date. Where a date makes an answer unreadable, the sizes alone are asked for."""
        found: dict[int, Listed] = {}
        for some in _portions(uids):
            try:
                found |= self._sizes(some, ("RFC822.SIZE", "INTERNALDATE"))
            except MailboxError as error:
                if error.cause != GARBLED:
                    raise
                found |= self._sizes(some, ("RFC822.SIZE",))
        return found

    def _sizes(self, uids: Sequence[int], items: Sequence[str]) -> dict[int, Listed]:
        with self._call("UID FETCH of sizes", self._waits.call, REFUSED):
            found = self._client.fetch(uids, items)
        return {
            uid: Listed(uid, int(said[b"RFC822.SIZE"]), said.get(b"INTERNALDATE"))
            for uid, said in found.items()
            if b"RFC822.SIZE" in said
        }

    def bodies(self, uids: Sequence[int], size: int) -> dict[int, bytes]:
        """The mails as bytes; a server that sends half as much again as it said is cut off."""
        seconds = self._waits.call + size / SLOWEST
        with self._call("UID FETCH", seconds, REFUSED, size + size // 2):
            found = self._client.fetch(uids, ["BODY.PEEK[]"])
        return {
            uid: said[b"BODY[]"]
            for uid, said in found.items()
            if isinstance(said.get(b"BODY[]"), bytes)
        }

    def wait(self, seconds: float) -> None:
        """Wait until the server tells of a change in the open folder, at most so long."""
        with self._call("IDLE", seconds + self._waits.call, REFUSED):
            self._client.wait(seconds)

    # --- Moving -----------------------------------------------------------------------------

    def move(self, uids: Sequence[int], folder: str) -> None:
        """Move mails (RFC 6851); without MOVE copy, flag and expunge these very mails (RFC 4315).

        A server that cannot expunge single mails keeps them, flagged as deleted, unless nothing
        but these is so flagged: what somebody else deleted is not ours to remove.
        """
        self._plain(folder)
        for some in _portions(uids):
            with self._call(f"moving mail to {folder!r}", self._waits.call, REFUSED):
                self._move(some, folder)

    def _move(self, uids: Sequence[int], folder: str) -> None:
        client = self._client
        if client.has_capability("MOVE"):
            client.move(uids, folder)
            return
        if not self._deletes:  # else it would be copied again and again
            raise self._error(REFUSED, "there is no MOVE, and nothing may be deleted in the folder")
        client.copy(uids, folder)
        client.add_flags(uids, [imapclient.DELETED], silent=True)
        if client.has_capability("UIDPLUS"):
            client.uid_expunge(uids)
        elif set(client.search(["DELETED"])) <= set(uids):
            client.expunge()

    # --- What goes wrong --------------------------------------------------------------------

    def _plain(self, folder: str) -> None:
        if CONTROL.search(folder):
            raise self._error(FOLDER, f"the folder name {folder!r} holds control characters")

    def _error(self, cause: str, message: str) -> MailboxError:
        return MailboxError(cause, f"{self._box.where}: {message}")

    @contextmanager
    def _call(self, what: str, seconds: float, refused: str, most_bytes: int = 0) -> Iterator[None]:
        """One call to the server; `refused` is the cause where it says no."""
        try:
            with self._line.call(seconds, TALK + most_bytes):
                yield
        except MailboxError:
            raise
        except Exception as error:
            # Anything: what a stranger's server says makes the parsers below raise IndexError,
            # AttributeError, RecursionError and more. None of it is swallowed, all of it is named.
            raise self._error(*self._judged(what, error, refused)) from error

    def _judged(self, what: str, error: Exception, refused: str) -> tuple[str, str]:
        """(cause, sentence) of anything that may happen in the library below."""
        said = _said(error)
        if isinstance(error, TooMuch):
            return TOO_MUCH, f"{what}: {said}"
        if self._line.overdue or isinstance(error, TimeoutError):
            return SILENT, f"{what}: the server did not answer in time"
        if isinstance(error, ssl.SSLCertVerificationError):
            hint = "set tls_ca to the authority that signed it, or host to the name it bears"
            return TLS, f"its certificate is not to be trusted ({error.verify_message}); {hint}"
        if isinstance(error, ssl.SSLError) and self._client is None:
            return TLS, f"TLS cannot be begun: {said}; does `tls` fit the port?"
        if isinstance(error, imaplib.IMAP4.abort | OSError) or "socket error" in said:
            return CUT if self._client else UNREACHABLE, f"{what}: {said}"
        if isinstance(error, LoginError):
            return SIGN_IN, f"the server does not let {self._box.username!r} in: {said}"
        if isinstance(error, CapabilityError):
            return REFUSED, f"{what}: {said}"
        if isinstance(error, ProtocolError) or not isinstance(error, imaplib.IMAP4.error):
            return GARBLED, f"{what}: what the server said cannot be read: {said}"
        return refused, f"{what} was refused: {said}"


def _said(error: object) -> str:
    """What an error says, in one short line; a server's words are a stranger's."""
    text = CONTROL.sub(" ", str(error)).strip() or type(error).__name__
    return text[:300]


def _portions(uids: Sequence[int]) -> Iterator[list[int]]:
    rest = iter(sorted(uids))
    while some := list(islice(rest, AT_ONCE)):
        yield some
