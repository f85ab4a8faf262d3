"""The ingress under real sockets: what ends a mail, what a 250 rests on, caps, TLS, stop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import random
import smtplib
import socket
import struct
from collections.abc import Callable, Sequence

import pytest
import uvloop

from inbox.config import Smtp
from inbox.errors import StoreError
from inbox.net.batch import is_full
from inbox.net.smtp_in import Received
from tests.net.served import OURS, PREPARED, Line, served
from tests.services.waiting import until

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
both_loops = pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS.keys())
Loop = Callable[[], asyncio.AbstractEventLoop]

# --- What ends a mail (CVE-2023-51764, 51765, 51766, CVE-2024-27305) --------------------------

BREAKS = [b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\0", b"\0\r\n", b"\n\n", b"\r\0\n"]
ENDS = [
    end
    for before in BREAKS
    for dot in (b".", b"\0.", b".\0", b". ", b"..")
    for after in BREAKS
    if b"\r\n.\r\n" not in (end := before + dot + after)
]
SMUGGLED = b"MAIL FROM:<evil@x.example>\r\nRCPT TO:<" + OURS.encode() + b">\r\nDATA\r\nx\r\n.\r\n"


def in_pieces(data: bytes, how: str) -> list[bytes]:
    """All at once; every byte for itself around the interesting place; halves."""
    if how == "whole":
        return [data]
    if how == "bytes":
        return [data[i : i + 1] for i in range(len(data))]
    return [data[i : i + 5] for i in range(0, len(data), 5)]


@both_loops
@pytest.mark.parametrize("how", ["whole", "bytes", "fives"])
def test_nothing_but_crlf_dot_crlf_ends_a_mail(loop: Loop, how: str) -> None:
    with served(loop_factory=loop) as server:
        for end in ENDS:
            content = b"Subject: one\r\n\r\nbody" + end + SMUGGLED.removesuffix(b"\r\n.\r\n")
            with server.line() as line:
                line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                line.prepare(*PREPARED)
                for piece in in_pieces(content + b"\r\n.\r\n", how):
                    line.send(piece)
                assert line.answer().startswith("250 2.0.0"), end
            mail = server.box.mails.pop()
            server.box.calls.clear()
            assert mail.reverse_path == "ada@peer.example", end
            stored = (content + b"\r\n").replace(b"\r\n.", b"\r\n")
            assert mail.raw == stored, end


def test_the_true_end_is_an_end_wherever_the_packets_part() -> None:
    data = b"x\r\n.\r\n" + SMUGGLED
    with served() as server:
        for cut in range(1, 7):
            with server.line() as line:
                line.prepare(*PREPARED)
                line.send(data[:cut])
                line.send(data[cut:])
                # After a true end these are honest commands, up to content that comes too early.
                answers = [line.answer()[:3] for _ in range(4)]
                assert answers == ["250", "250", "250", "503"]
        assert [mail.raw for mail in server.box.mails] == [b"x\r\n"] * 6


@both_loops
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n",
        b".",
        b".hidden",
        b"..\r\n.\r\n" * 3 + b"x",
        b"\n.\n\r.\r bare and \0 and \xff",
        b"Subject: long\r\n\r\n" + b"a" * (1 << 20) + b"\r\nend",
        b"\r\n" * 200_000,
        b".\r\n" * 200_000,
        b"." * 300_000,
    ],
    ids=lambda content: f"{content[:10]!r}-{len(content)}",
)
def test_bytes_are_kept_as_they_were_sent(loop: Loop, content: bytes) -> None:
    raw = content + b"\r\n"
    stuffed = (b"\r\n" + raw).replace(b"\r\n.", b"\r\n..")[2:]
    with served(loop_factory=loop) as server, server.line() as line:
        line.prepare(*PREPARED)
        line.send(stuffed + b".\r\n")
        assert line.answer() == "250 2.0.0 Ok: accepted"
        assert server.box.mails[0].raw == raw


def test_what_the_dialogue_said_is_handed_on() -> None:
    with served() as server, smtplib.SMTP("127.0.0.1", server.port, "client.example") as client:
        client.sendmail("Ada@Peer.example", [OURS, f"Other+{OURS}"], "Subject: x\n\ny")
        assert server.box.mails == [
            Received(
                raw=b"Subject: x\r\n\r\ny\r\n",
                reverse_path="Ada@Peer.example",
                forward_paths=(OURS, f"Other+{OURS}"),
                peer="127.0.0.1",
                tls=False,
                helo="client.example",
            )
        ]


# --- What a 250 rests on ----------------------------------------------------------------------


def failing(error: Exception) -> Callable[[Sequence[Received]], None]:
    def fail(_: Sequence[Received]) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (RuntimeError("secret dsn=postgres://u:pw@h"), "451 4.3.0 try again later (incident T1)"),
        (StoreError("database is locked: secret"), "451 4.3.0 try again later (incident T1)"),
        (StoreError("database sqlite:///secret: database or disk is full"), "452 4.3.1"),
        (OSError(errno.ENOSPC, "secret"), "452 4.3.1"),
    ],
)
def test_a_failure_inside_is_try_again_and_tells_nothing(error: Exception, answer: str) -> None:
    with served() as server, server.line() as line:
        server.box.fail = failing(error)
        refused = line.mail(b"x")
        assert refused.startswith(answer)
        assert "secret" not in refused
        assert "incident T1" in refused
        server.box.fail = None
        assert line.mail(b"y").startswith("250 2.0.0")
        assert [mail.raw for mail in server.box.mails] == [b"y\r\n"]


def test_a_failure_while_asking_for_a_recipient_is_try_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with served() as server, server.line() as line:
        ours = server.ingress.door._known_recipient
        monkeypatch.setattr(server.ingress.door, "_known_recipient", lambda _: 1 // 0)
        line.prepare(*PREPARED[:2])
        assert line.say(PREPARED[2]) == "451 4.3.0 try again later (incident T1)"
        monkeypatch.setattr(server.ingress.door, "_known_recipient", ours)
        assert line.say(PREPARED[2]).startswith("250")


def test_no_answer_comes_before_the_commit() -> None:
    with served() as server, server.line() as line:
        server.box.hold.clear()
        line.prepare(*PREPARED)
        line.send(b"x\r\n.\r\n")
        assert server.box.entered.wait(10)
        line.socket.settimeout(0.1)
        with pytest.raises(TimeoutError):
            line.socket.recv(1)
        line.socket.settimeout(20)
        server.box.hold.set()
        assert line.answer().startswith("250")


def test_mails_of_many_connections_share_a_commit() -> None:
    with served() as server, contextlib.ExitStack() as stack:
        lines = [stack.enter_context(server.line()) for _ in range(40)]
        server.box.hold.clear()
        for number, line in enumerate(lines):
            line.prepare(*PREPARED)
            line.send(f"{number}\r\n.\r\n")
        until(lambda: len(server.ingress.commits._waiting) >= 30)
        server.box.hold.set()
        assert [line.answer()[:3] for line in lines] == ["250"] * 40
        assert len(server.box.mails) == 40
        assert len(server.box.calls) <= 10
        assert {mail.raw for mail in server.box.mails} == {f"{n}\r\n".encode() for n in range(40)}


def test_one_mail_that_cannot_be_stored_does_not_refuse_its_neighbours() -> None:
    def fail(mails: Sequence[Received]) -> None:
        if any(mail.raw == b"poison\r\n" for mail in mails):
            raise ValueError("a NUL in text")

    with served() as server, contextlib.ExitStack() as stack:
        server.box.fail = fail
        server.box.hold.clear()
        lines = [stack.enter_context(server.line()) for _ in range(10)]
        for number, line in enumerate(lines):
            line.prepare(*PREPARED)
            line.send(b"poison\r\n.\r\n" if number == 7 else b"good\r\n.\r\n")
        until(lambda: len(server.ingress.commits._waiting) >= 5)
        server.box.hold.set()
        answers = [line.answer()[:3] for line in lines]
        assert answers == ["451" if number == 7 else "250" for number in range(10)]
        assert len(server.box.mails) == 9


def test_a_peer_that_leaves_during_the_commit_changes_nothing_for_the_mail() -> None:
    with served() as server:
        server.box.hold.clear()
        with server.line() as line:
            line.prepare(*PREPARED)
            line.send(b"x\r\n.\r\n")
            assert server.box.entered.wait(10)
        until(lambda: not server.ingress.sessions)
        server.box.hold.set()
        until(lambda: len(server.box.mails) == 1)


@pytest.mark.parametrize("reset", [False, True])
def test_a_connection_cut_anywhere_leaves_nothing_behind(reset: bool) -> None:
    words = "".join(f"{word}\r\n" for word in PREPARED) + "Subject: x\r\n\r\ny\r\n.\r\n"
    pick = random.Random(5)
    with served() as server:
        for end in [*pick.sample(range(len(words)), 25), len(words) - 1]:
            line = server.line()
            sent = 0
            # Word for word, so that the cut is the only thing that is wrong.
            for word in words.splitlines(keepends=True):
                piece = word[: end - sent]
                line.send(piece)
                sent += len(word)
                if sent >= end:
                    break
                if word.strip() in PREPARED:
                    line.answer()
            if reset:
                line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            line.socket.close()
        server.at_rest()
        assert server.box.mails == []


# --- Caps ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings", [Smtp(most_connections=3), Smtp(most_connections_per_peer=3)], ids=["all", "peer"]
)
def test_one_connection_too_many_is_told_to_come_later(settings: Smtp) -> None:
    with served(settings) as server:
        lines = [server.line() for _ in range(3)]
        with server.plain_line() as fourth:
            assert fourth.answer().startswith("421 4.3.2")
            assert fourth.answer() == ""
        assert lines[0].mail(b"x").startswith("250")
        lines[1].socket.close()
        until(lambda: server.ingress.door.caps.connections == 2)
        with server.line() as again:
            assert again.mail(b"x").startswith("250")
        for line in lines:
            line.socket.close()


def test_mails_under_way_share_one_budget_of_memory() -> None:
    settings = Smtp(most_bytes=200_000)
    with served(settings) as server, contextlib.ExitStack() as stack:
        caps = server.ingress.door.caps
        lines = [stack.enter_context(server.line()) for _ in range(10)]
        for line in lines:
            line.prepare(*PREPARED)
            line.send(b"x" * 190_000)
        until(lambda: caps.bytes_held > 1_000_000)
        with server.line() as other:
            other.say("EHLO p")
            assert other.say("MAIL FROM:<a@b.example> SIZE=200000").startswith("452 4.3.1")
            assert other.say("MAIL FROM:<a@b.example> SIZE=²").startswith("501 5.5.4")
            assert other.say("MAIL FROM:<a@b.example> SIZE=10").startswith("250")
        for line in lines:
            line.send(b"\r\n.\r\n")
        answers = [line.answer()[:9] for line in lines]
        assert set(answers) == {"250 2.0.0", "452 4.3.1"}
        assert len(server.box.mails) == answers.count("250 2.0.0") <= 8
        until(lambda: caps.bytes_held == 0)
        assert lines[0].mail(b"x").startswith("250")


def test_a_large_mail_is_taken_up_to_the_last_byte_and_not_beyond() -> None:
    most = 3_000_000
    with served(Smtp(most_bytes=most)) as server, server.line() as line:
        assert line.mail(b"x" * (most - 2)).startswith("250")
        assert line.mail(b"x" * (most - 1)).startswith("552 5.3.4")
        assert line.mail(b"x" * (3 * most)).startswith("552 5.3.4")
        assert [len(mail.raw) for mail in server.box.mails] == [most]


def test_a_command_line_without_end_is_not_kept() -> None:
    with served() as server, server.line() as line:
        line.send(b"NOOP " + b"a" * 500_000 + b"\r\n")
        assert line.answer().startswith("500")
        assert line.say("NOOP").startswith("250")


@pytest.mark.parametrize(
    "steps", [(), PREPARED[:2], PREPARED], ids=["greeting", "transaction", "content"]
)
def test_an_idle_connection_is_ended(steps: tuple[str, ...]) -> None:
    with served(Smtp(idle_seconds=1)) as server, server.line() as line:
        for step in steps:
            line.say(step)
        assert line.answer().startswith("421 4.4.2")
        assert line.answer() == ""


def test_a_transaction_that_drips_has_a_deadline() -> None:
    with served(Smtp(idle_seconds=10, transaction_seconds=1)) as server, server.line() as line:
        line.prepare(*PREPARED)
        line.socket.settimeout(0.05)
        answer = b""
        for _ in range(200):
            with contextlib.suppress(TimeoutError):
                answer = line.socket.recv(100)
                break
            line.send(b"x")
        assert answer.startswith(b"421 4.4.2")


def test_a_slow_commit_is_not_the_peers_fault() -> None:
    with served(Smtp(idle_seconds=1, transaction_seconds=1)) as server, server.line() as line:
        server.box.hold.clear()
        line.prepare(*PREPARED)
        line.send(b"x\r\n.\r\n")
        line.socket.settimeout(1.5)
        with pytest.raises(TimeoutError):
            line.socket.recv(1)
        server.box.hold.set()
        line.socket.settimeout(20)
        assert line.answer().startswith("250")
        assert line.say("NOOP").startswith("250")


def test_space_is_full_only_when_an_error_says_so() -> None:
    assert is_full(StoreError("database x: database or disk is full"))
    assert is_full(StoreError("could not extend file base/1: No space left on device"))
    assert is_full(OSError(errno.EDQUOT, "quota"))
    assert not is_full(StoreError("database is locked"))
    assert not is_full(ValueError("disk is full"))


def test_a_line_can_be_used_for_many_mails() -> None:
    with served() as server, server.line() as line:
        _many(line, 30)
        assert len(server.box.mails) == 30


def _many(line: Line, count: int) -> None:
    for number in range(count):
        assert line.mail(f"{number}".encode()).startswith("250")
