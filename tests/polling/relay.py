"""A relay between poller and Dovecot that answers some commands itself, as a bad server would."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Answer = Callable[[str, str], bytes | None]
"""(tag, command) -> what is said instead of the server's answer; None to pass the command on. An
empty answer ends the connection."""


class Relay:
    """Listens on a free port of the loopback; plain text only."""

    host = "127.0.0.1"

    def __init__(self, port: int, answer: Answer) -> None:
        self._target, self._answer = port, answer
        self.commands: list[str] = []
        self._lines: list[socket.socket] = []
        self._server = socket.create_server((self.host, 0))
        self.port: int = self._server.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            far = socket.create_connection((self.host, self._target))
            self._lines += [near, far]
            for pump in (self._up, self._down):
                thread = threading.Thread(target=pump, args=(near, far))
                self._threads.append(thread)
                thread.start()

    def _up(self, near: socket.socket, far: socket.socket) -> None:
        try:
            with near.makefile("rb") as commands:
                for line in commands:
                    tag, _, command = line.decode("utf-8", "replace").strip().partition(" ")
                    self.commands.append(command)
                    said = self._answer(tag, command)
                    if said is None:
                        far.sendall(line)
                    elif said:
                        near.sendall(said)
                    else:
                        break
        except OSError:
            pass  # the other side is gone, which ends this one too
        _end(near, far)

    def _down(self, near: socket.socket, far: socket.socket) -> None:
        try:
            while data := far.recv(65536):
                near.sendall(data)
        except OSError:
            pass  # as above
        _end(near, far)

    def stop(self) -> None:
        """Close everything."""
        _end(self._server)
        self._server.close()
        _end(*self._lines)
        for thread in self._threads:
            thread.join()
        for line in self._lines:
            line.close()


def _end(*lines: socket.socket) -> None:
    for line in lines:
        try:
            line.shutdown(socket.SHUT_RDWR)
        except OSError:
            continue  # it has ended before


@contextmanager
def relaying(port: int, answer: Answer) -> Iterator[Relay]:
    """A relay for the length of the block."""
    relay = Relay(port, answer)
    try:
        yield relay
    finally:
        relay.stop()


def instead(pattern: str, said: str, times: int = 10**6) -> Answer:
    """Say this, `{tag}` filled in, to the first `times` commands that match."""
    left = [times]

    def answer(tag: str, command: str) -> bytes | None:
        if not left[0] or not re.search(pattern, command):
            return None
        left[0] -= 1
        return said.format(tag=tag).encode()

    return answer
