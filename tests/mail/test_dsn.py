"""Delivery reports, by their fields and by the words of mail systems that have none."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inbox.mail.dsn import BounceParts, read_bounce
from inbox.mail.letter import Bounce
from tests.mail.bounce_corpus import (
    bounce_tallies,
    flanker_tally,
    line_end_tally,
    plain_tallies,
    visible_tally,
)


def _read(
    text: str = "",
    *status: str,
    subject: str = "Undelivered Mail Returned to Sender",
    sender: str = "mailer-daemon@mx.example",
    report: str | None = None,
    original: tuple[str, ...] = (),
    headers: tuple[tuple[str, str], ...] = (),
) -> Bounce | None:
    kind = report or ("delivery-status" if status else None)
    return read_bounce(BounceParts(subject, sender, headers, text, status, original, kind))


FIELDS = """Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; ada@acme.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such
 person

Final-Recipient: rfc822; bob@acme.example
Action: delayed
Status: 4.4.1 (no answer)
"""


def test_every_recipient_of_a_status_part_is_read() -> None:
    bounce = _read("", FIELDS, original=("Message-ID: <one@aboard.example>\nTo: x\n",))
    assert bounce is not None
    assert [(r.address, r.action, r.status) for r in bounce.recipients] == [
        ("ada@acme.example", "failed", "5.1.1"),
        ("bob@acme.example", "delayed", "4.4.1"),
    ]
    assert bounce.recipients[0].diagnostic == "550 5.1.1 no such person"
    assert bounce.original_message_id == "one@aboard.example"
    assert bounce.reporting_mta == "mx.example"


def test_an_internationalised_address_is_unescaped() -> None:
    bounce = _read(
        "", "Final-Recipient: utf-8; j\\x{F6}rg@acme.example\nAction: failed\nStatus: 5.1.1\n"
    )
    assert bounce is not None and bounce.recipients[0].address == "jörg@acme.example"


@pytest.mark.parametrize(
    ("status", "diagnostic", "wanted"),
    [
        ("5.0.0", "smtp; 550 5.2.2 mailbox full", "5.2.2"),
        ("5.1.1", "smtp; 550 5.7.1 refused by policy", "5.7.1"),
        ("5.0.0", "smtp; 5.1.0 - unknown address 550-'5.2.2 mailbox full' (0 attempts)", "5.2.2"),
        ("5.0.0", "smtp; 550 failed", "5.0.0"),
        ("5.4.4", "X-Postfix; Host or domain name not found", "5.4.4"),
        ("", "smtp; 550 user unknown", "5.1.1"),
        ("", "smtp; 452 mailbox is full", "4.2.2"),
        ("2.1.5", "smtp; 250 2.1.5 ok", "2.1.5"),
    ],
)
def test_the_most_telling_code_wins(status: str, diagnostic: str, wanted: str) -> None:
    part = f"Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: {status}\nDiagnostic-Code: {diagnostic}\n"
    bounce = _read("", part)
    assert bounce is not None and bounce.recipients[0].status == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("<ada@acme.example>:\n192.0.2.1 does not like recipient.\nRemote host said: 550 no such user", "5.1.1"),
        ("The following address failed:\n\n  ada@acme.example\n    mailbox is full: retry timeout exceeded", "5.2.2"),
        ("   ----- Transcript -----\n550 5.1.2 <ada@acme.example>... Host unknown", "5.1.2"),
        ("Could not be delivered to: <ada@acme.example>\nAs their mailbox is full.", "5.2.2"),
        ("Delivery to the following recipient failed permanently:\n\n  ada@acme.example\n\nMessage too large", "5.3.4"),
        ("Your message was not delivered to:\n\n ada@acme.example\n\nConnection timed out", "5.4.1"),
        ("ada@acme.example: relaying denied", "5.7.1"),
    ],
)  # fmt: skip
def test_a_bounce_in_words_gives_recipient_and_code(text: str, wanted: str) -> None:
    below = "\n\n--- Below this line is a copy of the message.\n\nMessage-ID: <two@aboard.example>\nTo: other@acme.example\n"
    bounce = _read(text + below)
    assert bounce is not None
    assert [(r.address, r.status) for r in bounce.recipients] == [("ada@acme.example", wanted)]
    assert bounce.original_message_id == "two@aboard.example"


def test_a_warning_is_delayed_and_temporary() -> None:
    text = "A message is delayed for the following recipient:\n\nada@acme.example: connection refused\n\nThis is only a warning."
    bounce = _read(text, subject="Warning: message delayed 4 hours")
    assert bounce is not None
    assert (bounce.recipients[0].action, bounce.recipients[0].status) == ("delayed", "4.4.1")


@pytest.mark.parametrize(
    ("subject", "sender", "text", "report"),
    [
        ("Start in May", "ada@acme.example", "My mail to bob@acme.example bounced: user unknown", None),
        ("Automatic reply: Start", "mailer-daemon@mx.example", "I am away.", None),
        ("Out of office: Start", "postmaster@mx.example", "I am away.", None),
        ("Complaint", "abuse@isp.example", "abuse", "feedback-report"),
        ("Read: Start", "ada@acme.example", "was read", "disposition-notification"),
        ("Invoice", "postmaster@acme.example", "Please find the invoice.", None),
    ],
)  # fmt: skip
def test_what_is_no_bounce_is_none(
    subject: str, sender: str, text: str, report: str | None
) -> None:
    assert _read(text, subject=subject, sender=sender, report=report) is None


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300), st.text(max_size=200), st.text(max_size=80))
def test_any_report_is_read_without_an_error(text: str, status: str, subject: str) -> None:
    _read(text, status, f"Final-Recipient: {status}\nStatus: {text}", subject=subject)
    _read(text, original=(status,), headers=(("x-failed-recipients", subject),))
    _read('{"notificationType":"Bounce"' + text, subject=subject)


@pytest.mark.parametrize(
    "unit",
    ["a@b.c ", "<a@b.c>:\n", "550 5.1.1 ", "Final-Recipient: rfc822; a@b.c\n\n", "-", "a", "(", " \n",
     "user ", "message ", "To: a@b.c\n", "5.", "\\x{", "not " ],
)  # fmt: skip
def test_a_hostile_megabyte_costs_little(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    begun = time.process_time()
    _read(text, original=(text,))
    _read(text, text)
    assert time.process_time() - begun < 8


def test_the_codes_that_sisimais_mails_state_agree() -> None:
    tallies = bounce_tallies()
    assert tallies["recognised"].share >= 98, tallies["recognised"].misses
    assert tallies["not bounces"].share == 100, tallies["not bounces"].misses
    assert tallies["recipient named"].share >= 97.5, tallies["recipient named"].misses
    assert tallies["stated"].share >= 97.6, tallies["stated"].misses
    assert tallies["strict"].share >= 73.8, tallies["strict"].share
    assert tallies["permanence"].share >= 86, tallies["permanence"].misses


def test_line_ends_make_no_difference() -> None:
    tally = line_end_tally()
    assert tally.asked > 50
    assert tally.share >= 95, tally.misses


def test_flankers_expectations_hold() -> None:
    tally = flanker_tally()
    assert tally.share == 100, tally.misses


def test_plain_readers_find_fewer_codes_and_cut_no_quotes() -> None:
    ours, others = bounce_tallies(), plain_tallies()
    for name, theirs in others.items():
        for question in ("strict", "stated"):
            assert theirs[question].asked == ours[question].asked
            assert theirs[question].share < ours[question].share, name
        assert theirs["visible"].share < visible_tally().share, name
