"""Mail as bytes: what goes in comes out of two other parsers, and nothing else does."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import dkim
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from inbox.mail.clean import clean_line, clean_text
from inbox.mail.dkim_signing import DkimKey, UnusableKey, signed
from inbox.mail.letter import Address
from inbox.mail.outgoing import check_wire
from inbox.mail.parse import parse_letter
from inbox.mail.tokens import (
    LONGEST_MAILBOX,
    is_genuine,
    new_ref,
    read_token,
    signed_address,
)
from inbox.mail.writing import MOST_SUBJECT, Outgoing, write

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
FIELDS = {
    "date",
    "from",
    "to",
    "subject",
    "message-id",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
}


def outgoing(**how: Any) -> Outgoing:
    given_: dict[str, Any] = {
        "mail_id": "abc@aboard.example",
        "date": NOW,
        "from_": Address("Support", "hello@aboard.example"),
        "to": (Address("Ana", "ana@acme.example"),),
        "subject": "Hello",
        "text": "Hi.",
    }
    return Outgoing(**given_ | how)


ANY = st.text(st.characters(exclude_categories=("Cs",)), max_size=300)


@settings(max_examples=300, deadline=None)
@given(subject=ANY, name=ANY, text=ANY)
@example("x\r\nBcc: eve@evil.example", 'a"\r\nBcc: b', "one\r\n.\r\ntwo\rthree")
@example("=?utf-8?q?hi=0D=0ABcc:_evil?=", "=?utf-8?b?aGk=?=", "From me")
@example("\u2028Bcc: x", "\x85Bcc: x", "\x00")
def test_no_text_makes_another_field_or_is_lost(subject: str, name: str, text: str) -> None:
    raw = write(outgoing(subject=subject, to=(Address(name, "ana@acme.example"),), text=text))
    check_wire(raw)
    letter = parse_letter(raw)
    other = message_from_bytes(raw, policy=policy.default)
    for names in ({one for one, _ in letter.headers}, {one.lower() for one in other}):
        assert names | {"subject"} == FIELDS
    assert letter.subject == " ".join(clean_line(subject)[:MOST_SUBJECT].split())
    assert letter.to[0].address == "ana@acme.example"
    assert [one.addr_spec for one in other["To"].addresses] == ["ana@acme.example"]
    body = other.get_content().replace("\r\n", "\n").rstrip("\n")
    assert body == clean_text(text).rstrip("\n")


@given(st.lists(st.text(max_size=60), max_size=60))
def test_references_hold_ids_only_first_and_last_ones_kept(ids: list[str]) -> None:
    good = [f"{number}@x.example" for number in range(60)]
    raw = write(outgoing(references=(*good, *ids)))
    found = parse_letter(raw).references
    assert found[0] == good[0]
    assert len(found) <= 40


def test_a_long_reference_is_not_encoded_and_not_parted() -> None:
    long = "x" * 800 + "@y.example"
    letter = parse_letter(write(outgoing(references=(long, "a@b"), in_reply_to="a@b")))
    assert (letter.references, letter.in_reply_to) == ((long,), ("a@b",))


def test_automatic_mail_says_so() -> None:
    letter = parse_letter(write(outgoing(automatic="auto-replied")))
    assert letter.header("auto-submitted") == ("auto-replied",)
    assert not letter.automatic.may_answer


def test_html_goes_beside_the_text() -> None:
    letter = parse_letter(write(outgoing(html="<p>Grüße</p>", text="Grüße")))
    assert (letter.text.strip(), (letter.html or "").strip()) == ("Grüße", "<p>Grüße</p>")


# --- Signed addresses --------------------------------------------------------------------------

SECRET, OTHER = b"s" * 32, b"t" * 32


def test_a_signed_address_is_read_again_whatever_became_of_its_case() -> None:
    ref = new_ref(bytes(range(10)))
    address = signed_address(SECRET, "r", "Hello@aboard.example", ref)
    assert address is not None
    assert len(address.partition("@")[0]) <= 64
    token = read_token(address.upper())
    assert token is not None
    assert (token.purpose, token.mailbox, token.ref) == ("r", "hello@aboard.example", ref)
    assert is_genuine(token, (OTHER, SECRET))
    assert not is_genuine(token, (OTHER,))


@given(st.integers(0, 60), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_one_changed_letter_is_a_forgery(at: int, letter: str) -> None:
    address = signed_address(SECRET, "b", "hello@aboard.example", new_ref(bytes(10)))
    assert address is not None
    forged = address[:at] + letter + address[at + 1 :]
    token = read_token(forged)
    assert forged == address or token is None or not is_genuine(token, (SECRET,))


def test_a_reply_token_is_no_bounce_token_and_belongs_to_one_mailbox() -> None:
    address = signed_address(SECRET, "r", "hello@aboard.example", new_ref(bytes(10))) or ""
    for forged in (
        address.replace("+r", "+b"),
        address.replace("hello", "help"),
        address.replace("aboard", "other"),
    ):
        token = read_token(forged)
        assert token is not None
        assert not is_genuine(token, (SECRET,))


def test_a_mailbox_too_long_for_a_token_has_none() -> None:
    long = "x" * (LONGEST_MAILBOX + 1)
    assert signed_address(SECRET, "r", f"{long}@a.example", new_ref(bytes(10))) is None
    assert signed_address(SECRET, "r", f"{long[1:]}@a.example", new_ref(bytes(10))) is not None


@given(st.text(max_size=120))
def test_no_text_breaks_the_reading_of_tokens(text: str) -> None:
    token = read_token(text)
    assert token is None or not is_genuine(token, (SECRET,))


# --- DKIM --------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")
def test_a_signature_verifies_and_a_second_from_breaks_it(tmp_path: Path) -> None:
    pem = tmp_path / "key.pem"
    subprocess.run(["openssl", "genrsa", "-out", str(pem), "2048"], check=True, capture_output=True)
    words = ["openssl", "rsa", "-in", str(pem), "-pubout", "-outform", "DER"]
    public = subprocess.run(words, check=True, capture_output=True).stdout
    import base64

    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
    asked: list[bytes] = []

    def dns(name: bytes, timeout: int = 5) -> bytes:
        asked.append(name)
        return record

    raw = signed(
        write(outgoing(references=("a@b",))), DkimKey("s1", "", pem.read_bytes()), "aboard.example"
    )
    check_wire(raw)
    assert dkim.verify(raw, dnsfunc=dns)
    assert asked[0].rstrip(b".") == b"s1._domainkey.aboard.example"
    assert not dkim.verify(b"From: eve@evil.example\r\n" + raw, dnsfunc=dns)
    assert not dkim.verify(raw + b"more\r\n", dnsfunc=dns)
    with pytest.raises(UnusableKey):
        signed(raw, DkimKey("s1", "x.example", b"no key"))
