"""The cutting proxy lets exactly as many bytes through as it was told."""

from __future__ import annotations

import smtplib
import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.services import proxy as proxies
from tests.services.proxy import Cut, How, Toward
from tests.services.smtp_sink import SmtpSink
from tests.services.waiting import until


class Echo:
    """Sends back what it gets and remembers it."""

    def __init__(self) -> None:
        self.got = bytearray()
        self.ended = 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.server.getsockname()[1]
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self.server.accept()
            except OSError:
                return
            with line:
                self._echo(line)
            self.ended += 1

    def _echo(self, line: socket.socket) -> None:
        try:
            while data := line.recv(65536):
                self.got += data
                line.sendall(data)
        except ConnectionError:
            return

    def close(self) -> None:
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.thread.join()


@pytest.fixture
def echo() -> Iterator[Echo]:
    with closing(Echo()) as server:
        yield server


def read_all(line: socket.socket) -> tuple[bytes, str]:
    """What came, and how it ended: `end`, `reset` or `silence`."""
    came = bytearray()
    try:
        while data := line.recv(65536):
            came += data
    except ConnectionResetError:
        return bytes(came), "reset"
    except TimeoutError:
        return bytes(came), "silence"
    return bytes(came), "end"


@pytest.mark.parametrize("after", [0, 1, 7, 99_999])
@pytest.mark.parametrize("toward", list(Toward))
def test_exactly_so_many_bytes_pass_before_the_end(echo: Echo, toward: Toward, after: int) -> None:
    with (
        proxies.running(echo.port, [Cut(toward, after)]) as proxy,
        socket.create_connection((proxy.host, proxy.port), timeout=10) as line,
    ):
        writer = threading.Thread(target=_send_what_goes, args=(line, b"x" * 100_000))
        writer.start()
        came, how = read_all(line)
        writer.join()
        assert how in ("end", "reset")  # a reset when our own bytes were still on the way
        until(lambda: echo.ended == 1)
        if toward is Toward.SERVER:
            assert len(echo.got) == after
        else:
            assert proxy.connections[0].bytes[toward] == after
            assert len(came) <= after


def _send_what_goes(line: socket.socket, data: bytes) -> None:
    try:
        line.sendall(data)
    except ConnectionError:
        return


@pytest.mark.parametrize(("how", "seen"), [(How.FIN, "end"), (How.RST, "reset")])
def test_both_sides_see_the_kind_of_end(echo: Echo, how: How, seen: str) -> None:
    with (
        proxies.running(echo.port, [Cut(Toward.CLIENT, 3, how)]) as proxy,
        socket.create_connection((proxy.host, proxy.port), timeout=10) as line,
    ):
        line.sendall(b"abc")
        assert read_all(line) == (b"abc", seen)
        until(lambda: echo.ended == 1)


def test_a_stall_is_silence_on_an_open_line(echo: Echo) -> None:
    with (
        proxies.running(echo.port, [Cut(Toward.SERVER, 2, How.STALL)]) as proxy,
        socket.create_connection((proxy.host, proxy.port), timeout=0.3) as line,
    ):
        line.sendall(b"abcdef")
        assert read_all(line) == (b"", "silence")
        assert bytes(echo.got) == b"ab"
        assert echo.ended == 0
        proxy.hang_up()
        until(lambda: echo.ended == 1)


def test_only_the_connections_that_are_named_are_cut(echo: Echo) -> None:
    with proxies.running(echo.port, [None, Cut(Toward.SERVER, 0)]) as proxy:
        seen: list[bytes] = []
        for _ in range(3):
            with socket.create_connection((proxy.host, proxy.port), timeout=10) as line:
                line.sendall(b"ab")
                seen.append(line.recv(2) if len(seen) != 1 else read_all(line)[0])
        assert seen == [b"ab", b"", b"ab"]


def test_a_mail_goes_through_an_uncut_proxy(smtp_sink: SmtpSink) -> None:
    with proxies.running(smtp_sink.port) as proxy:
        with smtplib.SMTP(proxy.host, proxy.port, timeout=10) as client:
            client.sendmail("ada@example.org", ["bo@example.com"], b"Subject: a\r\n\r\nb\r\n")
        assert len(smtp_sink.wait_for(1)) == 1
