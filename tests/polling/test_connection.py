"""The door to a server: verified TLS, every way to sign in, and an end to everything that hangs."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from inbox.errors import MailboxError
from inbox.imap_settings import Polled
from inbox.net.access_token import access_token
from inbox.net.imap import Remote, Waits
from inbox.net.imap_line import Watchdog
from tests.polling.box import HASTY, QUICK, Box, numbered
from tests.services import proxy as proxies
from tests.services.proxy import Cut, How, Toward


@contextmanager
def connected(box: Polled, waits: Waits = QUICK) -> Iterator[Remote]:
    with Watchdog() as watchdog, Remote(box, waits, watchdog) as remote:
        yield remote


def refused(box: Polled, waits: Waits = QUICK) -> MailboxError:
    with pytest.raises(MailboxError) as refusal, connected(box, waits):
        pass
    assert box.name in str(refusal.value)
    assert (box.password or "-") not in str(refusal.value)
    return refusal.value


def test_implicit_tls_and_starttls_are_verified(small_box: Box) -> None:
    small_box.put(numbered(1))
    implicit = small_box.polled
    starttls = replace(implicit, tls="starttls", port=small_box.server.port)
    for polled in (implicit, starttls):
        with connected(polled) as remote:
            remote.open("INBOX")
            assert remote.uids(0) == (1,)
        assert refused(replace(polled, tls_ca=None)).cause == "tls"
        assert refused(replace(polled, host="127.1")).cause == "tls"


def test_no_piece_of_a_command_waits_for_an_acknowledgement(small_box: Box) -> None:
    """Nagle's algorithm and a delayed ACK cost 40 ms at each search, and more than one a round."""
    for tls, port in (("implicit", small_box.server.tls_port), ("none", small_box.server.port)):
        polled = replace(small_box.polled, tls=tls, port=port)
        with connected(polled) as remote:
            line = remote._client.socket()
            assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_the_wrong_kind_of_tls_is_named(small_box: Box) -> None:
    error = refused(replace(small_box.polled, port=small_box.server.port))
    assert error.cause == "tls" and "does `tls` fit the port?" in str(error)


def test_a_wrong_password_is_refused_and_not_shown(small_box: Box) -> None:
    error = refused(replace(small_box.polled, password="not-the-password"))
    assert error.cause == "sign-in"


def test_a_password_with_umlauts_and_quotes_reaches_the_server(small_box: Box) -> None:
    assert refused(replace(small_box.polled, password='pä"ss\\wort')).cause == "sign-in"


@pytest.mark.parametrize("evil", ["a\r\nA1 DELETE INBOX", "a\x00b", "a\u2028b", "a\x9bb"])
def test_control_characters_never_reach_the_server(small_box: Box, evil: str) -> None:
    """CVE-2025-15366: they would end one command and begin another."""
    assert refused(replace(small_box.polled, password=evil)).cause == "sign-in"
    assert refused(replace(small_box.polled, username=evil)).cause == "sign-in"
    with connected(small_box.polled) as remote:
        for act in (lambda: remote.open(evil), lambda: remote.move([1], evil)):
            with pytest.raises(MailboxError) as refusal:
                act()
            assert refusal.value.cause == "folder"


def test_a_folder_that_is_not_there_is_named(small_box: Box) -> None:
    with connected(small_box.polled) as remote:
        with pytest.raises(MailboxError, match="'Nowhere'") as refusal:
            remote.open("Nowhere")
        assert refusal.value.connected
        remote.open("INBOX")


def test_folder_names_in_any_script_are_opened(small_box: Box) -> None:
    small_box.put(numbered(1), folder="Müller & 客户")
    with connected(small_box.polled) as remote:
        assert remote.open("Müller & 客户").name == "Müller & 客户"
        assert remote.uids(0) == (1,)


def test_nobody_at_the_port_is_unreachable(small_box: Box) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert refused(replace(small_box.polled, port=port)).cause == "unreachable"


# --- Servers that misbehave ------------------------------------------------------------------


class Scripted:
    """A server on the loopback that says these bytes when somebody connects, and keeps quiet."""

    def __init__(self, *said: bytes, drip: bool = False) -> None:
        self._said, self._drip = b"".join(said), drip
        self._ended = threading.Event()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.server.getsockname()[1]
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        try:
            line, _ = self.server.accept()
        except OSError:
            return
        with line:
            try:
                for byte in [self._said] if not self._drip else [b"x"] * 10_000:
                    line.sendall(byte)
                    if self._drip and self._ended.wait(0.02):
                        return
                self._ended.wait(30)
            except OSError:
                return

    def __enter__(self) -> Scripted:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.thread.join()


PLAIN = Polled(name="main", host="127.0.0.1", tls="none", username="u", password="p-w-d")


def test_a_silent_server_is_left(small_box: Box) -> None:
    with Scripted() as server:
        assert refused(replace(PLAIN, port=server.port), HASTY).cause == "silent"


def test_a_server_that_drips_is_ended_by_the_watchdog() -> None:
    with Scripted(drip=True) as server:
        assert refused(replace(PLAIN, port=server.port), HASTY).cause == "silent"


