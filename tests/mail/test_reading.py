"""Addresses, ids, charsets, encoded words, parameters and dates, one table each."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from email import message_from_string
from email.policy import default
from email.utils import getaddresses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inbox.mail import ids
from inbox.mail.address import AMBIGUOUS, INVALID, parse_addresses
from inbox.mail.charset import codec_for, decode_text
from inbox.mail.dates import read_date
from inbox.mail.html import html_to_text
from inbox.mail.letter import Letter
from inbox.mail.parse import parse_letter
from inbox.mail.transfer import decode_transfer
from inbox.mail.words import decode_words, parameters


@pytest.mark.parametrize(
    ("value", "people"),
    [
        ("Joe <a@B.Example>", [("Joe", "a@b.example")]),
        ('"Doe, J." <a@b.example>, x@y.example (Bob)', [("Doe, J.", "a@b.example"), ("Bob", "x@y.example")]),
        ("Team: a@b.example, C <c@d.example>;", [("", "a@b.example"), ("C", "c@d.example")]),
        ("undisclosed-recipients:;", [("undisclosed-recipients", "")]),
        ('"a@corp.example"@evil.example', [("", '"a@corp.example"@evil.example')]),
        ("=?utf-8?q?boss=40corp.example?= <x@evil.example>", [("boss@corp.example", "x@evil.example")]),
        ("=?utf-8?q?A=2C_B?= <a@b.example>", [("A, B", "a@b.example")]),
        ("x@müller.example", [("", "x@xn--mller-kva.example")]),
        ("user@[192.0.2.1]", [("", "user@[192.0.2.1]")]),
        ("<@relay.example:u@d.example>", [("", "u@d.example")]),
        ("a@b.example; c@d.example", [("", "a@b.example"), ("", "c@d.example")]),
        ("A (c (d)) B <a@b.example>", [("A B", "a@b.example")]),
        ("A <<a@b.example>>", [("A", "a@b.example")]),
        ("A <a@b.example", [("A", "a@b.example")]),
        ("MAILER-DAEMON (Mail System)", [("MAILER-DAEMON", "")]),
        ("", []),
    ],
)  # fmt: skip
def test_an_address_field_is_read(value: str, people: list[tuple[str, str]]) -> None:
    assert [(one.name, one.address) for one in parse_addresses(value)] == people


@pytest.mark.parametrize(
    ("value", "defect"),
    [
        ("<a@evil.example (x).corp.example>", AMBIGUOUS),
        ("a@evil.example\n@corp.example", AMBIGUOUS),
        ("a@b@c.example", AMBIGUOUS),
        ("<ana@corp.example>evil@evil.example", AMBIGUOUS),
        ("ana@corp.example <a@evil.example>", AMBIGUOUS),
        ("ana@corp.example: <a@evil.example>", AMBIGUOUS),
        ('"Ana" ana@corp.example <a@evil.example>', AMBIGUOUS),
        ("ana@(x)corp.example <a@evil.example>", AMBIGUOUS),
        ("<a@evil.example> ana@corp.example", AMBIGUOUS),
        ("a@evil.example .corp.example", AMBIGUOUS),
        ("a@evil.example)@corp.example", AMBIGUOUS),
        ("<a b@c.example>", INVALID),
        ("=?utf-8?q?a=40b.example?=", INVALID),
    ],
)
def test_an_address_that_two_readers_could_read_differently_gives_no_domain(
    value: str, defect: str
) -> None:
    read = parse_addresses(value)
    assert [one.domain for one in read] == [""]
    assert read.defects == (defect,)


@pytest.mark.parametrize(
    "value",
    ["<ana@corp.example> <a@evil.example>", "Ana <ana@corp.example>, Eve <a@evil.example>",
     "people: ana@corp.example;", "people: ana@corp.example, a@evil.example;", "people:;",
     "Ana <ana@corp.example", '"Ana <ana@corp.example>', "Ana (x <ana@corp.example>", "ana", ""],
)  # fmt: skip
def test_whose_mail_it_is_takes_one_mailbox_that_all_read_alike(value: str) -> None:
    assert not author(value).one_author


@pytest.mark.parametrize(
    "value",
    ["ana@corp.example", "Ana <ana@corp.example>", '"ana@other.example" <ana@corp.example>',
     "ana@corp.example <Ana@Corp.example>", "=?utf-8?q?ana@other.example?= <ana@corp.example>",
     "ana@corp.example (eve@evil.example)", "Re: Ana <ana@corp.example>", "ana..b@corp.example",
     '"ana@other.example"@corp.example', "Ana Byte ana@corp.example"],
)  # fmt: skip
def test_what_programs_and_people_really_write_is_somebodys(value: str) -> None:
    found = author(value)
    assert found.one_author and found.from_[0].domain == "corp.example"


def author(value: str) -> Letter:
    return parse_letter(f"From: {value}\n\nHello\n".encode())


PIECES = st.sampled_from(
    ["ana@corp.example", "eve@evil.example", "@", "ana", "corp.example", ".evil.example", "<", ">",
     "<eve@evil.example>", '"', "(", ")", ",", ";", ":", "\\", " ", "\t", "x", "=?utf-8?q?a=40corp.example?=", "[", "]"]
)  # fmt: skip


@settings(max_examples=500)
@given(st.lists(PIECES, max_size=9).map("".join))
def test_the_standard_library_reads_no_other_domain_where_we_are_sure(value: str) -> None:
    """What reads differently here was the way in elsewhere (CVE-2023-27043 and its kind)."""
    found = author(value)
    if not found.one_author:
        return
    old = [one.rpartition("@")[2] for _, one in getaddresses([value.strip()]) if "@" in one]
    assert set(old) <= {found.from_[0].domain}, (found.from_, old)
    with suppress(IndexError, AttributeError):  # it raises these on what is no address
        read = message_from_string(f"From: {value.strip()}\n\n", policy=default)
        new = [one.domain for one in read["from"].addresses if one.domain]
        assert set(new) <= {found.from_[0].domain}, (found.from_, new)


@given(st.text(alphabet='ab@."<>(),:;[]\\ =?\n', max_size=80))
def test_every_address_that_is_read_has_one_domain_or_none(value: str) -> None:
    for one in parse_addresses(value):
        assert not one.address or one.domain
        assert "\n" not in one.name + one.address


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("<a@b>", "a@b"),
        ("a@b", "a@b"),
        ("<[abc@d]>", "abc@d"),
        ("<a@b> <c@d>", "a@b"),
        ("<a@\t b>", "a@b"),
        ("<<a@b>>", "a@b"),
        ("<no-at-sign>", "no-at-sign"),
        ("<>", None),
        ("", None),
        ("<" * 1000, None),
        ("<" + "x" * 2000 + "@y>", None),
    ],
)
def test_a_message_id_is_read_however_it_is_broken(value: str, found: str | None) -> None:
    assert ids.message_id(value) == found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("<root@example.com>", ("root@example.com",)),
        ("<a@b> <c@d>", ("a@b", "c@d")),
        ('Your message of "Mon, 1 Jan" <20020101.123456.x@host.example>', ("20020101.123456.x@host.example",)),
        ("Anna Berg <anna@host.example>'s message <0123456789.ab@host.example>", ("0123456789.ab@host.example",)),
        ("anna@host.example wrote on Monday", ()),
        ("", ()),
    ],
)  # fmt: skip
def test_in_reply_to_gives_ids_and_no_people(value: str, found: tuple[str, ...]) -> None:
    assert ids.in_reply_to(value) == found


def test_of_a_long_references_field_the_root_and_the_nearest_are_kept() -> None:
    found = ids.references(" ".join(f"<{n}@x>" for n in range(5000)))
    assert (len(found), found[0], found[-1]) == (ids.MAX_IDS, "0@x", "4999@x")


def test_an_id_of_our_own_repeats_for_the_same_bytes() -> None:
    made = ids.make_message_id(b"0123456789abcdef", "Mail.Example")
    assert made == ids.make_message_id(b"0123456789abcdef", "mail.example")
    assert ids.message_id(f"<{made}>") == made
    with pytest.raises(ValueError, match="at least 16"):
        ids.make_message_id(b"short", "mail.example")


@pytest.mark.parametrize(
    "label", ["zlib", "rot13", "hex", "base64", "idna", "punycode", "x-no", "", "a" * 99]
)
def test_what_is_no_text_encoding_is_refused(label: str) -> None:
    assert codec_for(label) is None


@pytest.mark.parametrize(
    ("data", "label", "text"),
    [
        (b"\x93quoted\x94", "iso-8859-1", "“quoted”"),
        ("裡".encode("gb18030"), "gb2312", "裡"),
        ("Grüße".encode(), "us-ascii", "Grüße"),
        ("Grüße".encode("latin-1"), None, "Grüße"),
        (b"\x1b$B$3$s\x1b(B", "iso-2022-jp", "こん"),
        ("Привет".encode("koi8-r"), "koi8-r", "Привет"),
        (b"\x81", "windows-1252", "\x81"),
        (b"caf\xe9", "x-unknown", "café"),
    ],
)
def test_bytes_become_the_text_that_was_meant(data: bytes, label: str | None, text: str) -> None:
    assert decode_text(data, label).text == text


@given(
    st.binary(max_size=200),
    st.sampled_from([None, "utf-8", "gb2312", "utf-7", "utf-16", "big5", "zlib"]),
)
def test_decoding_never_raises_and_gives_text_that_can_be_stored(
    data: bytes, label: str | None
) -> None:
    decode_text(data, label).text.encode("utf-8")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        ("=?utf-8?b?w4M=?= x", "Ã x"),
        ("=?utf-8?b?4oI=?= =?utf-8?b?rA==?=", "€"),
        ("Re:=?utf-8?Q?caf=C3=A9?=now", "Re:cafénow"),
        ("=?iso-8859-1?q?a_b?=", "a b"),
        ("=?utf-8?x?a?=", "=?utf-8?x?a?="),
    ],
)
def test_encoded_words_are_decoded(text: str, shown: str) -> None:
    assert decode_words(text) == shown


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [
        ("a/b; name*=utf-8''%e2%82%ac%20x", "name", "€ x"),
        ("a/b; name*0=ab; name*1=cd", "name", "abcd"),
        ("a/b; name*1*=%20c; name*0*=utf-8''ab", "name", "ab c"),
        ('a/b; name="=?utf-8?q?=C3=BC?="', "name", "ü"),
        ('a/b; name="a;b\\"c"', "name", 'a;b"c'),
        ("a/b; boundary=x; boundary=y", "boundary", "x"),
    ],
)
def test_parameters_are_read(value: str, name: str, text: str) -> None:
    assert parameters(value)[name] == text


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("Tue, 1 Jul 2003 10:52:37 +0200", datetime(2003, 7, 1, 8, 52, 37, tzinfo=UTC)),
        ("1 Jul 03 10:52 EST", datetime(2003, 7, 1, 15, 52, tzinfo=UTC)),
        ("Fri, 21 Nov 1997 09:55 (comment) -0600", datetime(1997, 11, 21, 15, 55, tzinfo=UTC)),
        ("2026-11-22T10:00:00+01:00", datetime(2026, 11, 22, 9, tzinfo=UTC)),
        ("Mon Jan  5 10:00:00 2026", datetime(2026, 1, 5, 10, tzinfo=UTC)),
        ("Sun, 31 Dec 2023 23:59:60 +0000", datetime(2023, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("32 Jan 2020 10:00", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_a_date_is_read_in_utc_or_not_at_all(value: str, instant: datetime | None) -> None:
    assert read_date(value) == instant


@given(st.text(max_size=60))
def test_no_date_raises(value: str) -> None:
    found = read_date(value)
    assert found is None or found.tzinfo is UTC


def test_damaged_base64_gives_what_can_be_decoded() -> None:
    assert decode_transfer(b"aGVsbG8=aGVsbG8=", "base64") == (b"hellohello", "transfer-broken")
    assert decode_transfer(b"aGVs!bG8", "base64")[0] == b"hello"
    assert decode_transfer(b"x", "rot-26") == (b"x", "transfer-unknown")


def test_html_becomes_lines_of_text() -> None:
    text = html_to_text("<style>x{}</style><p>Hello&nbsp;there</p><p>second<br>third</p>")
    assert text.split() == ["Hello", "there", "second", "third"]
    assert "second\nthird" in text
