"""A running ingress for tests, with a box behind it; real sockets, a loop in a thread."""

from __future__ import annotations

import asyncio
import gc
import itertools
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from inbox.clock import monotonic
from inbox.config import Listen, Smtp
from inbox.net.smtp_in import Ingress, Received
from tests.services.waiting import until

OURS = "onboarding@ours.example"
PREPARED = ("EHLO peer.example", "MAIL FROM:<ada@peer.example>", f"RCPT TO:<{OURS}>", "DATA")


@dataclass
class Box:
    """What was accepted: one list per call. `fail` may raise; `hold` stops a call until it is set."""

    calls: list[tuple[Received, ...]] = field(default_factory=list)
    fail: Callable[[Sequence[Received]], None] | None = None
    hold: threading.Event = field(default_factory=threading.Event)
    entered: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.hold.set()

    def accept(self, mails: Sequence[Received]) -> None:
        self.entered.set()
        assert self.hold.wait(20)
        if self.fail is not None:
            self.fail(mails)
        self.calls.append(tuple(mails))

    @property
    def mails(self) -> list[Received]:
        return [mail for call in self.calls for mail in call]


class Served:
    """An ingress on a free port of the loopback."""

    def __init__(self, settings: Smtp, loop_factory: Callable[[], asyncio.AbstractEventLoop]):
        self.box = Box()
        self.loop = loop_factory()
        self.complaints: list[dict[str, Any]] = []
        self.loop.set_exception_handler(lambda _, context: self.complaints.append(context))
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.ingress = self.run(self._make(settings))
        self.host, self.port = self.run(self.ingress.start())

    async def _make(self, settings: Smtp) -> Ingress:
        numbers = itertools.count(1)
        return Ingress(
            replace(settings, listen=Listen("127.0.0.1", 0), hostname="mx.ours.example"),
            self.box.accept,
            lambda address: address.lower().endswith("@ours.example"),
            monotonic,
            lambda: f"T{next(numbers)}",
        )

    def run(self, work: Any, within: float = 20) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(within)

    def stop(self, grace: float = 5) -> None:
        self.run(self.ingress.stop(grace))

    def close(self) -> None:
        self.box.hold.set()
        self.stop(0.2)
        self.run(_leave_nothing())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def line(self) -> Line:
        """A new connection, greeted."""
        line = self.plain_line()
        assert line.answer().startswith("220 mx.ours.example")
        return line

    def plain_line(self) -> Line:
        """A new connection that nothing was read from."""
        return Line(socket.create_connection((self.host, self.port), timeout=20))

    def at_rest(self) -> None:
        """Wait until every connection has ended and everything that was taken is given back."""
        until(lambda: not self.ingress.sessions)
        until(lambda: self.ingress.door.caps.bytes_held == 0)
        assert self.ingress.door.caps.connections == 0
        assert self.ingress.in_transaction == 0


async def _leave_nothing() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)


@contextmanager
def served(
    settings: Smtp | None = None,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
) -> Iterator[Served]:
    """An ingress for the length of the block; at its end nothing may be left or have gone wrong."""
    server = Served(settings or Smtp(), loop_factory)
    try:
        yield server
        server.box.hold.set()
        server.stop()
        server.at_rest()
        gc.collect()  # a task that failed unseen complains when it is collected
        assert server.complaints == []
    finally:
        server.close()


class Line:
    """The peer's end of a connection."""

    def __init__(self, line: socket.socket) -> None:
        self.socket = line
        self.came = b""
        self.last = ""

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes | str) -> None:
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def answer(self) -> str:
        """The next whole reply; lines parted by newlines. Empty when the peer has closed."""
        lines: list[str] = []
        while True:
            while b"\r\n" not in self.came:
                try:
                    data = self.socket.recv(65536)
                except ConnectionResetError:
                    return ""
                if not data:
                    return ""
                self.came += data
            first, _, self.came = self.came.partition(b"\r\n")
            lines.append(first.decode())
            if first[3:4] != b"-":
                return "\n".join(lines)

    def say(self, command: str) -> str:
        """Send a line, get its answer."""
        self.send(command + "\r\n")
        return self.answer()

    def prepare(self, *commands: str) -> Line:
        """Go as far as DATA and its 354."""
        for command in commands or PREPARED:
            reply = self.say(command)
            assert reply[0] in "23", (command, reply)
        return self

    def mail(self, content: bytes) -> str:
        """Hand over a mail; the answer to its content, which is sent as it is."""
        self.prepare(*PREPARED)
        self.send(content + b"\r\n.\r\n")
        return self.answer()
