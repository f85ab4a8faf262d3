"""A line to an IMAP server that always ends: no call lasts longer, or brings more, than it may.

A socket's own time-out is no bound: a server that sends a byte now and then never meets it. So
every call has a deadline, and a thread beside it (`Watchdog`) ends the connection at the deadline.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from inbox.clock import monotonic

LOOK_EVERY = 0.25
NEVER = float("inf")


class TooMuch(Exception):
    """More bytes came than were asked for."""


class Line:
    """The socket of one connection, with the deadline and the byte budget of the present call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until = NEVER
        self._room = 0
        self._held: socket.socket | None = None
        self._interrupted = False
        self.overdue = False
        """Was the connection ended because a call took too long?"""

    def hold(self, line: socket.socket) -> None:
        """Know the connection. A duplicate is kept: TLS wraps and closes the original."""
        with self._lock:
            self._held = socket.socket(fileno=os.dup(line.fileno()))
            if self._interrupted:
                self._end()

    @contextmanager
    def call(self, seconds: float, most_bytes: int) -> Iterator[None]:
        """One call: it may take so long and bring so much."""
        with self._lock:
            self._until, self._room = monotonic() + seconds, most_bytes
        try:
            yield
        finally:
            with self._lock:
                self._until = NEVER

    def brings(self, count: int) -> None:
        """So many bytes are about to come, or came. Raises `TooMuch`."""
        self._room -= count
        if self._room < 0:
            raise TooMuch("the server sends more than it was asked for")

    def look(self, now: float) -> None:
        """End the connection if its call is overdue."""
        with self._lock:
            if now > self._until and not self.overdue:
                self.overdue = True
                self._end()

    def interrupt(self) -> None:
        """End the connection now, whatever it waits for; safe from any thread."""
        with self._lock:
            self._interrupted = True
            self._end()

    def close(self) -> None:
        """Give the duplicate back."""
        with self._lock:
            if self._held is not None:
                self._held.close()
                self._held = None

    def _end(self) -> None:
        if self._held is not None:
            with contextlib.suppress(OSError):  # the other side ended it first
                self._held.shutdown(socket.SHUT_RDWR)


class Watchdog:
    """A thread that ends connections whose call is overdue. `with Watchdog() as watchdog:`"""

    def __init__(self) -> None:
        self._lines: set[Line] = set()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="imap-watchdog", daemon=True)

    def __enter__(self) -> Watchdog:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def watch(self, line: Line) -> None:
        """Look after this line too."""
        with self._lock:
            self._lines.add(line)

    def forget(self, line: Line) -> None:
        """It is closed."""
        with self._lock:
            self._lines.discard(line)

    def _run(self) -> None:
        while not self._ended.wait(LOOK_EVERY):
            with self._lock:
                lines = tuple(self._lines)
            for line in lines:
                line.look(monotonic())
