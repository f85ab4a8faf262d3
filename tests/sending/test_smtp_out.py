"""What the SMTP client makes of what servers say: one outcome for every ending, never a guess."""

from __future__ import annotations

import shutil
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.clock import monotonic
from inbox.mail.outgoing import (
    PHASES,
    Deferred,
    Envelope,
    Outcome,
    Rejected,
    Sent,
    Uncertain,
    Unsendable,
    check_wire,
    wire_address,
)
from inbox.net.smtp_out import Smarthost, Waits
from inbox.net.smtp_pool import Breaker, BreakerRules, Pool
from tests.sending.scripted import HANG_UP, SILENCE, Scripted, scripted
from tests.services.place import self_signed
from tests.services.smtp_sink import SmtpSink

MAIL = b"From: a@ours.example\r\nSubject: x\r\n\r\nHello.\r\n.\r\n..two\r\nEnd\r\n"
ANA, BEN, EVE = "ana@acme.example", "ben@acme.example", "eve@acme.example"
QUICK = Waits(connect=2, greeting=0.4, command=0.4, block=2, dot=0.4)


def smarthost(port: int, **how: object) -> Smarthost:
    given_: dict[str, object] = {"tls": None, "waits": QUICK} | how
    return Smarthost("localhost" if how.get("tls") else "127.0.0.1", port, **given_)  # type: ignore[arg-type]


class Hand:
    """A pool, and what it was told and said."""

    def __init__(self, port: int, **how: object) -> None:
        self.phases: list[str] = []
        self.pool = Pool(smarthost(port, **how), monotonic)

    def send(
        self, *recipients: str, content: bytes = MAIL, reverse: str = "b@ours.example"
    ) -> Outcome:
        self.phases.clear()
        return self.pool.deliver(
            Envelope(reverse, recipients or (ANA,)), content, self.phases.append
        )


@pytest.fixture
def server() -> Iterator[Scripted]:
    with scripted() as started:
        yield started


@pytest.fixture
def hand(server: Scripted) -> Iterator[Hand]:
    made = Hand(server.port)
    yield made
    made.pool.close()


def states(outcome: Outcome) -> dict[str, str]:
    return {one.address: one.state for one in outcome.by_recipient}


def test_a_mail_arrives_byte_for_byte_with_its_dots_and_all_phases_announced(
    smtp_sink: SmtpSink,
) -> None:
    hand = Hand(smtp_sink.port)
    outcome = hand.send(ANA, BEN)
    assert isinstance(outcome, Sent)
    assert states(outcome) == {ANA: "accepted", BEN: "accepted"}
    (kept,) = smtp_sink.wait_for(1)
    assert kept.content == MAIL
    assert (kept.mail_from, kept.rcpt_tos) == ("b@ours.example", (ANA, BEN))
    assert hand.phases == list(PHASES)
    hand.pool.close()


def test_the_null_reverse_path_is_said_as_such(server: Scripted, hand: Hand) -> None:
    assert isinstance(hand.send(reverse=""), Sent)
    assert any(line.startswith("MAIL FROM:<>") for line in server.heard)


def test_a_connection_is_used_again_and_reset_in_between(server: Scripted, hand: Hand) -> None:
    assert all(isinstance(hand.send(), Sent) for _ in range(3))
    assert server.connections == 1
    assert server.heard.count("RSET") == 2


def test_a_connection_takes_no_more_mails_than_it_may(server: Scripted) -> None:
    pool = Pool(smarthost(server.port), monotonic, mails_per_session=2)
    for _ in range(4):
        assert isinstance(pool.deliver(Envelope("", (ANA,)), MAIL, lambda phase: None), Sent)
    assert server.connections == 2
    pool.close()


def test_an_idle_connection_that_the_server_closed_is_replaced_unseen(
    server: Scripted, hand: Hand
) -> None:
    server.say("DOT", b"250 2.0.0 ok\r\n" + HANG_UP)
    assert isinstance(hand.send(), Sent)
    assert isinstance(hand.send(), Sent)
    assert server.connections == 2


def test_a_refused_recipient_is_refused_alone(server: Scripted, hand: Hand) -> None:
    server.say("RCPT", b"250 ok\r\n", b"550 5.1.1 no such user\r\n", b"450 4.2.1 greylisted\r\n")
    outcome = hand.send(ANA, BEN, EVE)
    assert isinstance(outcome, Sent)
    assert states(outcome) == {ANA: "accepted", BEN: "refused", EVE: "waiting"}
    refused = outcome.by_recipient[1].answer
    assert refused is not None
    assert (refused.code, refused.status, refused.text) == (550, "5.1.1", "no such user")


