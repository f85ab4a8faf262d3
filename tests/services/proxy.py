"""A TCP proxy that breaks a connection after an exact number of bytes; it understands none of them.

For the question that every protocol must answer: what if the line is cut just here?
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum

from tests.services.background import Loop


class Toward(Enum):
    """Whose incoming bytes are counted."""

    SERVER = "client to server"
    CLIENT = "server to client"


class How(Enum):
    """What both sides see when the count is reached."""

    FIN = "an orderly end"
    RST = "a reset"
    STALL = "silence; the connection stays open until the proxy stops"


@dataclass(frozen=True, slots=True)
class Cut:
    """Let exactly `after` bytes through in this direction, then break."""

    toward: Toward
    after: int
    how: How = How.FIN


@dataclass(slots=True)
class Passed:
    """How many bytes of one connection went through, in each direction."""

    cut: Cut | None
    bytes: dict[Toward, int] = field(default_factory=lambda: dict.fromkeys(Toward, 0))
    broken: bool = False
    silence: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by `hang_up` alone; what waits for it is kept alive by being known here."""


class Proxy:
    """A running proxy: the n-th connection gets the n-th of `cuts`; those after are left alone."""

    host = "127.0.0.1"

    def __init__(self, port: int, cuts: Sequence[Cut | None] = (), host: str = "127.0.0.1") -> None:
        """Listen on a free port and pass on to `host`:`port`."""
        self.cuts = list(cuts)
        self.connections: list[Passed] = []
        self._target = (host, port)
        self._near: set[asyncio.StreamWriter] = set()
        self._loop = Loop("cut-proxy")
        self._server = self._loop.run(asyncio.start_server(self._serve, self.host, 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Close the port and every connection."""
        self._loop.loop.call_soon_threadsafe(self._server.close)
        self._loop.stop()

    def hang_up(self) -> None:
        """End every connection now; who comes again is served."""

        def close_all() -> None:
            for passed in self.connections:
                passed.silence.set()
            for writer in self._near:
                _close(writer, False)

        self._loop.loop.call_soon_threadsafe(close_all)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(self.connections)
        passed = Passed(self.cuts[number] if number < len(self.cuts) else None)
        self.connections.append(passed)
        writers = [writer]
        self._near.add(writer)
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            writers.append(far_writer)
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(reader, far_writer, Toward.SERVER, passed))
                both.create_task(_pump(far_reader, writer, Toward.CLIENT, passed))
        except* (OSError, _Broken):
            # Whatever ended one direction ends both: a proxy has no half of its own to keep.
            pass
        except* asyncio.CancelledError:
            # `stop`. Swallowed, because streams report a cancelled server task as an error.
            pass
        finally:
            self._near.discard(writer)
            reset = passed.broken and passed.cut is not None and passed.cut.how is How.RST
            for each in writers:
                _close(each, reset)


class _Broken(Exception):
    """The cut was reached, or one side ended."""


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, toward: Toward, passed: Passed
) -> None:
    cut = passed.cut if passed.cut is not None and passed.cut.toward is toward else None
    while True:
        if cut is not None and passed.bytes[toward] == cut.after:
            passed.broken = True
            if cut.how is How.STALL:
                await passed.silence.wait()
            raise _Broken
        left = cut.after - passed.bytes[toward] if cut is not None else 65536
        data = await reader.read(min(left, 65536))
        if not data:
            raise _Broken
        if passed.broken:  # the other direction stalls, and then neither side hears anything
            await passed.silence.wait()
            raise _Broken
        # Counted before they are sent: who has seen the bytes may ask for the count at once.
        passed.bytes[toward] += len(data)
        writer.write(data)
        await writer.drain()


def _close(writer: asyncio.StreamWriter, reset: bool) -> None:
    with contextlib.suppress(OSError):
        if reset:
            line: socket.socket = writer.get_extra_info("socket")
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        else:
            writer.close()


@contextmanager
def running(port: int, cuts: Sequence[Cut | None] = ()) -> Iterator[Proxy]:
    """A proxy before a port of the loopback for the length of the block."""
    proxy = Proxy(port, cuts)
    try:
        yield proxy
    finally:
        proxy.stop()
