"""A winmail.dat is unpacked within limits: its files are the mail's, its text only where none is."""

from __future__ import annotations

import base64
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inbox.mail.letter import Letter
from inbox.mail.opened import OpenedMail
from inbox.mail.parse import parse_letter
from inbox.mail.rtf import decompressed, rtf_to_text
from inbox.mail.tnef import MOST_FILES, unpack
from tests.mail.packing import attribute, packed_rtf, properties, utf16, winmail

FILES = [("contract übersicht.pdf", b"%PDF-1.7 ..."), ("seats.csv", b"a,b\n1,2\n")]


def raw(
    packed: bytes, text: str = "Please find it attached.", kind: str = "application/ms-tnef"
) -> bytes:
    body = base64.encodebytes(packed).decode()
    return (
        "From: Ana <ana@acme.example>\nTo: hello@aboard.example\nSubject: Contract\n"
        'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n\n'
        f"--b\nContent-Type: text/plain\n\n{text}\n"
        f'--b\nContent-Type: {kind}; name="winmail.dat"\nContent-Transfer-Encoding: base64\n'
        f'Content-Disposition: attachment; filename="winmail.dat"\n\n{body}\n--b--\n'
    ).encode()


def letter(packed: bytes, **how: str) -> Letter:
    return parse_letter(raw(packed, **how))


@pytest.mark.parametrize("kind", ["application/ms-tnef", "application/octet-stream"])
def test_its_files_are_the_mails_files(kind: str) -> None:
    packed = winmail(FILES)
    found = letter(packed, kind=kind)
    assert [(one.name, one.size, one.content_type) for one in found.attachments] == [
        ("contract übersicht.pdf", 12, "application/pdf"),
        ("seats.csv", 8, "text/csv"),
    ]
    assert found.text.strip() == "Please find it attached."
    for one, (_, data) in zip(found.attachments, FILES, strict=True):
        assert OpenedMail(raw(packed, kind=kind)).file(one.path) == data
    with pytest.raises(KeyError):
        OpenedMail(raw(packed)).file(f"{found.attachments[0].path}9")


def test_its_text_counts_where_the_mail_has_none() -> None:
    rtf = packed_rtf(rb"{\rtf1\ansi\ansicpg1252{\fonttbl\f0 Arial;}Guten Tag,\par Gr\'fc\u223?e}")
    for block, said in (
        (properties((0x1000, 0x1F, utf16("The contract is signed."))), "The contract is signed."),
        (properties((0x1013, 0x102, b"<p>Signed &amp; sealed</p>")), "Signed & sealed"),
        (properties((0x1009, 0x102, rtf)), "Guten Tag,\nGrüße"),
    ):
        assert letter(winmail(message=block), text="").text.strip() == said
        assert letter(winmail(message=block), text="Mine.").text.strip() == "Mine."


def test_rtf_that_wraps_html_gives_its_text() -> None:
    rtf = (
        rb"{\rtf1\ansi\fromhtml1 \deff0{\*\htmltag64 <p>}\htmlrtf {\b\htmlrtf0 Hello "
        rb"{\*\htmltag84 <b>}Ana\htmlrtf \par\htmlrtf0{\*\htmltag92 </b>}}"
    )
    assert rtf_to_text(rtf).strip() == "Hello Ana"


def test_compressed_rtf_is_unpacked() -> None:
    # The example of MS-OXRTFCP section 4.1.1.
    given = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a00726370673132354232 0af32068656c09002062"
        "770 5b06c647d0a800fa0".replace(" ", "")
    )
    assert decompressed(given, 10_000) == (b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n")
    assert decompressed(given, 10) == b"{\\rtf1\\ans"


def test_an_embedded_message_gives_its_files_three_deep() -> None:
    deep = winmail([("deep.txt", b"1")])
    for name in ("c.txt", "b.txt"):
        deep = winmail([(name, b"2")], inner=[deep])
    found = unpack(deep)
    assert ([one.name for one in found.files], found.whole) == (
        ["b.txt", "c.txt", "deep.txt"],
        True,
    )
    deeper = unpack(winmail([("a.txt", b"2")], inner=[deep]))
    assert ([one.name for one in deeper.files], deeper.whole) == (
        ["a.txt", "b.txt", "c.txt"],
        False,
    )


def test_text_is_made_only_where_somebody_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rtf = properties((0x1009, 0x102, packed_rtf(rb"{\rtf1 Hello}")))
    packed = winmail(FILES, message=rtf, inner=[winmail([("in.txt", b"1")], message=rtf)] * 3)
    made: list[bytes] = []

    def counted(rtf: bytes) -> str:
        made.append(rtf)
        return "Hello"

    monkeypatch.setattr("inbox.mail.tnef.rtf_to_text", counted)
    assert letter(packed).text.strip() == "Please find it attached."
    assert not made  # the mail says something itself
    assert letter(packed, text="").text == "Hello"
    assert made == [b"{\\rtf1 Hello}"]  # for the mail; those of messages inside nobody shows


def test_what_is_broken_is_kept_as_it_came() -> None:
    packed = winmail(FILES)
    for torn in (packed[:40], b"no winmail at all"):
        found = letter(torn)
        assert [one.name for one in found.attachments] == ["winmail.dat"]
    half = letter(packed[: len(packed) - 60])
    assert "contract übersicht.pdf" in [one.name for one in half.attachments]
    assert "tnef-broken" in half.defects
    names = letter(winmail([("../../etc/passwd", b"x"), ("a\u202egpj.exe", b"y"), ("", b"z")]))
    assert [one.name for one in names.attachments] == ["passwd", "agpj.exe", "part-2-3"]


def test_limits_hold() -> None:
    many = unpack(winmail([(f"{n}", b"x") for n in range(MOST_FILES + 20)]))
    assert (len(many.files), many.whole) == (MOST_FILES, False)
    lies = struct.pack("<IH", 0x223E9F78, 1) + struct.pack("<BHHI", 2, 0x800F, 6, 0xFFFFFFF0)
    assert not unpack(lies + b"x" * 100).whole
    block = struct.pack("<I", 0xFFFFFFFF)
    assert not unpack(winmail() + attribute(1, 0x9003, 6, block)).whole
    bomb = struct.pack("<IIII", 1_000_000, 0xFFFFFFF0, 0x75465A4C, 0) + b"\xff\x00\x0f" * 300_000
    begun = time.process_time()
    assert len(decompressed(bomb, 4_000_000)) <= 4_000_000
    rtf_to_text(b"{" * 500_000 + b"\\u1 " * 200_000)
    assert time.process_time() - begun < 8


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 255))
def test_no_package_raises(tail: bytes, at: int, byte: int) -> None:
    whole = winmail(FILES, properties((0x1000, 0x1F, utf16("x")), (0x8001, 0x1E, b"y")))
    unpack(whole[:6] + tail)
    changed = bytearray(whole)
    changed[at % len(changed)] = byte
    unpack(bytes(changed))
    decompressed(tail, 1000)
    rtf_to_text(tail)