def test_a_line_without_end_is_bounded() -> None:
    with Scripted(b"* OK " + b"x" * 40_000_000) as server:
        assert refused(replace(PLAIN, port=server.port), QUICK).cause == "too-much"


def test_a_literal_larger_than_asked_for_is_not_read() -> None:
    said = b"* OK [CAPABILITY IMAP4rev1] hi\r\n* LIST {999999999}\r\n"
    with Scripted(said) as server:
        assert refused(replace(PLAIN, port=server.port), HASTY).cause in ("too-much", "silent")


@pytest.mark.parametrize(
    "greeting",
    [b"* BYE too busy\r\n", b"220 smtp.example ESMTP\r\n", b"\xff\xfe\r\n", b"* OK hi\n"],
)
def test_anything_but_imap_is_said_plainly(greeting: bytes) -> None:
    with Scripted(greeting) as server:
        error = refused(replace(PLAIN, port=server.port), HASTY)
    assert error.cause in ("unreachable", "garbled", "silent", "cut")


def test_a_server_that_signs_in_before_tls_is_refused() -> None:
    """NO STARTTLS, PREAUTH: who is in between would have us talk in the clear."""
    with Scripted(b"* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] welcome\r\n") as server:
        error = refused(replace(PLAIN, port=server.port, tls="starttls"), HASTY)
    assert error.cause in ("tls", "silent")


def test_a_stalled_literal_ends_the_call(small_box: Box) -> None:
    small_box.put(numbered(1, body="words " * 20_000))
    with proxies.running(small_box.server.tls_port) as passing, \
            small_box.connected(port=passing.port) as remote:  # fmt: skip
        remote.open("INBOX")
        remote.listed([1])
        before = passing.connections[0].bytes[Toward.CLIENT]
    cut = Cut(Toward.CLIENT, before + 5_000, How.STALL)
    with proxies.running(small_box.server.tls_port, [cut]) as stalling, \
            small_box.connected(port=stalling.port, waits=HASTY) as remote:  # fmt: skip
        remote.open("INBOX")
        remote.listed([1])
        with pytest.raises(MailboxError) as silence:
            remote.bodies([1], 130_000)
    assert silence.value.cause == "silent" and not silence.value.connected


def test_idle_ends_when_mail_comes_and_when_nothing_does(small_box: Box) -> None:
    with connected(small_box.polled) as remote:
        remote.open("INBOX")
        remote.wait(0.05)
        waiting = threading.Thread(target=remote.wait, args=(60.0,))
        waiting.start()
        small_box.put(numbered(1))
        waiting.join(20)
        assert not waiting.is_alive()
        assert remote.uids(0) == (1,)


def test_a_wait_can_be_interrupted_from_outside(small_box: Box) -> None:
    ended: list[str] = []
    with connected(small_box.polled) as remote:
        remote.open("INBOX")

        def wait() -> None:
            try:
                remote.wait(60.0)
            except MailboxError as error:
                ended.append(error.cause)

        waiting = threading.Thread(target=wait)
        waiting.start()
        remote.interrupt()
        waiting.join(20)
    assert ended == ["cut"]


def test_a_dead_line_in_idle_is_noticed_at_the_next_poll(small_box: Box) -> None:
    with proxies.running(small_box.server.tls_port) as passing, \
            small_box.connected(port=passing.port) as remote:  # fmt: skip
        remote.open("INBOX")
        before = passing.connections[0].bytes[Toward.CLIENT]
    cut = Cut(Toward.CLIENT, before, How.STALL)
    with proxies.running(small_box.server.tls_port, [cut]) as stalling, \
            small_box.connected(port=stalling.port, waits=HASTY) as remote:  # fmt: skip
        remote.open("INBOX")
        with pytest.raises(MailboxError) as silence:
            remote.wait(0.1)
    assert silence.value.cause == "silent"


# --- Tokens ----------------------------------------------------------------------------------


def script(folder: Path, text: str) -> tuple[str, ...]:
    path = folder / "token"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return (str(path),)


def test_a_token_is_what_the_command_prints(tmp_path: Path) -> None:
    command = script(tmp_path, 'echo "ya29.$#.$1"')
    assert access_token((*command, "$(id);x"), "mailbox main") == "ya29.1.$(id);x"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("echo s3cret; exit 3", "exit code 3"),
        ("echo s3cret; sleep 20", "longer than"),
        ("echo s3cret; echo two", "one line"),
        ("true", "one line"),
        ("printf 's3cret\\001'", "one line"),
        ("head -c 20000 /dev/zero | tr '\\0' s", "one line"),
    ],
)
def test_what_a_token_command_says_is_never_shown(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(MailboxError, match=said) as refusal:
        access_token(script(tmp_path, text), "mailbox main", seconds=0.5)
    assert refusal.value.cause == "token"
    assert "s3cret" not in str(refusal.value) and "sss" not in str(refusal.value)


def test_a_token_command_that_is_not_there_is_named() -> None:
    with pytest.raises(MailboxError, match="cannot be run: No such file"):
        access_token(("/nowhere/token",), "mailbox main")
