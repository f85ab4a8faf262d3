"""What stands around a session: TLS, proxies that speak for a peer, an orderly stop."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import smtplib
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop

from inbox.config import Listen, Smtp
from inbox.errors import ConfigError
from inbox.net.listening import server_on
from inbox.net.tls import server_context
from tests.net.served import OURS, PREPARED, Served, served
from tests.services.place import self_signed
from tests.services.waiting import until

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
both_loops = pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS.keys())
Loop = Callable[[], asyncio.AbstractEventLoop]

# --- Listening -----------------------------------------------------------------------------------


@both_loops
@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("127.0.0.1", "Address already in use"),
        ("203.0.113.7", "Cannot assign requested address"),
        ("no host at all", ""),
    ],
)
def test_an_address_that_cannot_be_had_is_a_problem_with_what_to_do(
    loop: Loop, host: str, why: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = Listen(host, taken.getsockname()[1])

        async def start() -> None:
            await server_on(listen, asyncio.Protocol)

        with asyncio.Runner(loop_factory=loop) as runner, pytest.raises(ConfigError) as refused:
            runner.run(start())
    (problem,) = refused.value.problems
    assert (problem.file, problem.code) == ("smtp.listen", "cannot-listen")
    assert problem.message.startswith(f"`smtp: listen: {listen}` cannot be had: {why}")
    assert "errno" not in problem.message.lower()


# --- TLS ----------------------------------------------------------------------------------------

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Smtp:
    certificate, key = self_signed(tmp_path_factory.mktemp("tls"))
    return Smtp(tls_certificate=certificate, tls_key=key, require_tls=True)


@needs_openssl
def test_a_certificate_that_cannot_be_used_is_a_problem_that_says_why(
    tls: Smtp, tmp_path: Path
) -> None:
    _, other = self_signed(tmp_path)
    junk, gone, locked = tmp_path / "junk.pem", tmp_path / "gone.pem", tmp_path / "locked.pem"
    junk.write_text("no PEM")
    command = ("openssl", "rsa", "-aes128", "-passout", "pass:secret", "-in", other, "-out", locked)
    subprocess.run(command, check=True, capture_output=True)
    for bad, why in (
        (replace(tls, tls_key=other), "the key is not that of the certificate"),
        (replace(tls, tls_key=junk), "no PEM of its kind"),
        (replace(tls, tls_certificate=junk), "no PEM of its kind"),
        (replace(tls, tls_key=locked), "the key is encrypted"),
        (replace(tls, tls_certificate=gone), f"{gone}: No such file or directory"),
        (replace(tls, tls_certificate=gone, tls_key=gone), f"tls_key: unreadable: {gone}"),
        (replace(tls, tls_key=tmp_path), f"{tmp_path}: Is a directory"),
    ):
        with pytest.raises(ConfigError, match=re.escape(why)):
            server_context(bad)


def client_side(settings: Smtp) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(settings.tls_certificate))


@needs_openssl
@both_loops
def test_a_mail_comes_over_tls_and_not_before(tls: Smtp, loop: Loop) -> None:
    with (
        served(tls, loop) as server,
        smtplib.SMTP("localhost", server.port, timeout=20) as client,
    ):
        client.ehlo()
        assert client.has_extn("starttls")
        assert client.docmd("MAIL FROM:<a@b.example>")[0] == 530
        client.starttls(context=client_side(tls))
        client.ehlo()
        assert not client.has_extn("starttls")
        assert client.docmd("STARTTLS")[0] == 503
        client.sendmail("a@b.example", [OURS], b"x" * 200_000)
        assert server.box.mails[0].tls


@needs_openssl
@both_loops
def test_plain_text_after_starttls_is_dropped_with_the_state(tls: Smtp, loop: Loop) -> None:
    settings = replace(tls, require_tls=False)
    with served(settings, loop) as server, server.line() as line:
        line.say("EHLO p")
        line.say("MAIL FROM:<evil@x.example>")
        line.send(f"STARTTLS\r\nRCPT TO:<{OURS}>\r\nRSET\r\nNOOP\r\n")
        assert line.answer().startswith("220")
        assert line.came == b""
        line.socket = client_side(tls).wrap_socket(line.socket, server_hostname="localhost")
        assert line.say(f"RCPT TO:<{OURS}>").startswith("503")
        assert line.say("MAIL FROM:<ada@peer.example>").startswith("503 5.5.1 EHLO")
        assert line.mail(b"x").startswith("250")
        assert server.box.mails[0].reverse_path == "ada@peer.example"


@needs_openssl
@both_loops
@pytest.mark.parametrize(
    "garbage", [b"MAIL FROM:<a@b.example>\r\n" * 20, b"\x16\x03\x01\0\1\0", b""]
)
def test_a_broken_handshake_ends_only_its_own_connection(
    tls: Smtp, loop: Loop, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with served(tls, loop) as server:
        with server.line() as line:
            line.say("EHLO p")
            assert line.say("STARTTLS").startswith("220")
            line.send(garbage)
            line.socket.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionError):
                while line.socket.recv(1000):
                    pass
        until(lambda: not server.ingress.sessions)
        with smtplib.SMTP("localhost", server.port, timeout=20) as client:
            client.starttls(context=client_side(tls))
            client.sendmail("a@b.example", [OURS], b"x")
        assert len(server.box.mails) == 1
    assert "intake-failed" not in caplog.text, "it is no incident of ours"


# --- Proxies ------------------------------------------------------------------------------------

V2 = b"\r\n\r\n\0\r\nQUIT\n"


@pytest.mark.parametrize(
    ("header", "peer"),
    [
        (b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 25\r\n", "192.0.2.7"),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 40000 25\r\n", "2001:db8::7"),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
        (V2 + b"\x21\x11\0\x0c\xc0\0\2\x07\xc0\0\2\x01\x9c\x40\0\x19", "192.0.2.7"),
        (V2 + b"\x20\0\0\0", "127.0.0.1"),
    ],
)
def test_a_proxy_says_who_the_peer_is(header: bytes, peer: str) -> None:
    with served(Smtp(proxy_protocol=True)) as server, server.plain_line() as line:
        line.send(header)
        assert line.answer().startswith("220")
        assert line.mail(b"x").startswith("250")
        assert server.box.mails[0].peer == peer


@pytest.mark.parametrize(
    "header",
    [
        b"EHLO peer.example\r\n",
        b"PROXY TCP4 999.0.2.7 192.0.2.1 1 25\r\n",
        b"PROXY TCP4 " + b"1" * 200_000 + b"\r\n",
        V2 + b"\x31\x11\0\x0c" + b"\0" * 12,
    ],
)
def test_who_does_not_speak_for_anybody_is_not_let_in(header: bytes) -> None:
    with served(Smtp(proxy_protocol=True)) as server, server.plain_line() as line:
        with contextlib.suppress(ConnectionError):
            line.send(header)
        assert line.answer() == ""


def test_the_peers_behind_a_proxy_are_capped_each_for_itself() -> None:
    settings = Smtp(proxy_protocol=True, most_connections_per_peer=1)
    with served(settings) as server, contextlib.ExitStack() as stack:
        for peer, code in (("192.0.2.7", "220"), ("192.0.2.8", "220"), ("192.0.2.7", "421")):
            line = stack.enter_context(server.plain_line())
            line.send(f"PROXY TCP4 {peer} 192.0.2.1 40000 25\r\n")
            assert line.answer().startswith(code)


# --- Stop ---------------------------------------------------------------------------------------


def stopping(server: Served, grace: float) -> threading.Thread:
    thread = threading.Thread(target=server.stop, args=(grace,))
    thread.start()
    until(lambda: server.ingress.stopping)
    return thread


@both_loops
def test_a_stop_lets_the_mail_that_is_coming_in_end(loop: Loop) -> None:
    with served(loop_factory=loop) as server:
        idle, busy = server.line(), server.line().prepare(*PREPARED)
        busy.send(b"first half")
        thread = stopping(server, 20)
        assert idle.answer().startswith("421 4.3.2")
        assert idle.answer() == ""
        with pytest.raises(ConnectionError):
            server.plain_line()
        busy.send(b"\r\nsecond half\r\n.\r\n")
        assert busy.answer().startswith("250")
        assert busy.answer().startswith("421 4.3.2")
        assert busy.answer() == ""
        thread.join(20)
        assert server.box.mails[0].raw == b"first half\r\nsecond half\r\n"
        idle.socket.close()
        busy.socket.close()


@both_loops
def test_a_stop_does_not_wait_for_ever_but_for_the_store(loop: Loop) -> None:
    with served(loop_factory=loop) as server:
        waits, stalls = server.line().prepare(*PREPARED), server.line().prepare(*PREPARED)
        server.box.hold.clear()
        waits.send(b"x\r\n.\r\n")
        assert server.box.entered.wait(10)
        thread = stopping(server, 0.1)
        assert stalls.answer() == ""
        assert thread.is_alive()
        server.box.hold.set()
        thread.join(20)
        assert not thread.is_alive()
        assert len(server.box.mails) == 1
        waits.socket.close()
        stalls.socket.close()