@pytest.mark.parametrize(
    ("command", "answer", "kind", "cause"),
    [
        ("GREETING", b"554 go away\r\n", Deferred, "greeting"),
        ("GREETING", b"421 4.3.2 too busy\r\n", Deferred, "greeting"),
        ("GREETING", HANG_UP, Deferred, "lost"),
        ("GREETING", SILENCE, Deferred, "slow"),
        ("EHLO", b"502 what\r\n", Deferred, "greeting"),
        ("EHLO", b"250 fine" * 500 + b"\r\n", Deferred, "reply"),
        ("EHLO", b"250-more\r\n" * 200, Deferred, "reply"),
        ("EHLO", b"hello there\r\n", Deferred, "reply"),
        ("EHLO", b"250-a\r\n550 b\r\n", Deferred, "reply"),
        ("MAIL", b"550 5.7.1 not you\r\n", Rejected, "sender"),
        ("MAIL", b"451 4.3.0 later\r\n", Deferred, "sender"),
        ("MAIL", b"530 5.7.0 authenticate first\r\n", Deferred, "sender"),
        ("MAIL", HANG_UP, Deferred, "lost"),
        ("RCPT", b"550 5.1.1 nobody\r\n", Rejected, "recipient"),
        ("RCPT", b"451 4.7.1 greylisted\r\n", Deferred, "recipient"),
        ("RCPT", SILENCE, Deferred, "slow"),
        ("DATA", b"554 5.5.1 no\r\n", Rejected, "data"),
        ("DATA", b"451 4.3.0 no\r\n", Deferred, "data"),
        ("DATA", b"250 2.0.0 done already\r\n", Deferred, "reply"),
        ("DATA", HANG_UP, Deferred, "lost"),
        ("DATA", b"354 go" + HANG_UP, Deferred, "lost"),
        ("DOT", b"554 5.6.0 spam\r\n", Rejected, "content"),
        ("DOT", b"451 4.3.0 disk full\r\n", Deferred, "content"),
        ("DOT", b"421 4.3.2 shutting down\r\n", Deferred, "content"),
        ("DOT", HANG_UP, Uncertain, ""),
        ("DOT", SILENCE, Uncertain, ""),
        ("DOT", b"250 2.0.0 queu" + HANG_UP, Uncertain, ""),
        ("DOT", b"250-2.0.0 queued\r\n" + HANG_UP, Uncertain, ""),
        ("DOT", b"gibberish\r\n", Uncertain, ""),
        ("DOT", b"354 more\r\n", Uncertain, ""),
    ],
)  # fmt: skip
def test_each_ending_has_its_outcome(
    server: Scripted, hand: Hand, command: str, answer: bytes, kind: type, cause: str
) -> None:
    server.say(command, answer, answer)  # a stale connection may be tried twice; this one is not
    outcome = hand.send()
    assert isinstance(outcome, kind), outcome
    assert getattr(outcome, "cause", "") == cause
    assert ("dot" in hand.phases) == (command == "DOT")
    assert all(one.state != "accepted" for one in outcome.by_recipient)


def test_a_server_that_sends_a_byte_now_and_then_is_given_up_in_time(server: Scripted) -> None:
    stop = threading.Event()

    def drip() -> None:
        line, _ = listener.accept()
        while not stop.wait(0.05):
            try:
                line.send(b"2")
            except OSError:
                break
        line.close()

    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip)
        thread.start()
        began = monotonic()
        outcome = Hand(listener.getsockname()[1]).send()
        stop.set()
        thread.join()
    assert isinstance(outcome, Deferred)
    assert monotonic() - began < 3


def test_a_mail_that_the_server_calls_too_large_is_not_begun(server: Scripted, hand: Hand) -> None:
    server.say("EHLO", b"250-hi\r\n250 SIZE 20\r\n")
    outcome = hand.send()
    assert isinstance(outcome, Rejected)
    assert outcome.cause == "too-large"
    assert not any(line.startswith("MAIL") for line in server.heard)


def test_pipelined_commands_get_their_own_answers(server: Scripted, hand: Hand) -> None:
    server.say("EHLO", b"250-hi\r\n250 PIPELINING\r\n")
    server.say("RCPT", b"550 5.1.1 no\r\n", b"250 ok\r\n")
    outcome = hand.send(ANA, BEN)
    assert isinstance(outcome, Sent)
    assert states(outcome) == {ANA: "refused", BEN: "accepted"}


