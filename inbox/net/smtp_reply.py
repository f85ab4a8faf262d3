"""One line of an SMTP conversation each way: replies read within limits, bytes sent in time.

Every wait has a deadline as a whole, so a server that sends a byte now and then holds nobody.
Knows no command of SMTP.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable

from inbox.mail.outgoing import Answer

LONGEST_REPLY_LINE = 2_048
"""Bytes; RFC 5321 section 4.5.3.1.5 allows 512, and some servers do not count."""
MOST_REPLY_LINES = 128
BLOCK = 65_536

_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?\Z", re.DOTALL)
_STATUS = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s+|\Z)")


class Broken(Exception):
    """The conversation cannot go on. `cause` is a stable code: `connect`, `lost`, `slow`, `reply`,
    `tls`, `auth`, `greeting`, or `busy`."""

    def __init__(self, cause: str, detail: str) -> None:
        self.cause = cause
        super().__init__(detail)


class Wire:
    """A connected socket, its unread bytes, and a clock for deadlines (seconds, monotonic)."""

    def __init__(self, line: socket.socket, clock: Callable[[], float]) -> None:
        self._line = line
        self._clock = clock
        self._unread = b""

    def reply(self, within: float) -> tuple[Answer, tuple[str, ...]]:
        """The next reply and its text lines, complete within so many seconds. Raises `Broken`."""
        until = self._clock() + within
        codes: list[bytes] = []
        texts: list[str] = []
        while len(texts) < MOST_REPLY_LINES:
            found = _LINE.match(self._read_line(until))
            if found is None or (codes and found[1] != codes[0]):
                raise Broken("reply", "the server's reply is none of SMTP")
            codes.append(found[1])
            texts.append((found[3] or b"").decode("ascii", "replace"))
            if found[2] != b"-":
                return _answer(int(codes[0]), texts), tuple(texts)
        raise Broken("reply", f"the server's reply has more than {MOST_REPLY_LINES} lines")

    def _read_line(self, until: float) -> bytes:
        while b"\n" not in self._unread:
            if len(self._unread) > LONGEST_REPLY_LINE:
                raise Broken("reply", f"a line of the reply exceeds {LONGEST_REPLY_LINE} bytes")
            self._line.settimeout(max(0.001, until - self._clock()))
            try:
                got = self._line.recv(4_096)
            except TimeoutError:
                raise Broken("slow", "the server did not answer in time") from None
            except (OSError, ValueError) as error:
                raise Broken("lost", f"the connection was lost: {error}") from error
            if not got:
                raise Broken("lost", "the server closed the connection")
            self._unread += got
        line, _, self._unread = self._unread.partition(b"\n")
        if len(line) > LONGEST_REPLY_LINE:
            raise Broken("reply", f"a line of the reply exceeds {LONGEST_REPLY_LINE} bytes")
        return line.removesuffix(b"\r")

    def send(self, data: bytes, within: float) -> None:
        """Send all of it, each block within so many seconds. Raises `Broken`."""
        view = memoryview(data)
        for start in range(0, len(view), BLOCK):
            self._line.settimeout(within)
            try:
                self._line.sendall(view[start : start + BLOCK])
            except TimeoutError:
                raise Broken("slow", "the server did not take the mail in time") from None
            except (OSError, ValueError) as error:
                raise Broken("lost", f"the connection was lost: {error}") from error

    def has_unread(self) -> bool:
        """Did the server say something that nobody asked for yet (or close)? Never waits."""
        if self._unread:
            return True
        self._line.settimeout(0)
        try:
            self._unread = self._line.recv(4_096)
            return True
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except (OSError, ValueError):
            return True

    def over_tls(self, context: ssl.SSLContext, host: str, within: float) -> None:
        """Encrypt from here on, the certificate checked against `host`. Raises `Broken`.

        What the server said before that was never protected, so none of it may be left over.
        """
        if self._unread:
            raise Broken("tls", "the server went on in clear text after its answer to STARTTLS")
        self._line.settimeout(within)
        try:
            self._line = context.wrap_socket(self._line, server_hostname=host)
        except ssl.SSLError as error:
            why = getattr(error, "verify_message", "") or error.reason or str(error)
            raise Broken("tls", f"no trusted TLS with {host}: {why}") from error
        except (OSError, ValueError) as error:
            raise Broken("tls", f"no TLS with {host}: {error}") from error

    def interrupt(self) -> None:
        """End whatever waits on this connection; safe from another thread."""
        try:
            self._line.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it is gone already

    def close(self) -> None:
        """Close the socket."""
        self._line.close()


def _answer(code: int, texts: list[str]) -> Answer:
    status = _STATUS.match(texts[-1])
    shown = " ".join(_STATUS.sub("", one, count=1) if status else one for one in texts)
    clean = "".join(letter if letter.isprintable() else " " for letter in shown)
    return Answer(code, status[1] if status else "", clean.strip()[:500])
