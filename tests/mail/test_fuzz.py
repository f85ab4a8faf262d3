"""parse_letter never raises anything but LimitExceeded: random bytes, and mutated corpus mails."""

from __future__ import annotations

import logging
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inbox.mail.limits import LimitExceeded
from inbox.mail.parse import parse_letter
from tests.mail import corpus

SEED = 20_261_122
_PIECES = [
    b"From: ", b"To: ", b"Subject: ", b"Content-Type: ", b"multipart/mixed; boundary=b", b"--b", b"--b--",
    b"text/html", b"text/calendar", b"message/rfc822", b"Content-Transfer-Encoding: ", b"base64",
    b"quoted-printable", b"x-uuencode", b"begin 644 a\n", b"=?utf-8?b?", b"?=", b"\r\n", b"\n", b"\r",
    b"\n\n", b" ", b"\t", b"<", b">", b"@", b"(", b'"', b"\\", b";", b":", b"charset=", b"utf-16",
    b"iso-2022-jp", b"name*0*=", b"%ff", b"=", b"\xff\xfe", b"\0", b"BEGIN:VCALENDAR\n", b"BEGIN:VEVENT\n",
    b"Message-ID: ", b"References: ", b"Date: ", b"10:00", b"31 Feb 2020", b"> ", b"<b>", b"a",
]  # fmt: skip


def _reads(raw: bytes) -> None:
    try:
        letter = parse_letter(raw)
    except LimitExceeded:
        return
    for text in (letter.subject, letter.text, letter.visible_text):
        text.encode("utf-8")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(_PIECES) | st.binary(max_size=6), max_size=40))
def test_no_sequence_of_mail_like_pieces_raises(pieces: list[bytes]) -> None:
    _reads(b"".join(pieces))


def _mutated(raw: bytes, chance: random.Random) -> bytes:
    data = bytearray(raw)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(4)
        if kind == 0:
            data[at : at + 1] = bytes((chance.randrange(256),))
        elif kind == 1:
            data[at:at] = chance.choice(_PIECES)
        elif kind == 2:
            del data[at : at + chance.randint(1, 200)]
        else:
            source = chance.randrange(len(data) + 1)
            data[at:at] = data[source : source + chance.randint(1, 400)]
    return bytes(data)


def _campaign(rounds: int) -> None:
    logging.getLogger("mailparser").setLevel(logging.CRITICAL)
    chance = random.Random(SEED)
    mails = [raw for _, raw in corpus.manifest() if len(raw) < 20_000]
    for _ in range(rounds):
        _reads(_mutated(chance.choice(mails), chance))


def test_mutated_corpus_mails_are_read() -> None:
    _campaign(1500)


@pytest.mark.campaign
def test_a_hundred_thousand_mutated_corpus_mails_are_read() -> None:
    _campaign(100_000)