def test_a_server_that_reports_is_told_whom_we_wrote_to(server: Scripted, hand: Hand) -> None:
    server.say("EHLO", b"250-hi\r\n250 DSN\r\n")
    assert isinstance(hand.send("a+b=c@acme.example"), Sent)
    (asked,) = [line for line in server.heard if line.startswith("RCPT")]
    assert asked == "RCPT TO:<a+b=c@acme.example> ORCPT=rfc822;a+2Bb+3Dc@acme.example"


@pytest.mark.parametrize("phase", PHASES)
def test_who_refuses_a_phase_ends_the_dialogue_without_the_final_dot(
    server: Scripted, phase: str
) -> None:
    class Withdrawn(Exception):
        pass

    def refuse(name: str) -> None:
        if name == phase:
            raise Withdrawn

    pool = Pool(smarthost(server.port), monotonic)
    with pytest.raises(Withdrawn):
        pool.deliver(Envelope("", (ANA,)), MAIL, refuse)
    pool.close()
    assert not server.mails
    order = {"connect": 0, "envelope": 1, "data": 3, "dot": 4}
    assert len([one for one in server.heard if one != "QUIT"]) <= order[phase]


# --- TLS and passwords ------------------------------------------------------------------------

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")
OFFERS = b"250-hi\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """(the server's context, a client's context that trusts it)."""
    folder: Path = tmp_path_factory.mktemp("tls")
    cert, key = self_signed(folder)
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    theirs.load_cert_chain(cert, key)
    return theirs, ssl.create_default_context(cafile=str(cert))


@needs_openssl
@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("offer", [b"AUTH PLAIN", b"AUTH LOGIN"])
def test_a_password_goes_over_verified_tls_only(
    pair: tuple[ssl.SSLContext, ssl.SSLContext], implicit: bool, offer: bytes
) -> None:
    with scripted(pair[0], implicit) as server:
        if not implicit:
            server.say("EHLO", OFFERS)
        server.say("EHLO", b"250-hi\r\n250 " + offer + b"\r\n")
        if offer == b"AUTH LOGIN":
            server.say("AUTH", b"334 VXNlcm5hbWU6\r\n")
            server.say("YWJVYXJK", b"334 UGFzc3dvcmQ6\r\n")
            server.say("YMZDTMQ=", b"235 2.7.0 welcome\r\n")
        hand = Hand(server.port, tls=pair[1], implicit=implicit, username="aboard", password="blöd")
        assert isinstance(hand.send(), Sent)
        hand.pool.close()
        said = " ".join(server.heard)
        assert ("AGFib2FyZABibMO2ZA==" in said) == (offer == b"AUTH PLAIN")


@needs_openssl
def test_an_untrusted_certificate_or_none_sends_nothing(
    pair: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    strangers = ssl.create_default_context()
    for offers, context in ((OFFERS, strangers), (b"250 hi\r\n", pair[1])):
        with scripted(pair[0]) as server:
            server.say("EHLO", offers)
            outcome = Hand(server.port, tls=context, username="aboard", password="x").send()
            assert isinstance(outcome, Deferred)
            assert outcome.cause == "tls"
            assert not any(one.startswith(("AUTH", "MAIL")) for one in server.heard)


@needs_openssl
def test_what_follows_the_answer_to_starttls_in_clear_text_is_an_attack(
    pair: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    with scripted(pair[0]) as server:
        server.say("EHLO", OFFERS)
        server.say("STARTTLS", b"220 go on\r\n250 AUTH PLAIN\r\n")
        outcome = Hand(server.port, tls=pair[1]).send()
    assert isinstance(outcome, Deferred)
    assert outcome.cause == "tls"


@needs_openssl
def test_a_refused_password_defers_and_says_so(
    pair: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    with scripted(pair[0], implicit=True) as server:
        server.say("EHLO", b"250-hi\r\n250 AUTH PLAIN\r\n")
        server.say("AUTH", b"535 5.7.8 expired\r\n")
        hand = Hand(server.port, tls=pair[1], implicit=True, username="aboard", password="x")
        outcome = hand.send()
    assert isinstance(outcome, Deferred)
    assert (outcome.cause, "535 5.7.8 expired" in outcome.detail) == ("auth", True)


# --- The breaker ------------------------------------------------------------------------------


def test_a_sick_host_is_left_alone_for_longer_and_longer_and_probed_by_one() -> None:
    now = [0.0]
    breaker = Breaker(lambda: now[0], BreakerRules(failures=3, first=10, longest=30))
    for _ in range(3):
        assert breaker.begin()
        breaker.failed()
    assert not breaker.begin()
    assert breaker.wait() == 10
    now[0] = 10.0
    assert breaker.wait() == 0
    assert breaker.begin()
    assert not breaker.begin()  # one probe at a time
    breaker.failed()
    assert breaker.wait() == 20
    now[0] = 30.0
    assert breaker.begin()
    breaker.failed()
    assert breaker.wait() == 30  # never longer than that
    now[0] = 60.0
    assert breaker.begin()
    breaker.worked()
    assert breaker.begin()
    assert breaker.begin()


def test_after_repeated_failures_no_connection_is_even_tried(server: Scripted) -> None:
    breaker = Breaker(monotonic, BreakerRules(failures=2, first=100))
    pool = Pool(smarthost(server.port), monotonic, breaker=breaker)
    server.say("GREETING", *[b"421 4.3.2 no\r\n"] * 2)
    causes = []
    for _ in range(4):
        outcome = pool.deliver(Envelope("", (ANA,)), MAIL, lambda phase: None)
        assert isinstance(outcome, Deferred)
        causes.append(outcome.cause)
    assert causes == ["greeting", "greeting", "breaker", "breaker"]
    assert server.connections == 2


def test_an_interrupt_ends_a_wait_but_never_one_for_the_answer_to_the_dot(server: Scripted) -> None:
    def outcome_when_interrupted_at(command: str) -> Outcome:
        pool = Pool(smarthost(server.port, waits=Waits(command=5, dot=0.5)), monotonic)
        server.say(command, SILENCE)
        found: list[Outcome] = []
        reached = threading.Event()

        def phase(name: str) -> None:
            if name == ("dot" if command == "DOT" else "envelope"):
                reached.set()

        def send() -> None:
            found.append(pool.deliver(Envelope("", (ANA,)), MAIL, phase))

        thread = threading.Thread(target=send)
        thread.start()
        assert reached.wait(5)
        threading.Event().wait(0.1)
        pool.interrupt()
        thread.join(5)
        return found[0]

    outcome = outcome_when_interrupted_at("MAIL")
    assert isinstance(outcome, Deferred)
    assert outcome.cause == "stopped"
    assert isinstance(outcome_when_interrupted_at("DOT"), Uncertain)  # it waited its whole time


# --- What may go onto the wire ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "wire"),
    [
        ("ana@acme.example", "ana@acme.example"),
        ('"a b"@acme.example', '"a b"@acme.example'),
        ("ana@Bücher.example", "ana@xn--bcher-kva.example"),
        ("a.b+c@x.y.example", "a.b+c@x.y.example"),
    ],
)
def test_an_address_is_written_as_every_server_reads_it(address: str, wire: str) -> None:
    assert wire_address(address) == wire


@pytest.mark.parametrize(
    "address",
    [
        "", "ana", "@acme.example", "ana@", "äna@acme.example", "a b@acme.example",
        "ana@acme.example\r\nRCPT TO:<eve@evil.example>", "<ana@acme.example>", "ana@acme..example",
        "ana@-acme.example", ".ana@acme.example", "a\u2028@acme.example", "ana@acme.example\n",
        "x" * 65 + "@acme.example", "ana@" + "a." * 126 + "example", '"a\r\n"@acme.example',
    ],
)  # fmt: skip
def test_what_is_no_address_never_reaches_a_socket(
    server: Scripted, hand: Hand, address: str
) -> None:
    with pytest.raises(Unsendable):
        wire_address(address)
    outcome = hand.send(address)
    assert isinstance(outcome, Rejected)
    assert outcome.cause == "unsendable"
    assert server.connections == 0
    assert not hand.phases


@given(st.text(max_size=60))
def test_no_text_at_all_makes_a_second_command(text: str) -> None:
    try:
        wire = wire_address(text)
    except Unsendable:
        return
    assert wire.isascii()
    assert not set(wire) & set("\r\n\0<>")
    assert wire.count("@") >= 1


@pytest.mark.parametrize(
    "raw",
    [
        b"a: b\r\n\r\nno end", b"a: b\n\r\nx\r\n", b"a: b\r\n\r\nx\ry\r\n", b"a: \xc3\xa4\r\n\r\n",
        b"a: b\r\n\r\nx\0\r\n", b"a: b\r\n\r\n" + b"x" * 999 + b"\r\n", b"",
    ],
)  # fmt: skip
def test_bytes_that_some_server_would_change_are_refused(raw: bytes) -> None:
    with pytest.raises(Unsendable):
        check_wire(raw)


def test_a_line_of_998_bytes_passes() -> None:
    check_wire(b"a: b\r\n\r\n" + b"x" * 998 + b"\r\n")
