"""The tests' SMTP sink keeps envelopes and answers as its script says."""

from __future__ import annotations

import shutil
import smtplib
import ssl
from pathlib import Path

import pytest

from tests.services import smtp_sink as sinks
from tests.services.place import self_signed
from tests.services.smtp_sink import ACCEPT, CUT, KEEP_AND_CUT, SmtpSink

MAIL = b"Subject: hello\r\n\r\n.a dot first\r\nGr\xc3\xbc\xc3\x9fe\r\n"


def send(sink: SmtpSink, *to: str) -> None:
    with smtplib.SMTP(sink.host, sink.port, timeout=10) as client:
        client.sendmail("ada@example.org", to or ("bo@example.com",), MAIL)


def test_a_mail_is_kept_byte_for_byte_with_its_envelope(smtp_sink: SmtpSink) -> None:
    send(smtp_sink, "bo@example.com", "cy@example.com")
    (mail,) = smtp_sink.wait_for(1)
    assert mail.content == MAIL
    assert (mail.mail_from, mail.rcpt_tos) == (
        "ada@example.org",
        ("bo@example.com", "cy@example.com"),
    )
    assert not mail.over_tls


def test_scripted_answers_are_given_in_turn_and_then_all_is_as_usual(smtp_sink: SmtpSink) -> None:
    smtp_sink.script("DATA", "451 4.3.0 later", ACCEPT, "554 5.6.0 never")
    for expected in (451, None, 554, None):
        if expected is None:
            send(smtp_sink)
        else:
            with pytest.raises(smtplib.SMTPDataError) as refused:
                send(smtp_sink)
            assert refused.value.smtp_code == expected
    assert len(smtp_sink.kept) == 2


def test_one_recipient_of_two_can_be_refused(smtp_sink: SmtpSink) -> None:
    smtp_sink.script("RCPT", ACCEPT, "550 5.1.1 nobody")
    send(smtp_sink, "bo@example.com", "cy@example.com")
    assert smtp_sink.wait_for(1)[0].rcpt_tos == ("bo@example.com",)


@pytest.mark.parametrize(("answer", "kept"), [(CUT, 0), (KEEP_AND_CUT, 1)])
def test_a_connection_is_cut_instead_of_the_answer(
    smtp_sink: SmtpSink, answer: str, kept: int
) -> None:
    smtp_sink.script("DATA", answer)
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        send(smtp_sink)
    assert len(smtp_sink.kept) == kept
    send(smtp_sink)
    assert len(smtp_sink.kept) == kept + 1


def test_a_sink_comes_back_on_its_port(smtp_sink: SmtpSink) -> None:
    port = smtp_sink.port
    smtp_sink.stop()
    with pytest.raises(ConnectionError):
        send(smtp_sink)
    smtp_sink.start()
    assert smtp_sink.port == port
    send(smtp_sink)
    assert len(smtp_sink.kept) == 1


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")
def test_a_mail_comes_over_starttls(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with (
        sinks.running(context) as sink,
        smtplib.SMTP("localhost", sink.port, timeout=10) as client,
    ):
        client.starttls(context=ssl.create_default_context(cafile=str(certificate)))
        client.sendmail("ada@example.org", ["bo@example.com"], MAIL)
        assert sink.wait_for(1)[0].over_tls
