"""A small SMTP server that says exactly what a test wants, at any step, over TLS where wanted.

`SmtpSink` is a real server; this one may lie, stutter, ramble, fall silent and hang up.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

HANG_UP = b"<hang up>"
SILENCE = b"<silence>"

USUAL = {
    "GREETING": b"220 script.test ESMTP\r\n",
    "EHLO": b"250-script.test\r\n250-SIZE 1000000\r\n250 ENHANCEDSTATUSCODES\r\n",
    "MAIL": b"250 2.1.0 fine\r\n",
    "RCPT": b"250 2.1.5 fine\r\n",
    "DATA": b"354 go on\r\n",
    "DOT": b"250 2.0.0 queued as 1\r\n",
    "RSET": b"250 2.0.0 fine\r\n",
    "QUIT": b"221 2.0.0 bye\r\n",
    "STARTTLS": b"220 2.0.0 go on\r\n",
    "AUTH": b"235 2.7.0 welcome\r\n",
}


@dataclass
class Scripted:
    """The server. `script[command]` holds its next answers; `heard` is what clients said."""

    tls: ssl.SSLContext | None = None
    implicit: bool = False
    script: dict[str, deque[bytes]] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)
    mails: list[bytes] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._ended = threading.Event()
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def say(self, command: str, *answers: bytes) -> None:
        """Answer the next uses of this command so; GREETING and DOT are commands here too."""
        self.script.setdefault(command, deque()).extend(answers)

    def stop(self) -> None:
        self._ended.set()
        self._listener.close()
        for line in self._open:
            line.close()

    def _serve(self) -> None:
        while not self._ended.is_set():
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(line)
            threading.Thread(target=self._quietly, args=(line,), daemon=True).start()

    def _quietly(self, line: socket.socket) -> None:
        try:
            self._talk(line)
        except (OSError, ValueError):
            return
        finally:
            line.close()

    def _talk(self, line: socket.socket) -> None:
        if self.implicit and self.tls is not None:
            line = self.tls.wrap_socket(line, server_side=True)
            self._open.append(line)
        reader = line.makefile("rb")
        if not self._answer(line, "GREETING"):
            return
        while said := reader.readline():
            text = said.decode("latin-1").rstrip("\r\n")
            self.heard.append(text)
            command = text.split(" ")[0].upper()
            if not self._answer(line, command):
                return
            if command == "QUIT":
                return
            if command == "STARTTLS" and self.tls is not None:
                line = self.tls.wrap_socket(line, server_side=True)
                self._open.append(line)
                reader = line.makefile("rb")
            if command == "DATA" and self._went_on:
                body = b""
                while (row := reader.readline()) not in (b".\r\n", b""):
                    body += row
                if not row:
                    return
                self.mails.append(body)
                if not self._answer(line, "DOT"):
                    return

    def _answer(self, line: socket.socket, command: str) -> bool:
        waiting = self.script.get(command)
        answer = waiting.popleft() if waiting else USUAL.get(command, b"250 ok\r\n")
        self._went_on = answer.startswith(b"354")
        if answer == SILENCE:
            self._ended.wait(30)
            return False
        if answer.endswith(HANG_UP):
            line.sendall(answer.removesuffix(HANG_UP))
            return False
        line.sendall(answer)
        return True


@contextmanager
def scripted(tls: ssl.SSLContext | None = None, implicit: bool = False) -> Iterator[Scripted]:
    """A server for the length of the block."""
    server = Scripted(tls, implicit)
    try:
        yield server
    finally:
        server.stop()
