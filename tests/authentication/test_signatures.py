"""A mail is verified only where its author's own domain signed what a reader sees of it."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime

import dkim
import pytest
from dkim.canonicalization import Relaxed, Simple
from hypothesis import given
from hypothesis import strategies as st

from inbox.mail import authentication_body
from inbox.mail.authentication import How, authenticate
from inbox.mail.authentication_body import body_hash
from tests.authentication.signing import NOW, SIGNED, judged, letter, pair, published, sign

AT = int(NOW.timestamp())


@pytest.mark.parametrize("c", ["simple", "relaxed", "simple/relaxed", "relaxed/relaxed"])
@pytest.mark.parametrize("bits", [1024, 2048])
def test_a_mail_that_its_domain_signed_is_verified(c: str, bits: int) -> None:
    zone = published({"s1._domainkey.acme.example": [pair(1, bits).record]})
    verdict = judged(sign(letter(), key=pair(1, bits), c=c), zone)
    assert (verdict.result, verdict.by, verdict.domain, verdict.aligned) == (
        "pass",
        "dkim",
        "acme.example",
        True,
    )


def test_what_dkimpy_signs_is_verified() -> None:
    raw = letter()
    made = bytes(dkim.sign(raw, b"s1", b"acme.example", pair().pem)) + raw
    # It writes the clock of the machine into it.
    at = datetime.fromtimestamp(int(re.search(rb"\bt=(\d+)", made)[1]), UTC)  # type: ignore[index]
    assert authenticate(made, "acme.example", published(), at, How()).result == "pass"


def test_a_signature_of_a_parent_domain_vouches_for_those_below() -> None:
    raw = sign(letter("ana@mail.eu.acme.example"))
    assert judged(raw, author="mail.eu.acme.example").result == "pass"
    strict = How(strict=True, policies=False)
    assert judged(raw, how=strict, author="mail.eu.acme.example").result == "none"


@pytest.mark.parametrize(
    ("author", "signer"),
    [
        ("acme.example", "evil.example"),
        ("acme.example", "xacme.example"),
        ("acme.example", "acme.example.evil.test"),
        ("acme.example", "mail.acme.example"),
        ("acme.example", "example"),
        ("acme.co.uk", "co.uk"),
        ("acme.co.uk", "evil.co.uk"),
        ("acme.com.au", "com.au"),
        ("someone.provider.example", "provider.example"),
    ],
)
def test_another_domain_vouches_for_nobody(author: str, signer: str) -> None:
    zone = published({f"s1._domainkey.{signer}": [pair(2).record]})
    raw = sign(letter(f"ana@{author}"), signer, pair(2))
    how = How(public=frozenset({"provider.example"}))
    assert judged(raw, zone, how, author).result == "none"


def test_a_subdomain_vouches_where_the_house_says_so() -> None:
    raw = sign(letter(), "mg.acme.example", pair(2))
    key = {"s1._domainkey.mg.acme.example": [pair(2).record]}
    for record, result in (
        (b"v=DMARC1; p=reject", "pass"),
        (b"v=DMARC1; p=none; adkim=r", "pass"),
        (b"v=DMARC1; p=reject; adkim=s", "fail"),
        (b"v=DMARC1; p=none; adkim=s", "none"),
        (b"something else", "none"),
    ):
        verdict = judged(raw, published({**key, "_dmarc.acme.example": [record]}))
        assert verdict.result == result, record


def test_a_registry_that_publishes_a_policy_is_no_house() -> None:
    records = {
        "s1._domainkey.evil.registry.example": [pair(2).record],
        "_dmarc.registry.example": [b"v=DMARC1; p=reject; psd=y"],
    }
    raw = sign(letter("ana@acme.registry.example"), "evil.registry.example", pair(2))
    assert judged(raw, published(records), author="acme.registry.example").result == "none"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda raw: raw.replace(b"is signed", b"is void"), "text was changed"),
        (lambda raw: raw + b"PS: pay to another account.\r\n", "text was changed"),
        (lambda raw: raw.replace(b"Kickoff", b"Invoice"), "header was changed"),
        (lambda raw: raw.replace(b"Ana Costa", b"The Boss!"), "header was changed"),
        (lambda raw: raw.replace(b"<ana@", b"<ceo@"), "header was changed"),
        (lambda raw: raw.replace(b"To: hello", b"To: other"), "header was changed"),
        (lambda raw: b"Subject: Invoice\r\n" + raw, "several Subject"),
        (lambda raw: b"Reply-To: eve@evil.example\r\n" + raw, "header was changed"),
        (lambda raw: b"References: <x@y>\r\n" + raw, "header was changed"),
        (lambda raw: b"To: eve@evil.example\r\n" + raw, "several To"),
        (lambda raw: b"X-Odd: a\rFrom-what: b\r\n" + raw, "bare carriage returns"),
        (lambda raw: b"no field at all\r\n" + raw, "no field"),
        (lambda raw: raw.replace(b"s=s1", b"s=s2"), "no key is published"),
        (lambda raw: re.sub(rb"(\sb=)(.)", rb"\1z\2", raw, count=1), "or it is forged"),
        (lambda raw: re.sub(rb"(\sb=)(...)", rb"\1zzz", raw, count=1), "or it is forged"),
        (lambda raw: raw.replace(b"v=1;", b"v=2;"), "version"),
        (lambda raw: raw.replace(b"v=1;", b"v=1; v=1;"), "each once"),
        (lambda raw: raw.replace(b"rsa-sha256", b"rsa-sha1"), "only rsa-sha256"),
    ],
)
def test_a_changed_mail_is_not_verified(change: Callable[[bytes], bytes], why: str) -> None:
    verdict = judged(change(sign(letter())))
    assert verdict.result == "none" and why in verdict.why


def test_a_mail_with_two_from_fields_fails() -> None:
    for second in (b"From: eve@evil.example\r\n", b"from : eve@evil.example\r\n"):
        raw = second + sign(letter())
        assert judged(raw).result == "fail"
    assert (
        judged(sign(letter()).replace(b"To:", b"X: y\rFrom: eve@evil.example\r\nTo:")).result
        == "fail"
    )


def test_a_signature_is_not_replayed_under_another_author() -> None:
    genuine = sign(letter())
    replayed = genuine.replace(b"Ana Costa <ana@acme.example>", b"eve@evil.example")
    assert judged(replayed, author="evil.example").result == "none"
    # Their signature is good, but it is theirs: it says nothing about this author.
    zone = published({"s1._domainkey.evil.example": [pair(2).record]})
    forged = sign(letter(), "evil.example", pair(2))
    assert judged(forged, zone).result == "none"


def test_a_signature_that_leaves_text_uncovered_counts_as_none() -> None:
    whole = sign(letter(), l=True)
    assert judged(whole).result == "pass"
    for raw in (whole + b"PS: pay us.\r\n", sign(letter(), l="7"), sign(letter(), l="0")):
        verdict = judged(raw)
        assert verdict.result == "none" and "l=" in verdict.why
    assert judged(sign(letter(), l="99999")).result == "none"


@pytest.mark.parametrize(
    ("tags", "why"),
    [
        ({"x": str(AT - 1)}, "expired"),
        ({"t": str(AT + 7200)}, "in the future"),
        ({"t": str(AT), "x": "12"}, "expired"),
        ({"x": "soon"}, "no time"),
        ({"h": tuple(one for one in SIGNED if one != "subject")}, "does not sign Subject"),
        ({"a": "rsa-sha1"}, "only rsa-sha256"),
        ({"i": "@other.example"}, "outside"),
        ({"q": "http"}, "not in DNS"),
    ],
)
def test_a_signature_that_is_too_old_or_too_weak_counts_as_none(
    tags: dict[str, object], why: str
) -> None:
    verdict = judged(sign(letter(), **tags))
    assert verdict.result == "none" and why in verdict.why
    assert judged(sign(letter(), x=str(AT + 60))).result == "pass"


def test_an_answer_address_that_is_not_signed_verifies_nothing() -> None:
    only = ("from", "subject")
    assert judged(sign(letter(), h=only)).result == "pass"
    assert judged(sign(letter(Reply_To="ana@acme.example"), h=only)).result == "none"


@pytest.mark.parametrize(
    ("records", "why"),
    [
        ([], "no key is published"),
        ([pair().record, pair(2).record], "several keys"),
        ([b"v=DKIM1; p="], "revoked"),
        ([pair().record + b"; t=y"], "only tests"),
        ([pair().record + b"; h=sha1"], "not for SHA-256"),
        ([pair().record + b"; s=tlsrpt"], "not for mail"),
        ([pair().record.replace(b"rsa", b"ed25519")], "not RSA"),
        ([pair().record.replace(b"DKIM1", b"DKIM2")], "unknown version"),
        ([b"v=DKIM1; p=AAAA"], "cannot be read"),
        ([b"v=DKIM1; p=%%%"], "cannot be read"),
        ([b"v=DKIM1; p=MIIB\xff"], "cannot be read"),
        ([pair(2).record], "header was changed, or it is forged"),
    ],
)
def test_a_key_that_cannot_vouch_verifies_nothing(records: list[bytes], why: str) -> None:
    zone = published({"s1._domainkey.acme.example": records})
    verdict = judged(sign(letter()), zone)
    assert verdict.result == "none" and why in verdict.why


@pytest.mark.parametrize("bits", [512, 768, 1022])
def test_a_weak_key_counts_as_none(bits: int) -> None:
    zone = published({"s1._domainkey.acme.example": [pair(3, bits).record]})
    verdict = judged(sign(letter(), key=pair(3, bits)), zone)
    assert verdict.result == "none" and "bits" in verdict.why


def test_a_key_for_the_very_domain_is_not_for_those_below() -> None:
    zone = published({"s1._domainkey.acme.example": [pair().record + b"; t=s"]})
    assert judged(sign(letter(), i="@acme.example"), zone).result == "pass"
    assert judged(sign(letter(), i="@x.acme.example"), zone).result == "none"


def test_of_a_hundred_signatures_five_are_looked_at() -> None:
    raw = letter()
    for number in range(100):
        raw = sign(raw, key=pair(2), s=f"x{number}")
    zone = published()
    verdict = judged(raw, zone)
    assert verdict.result == "none" and len(verdict.signatures) <= 20
    keys = [one for one in zone.asked if "_domainkey" in one]
    assert len(keys) == 5
    assert judged(sign(raw), published()).result == "pass"  # the newest is the first


def test_signatures_of_others_cost_no_look_up() -> None:
    zone = published()
    raw = letter()
    for number in range(10):
        raw = sign(raw, f"list{number}.test", pair(2))
    assert judged(raw, zone, How(policies=False)).result == "none"
    assert zone.asked == []


def test_a_signature_may_sign_fields_that_are_not_there() -> None:
    raw = sign(letter(), h=(*SIGNED, "from", "subject", "cc"))
    assert judged(raw).result == "pass"
    assert judged(b"Cc: eve@evil.example\r\n" + raw).result == "none"


@given(
    st.lists(
        st.sampled_from([b" ", b"\t", b"\r\n", b"\n", b"\r", b"a", b"bc", b"  \r\n"]), max_size=40
    )
)
def test_a_body_is_hashed_as_dkimpy_does(parts: list[bytes]) -> None:
    body = b"".join(parts) + b"\r\n"
    theirs = b"\r\n".join(re.split(b"\r?\n", body))
    for relaxed, policy in ((False, Simple), (True, Relaxed)):
        canonical = policy.canonicalize_body(theirs)
        found = body_hash(body, 0, relaxed)
        assert (found.digest, found.length) == (
            hashlib.sha256(canonical).digest(),
            len(canonical),
        )


def test_a_body_of_many_pieces_is_hashed_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(5)
    body = b"".join(
        dice.choice([b"x", b" ", b"\t ", b"\r\n", b"\n", b"word"]) for _ in range(3_000)
    )
    whole = [body_hash(body, 0, one, limit) for one in (True, False) for limit in (None, 700)]
    monkeypatch.setattr(authentication_body, "PIECE", 7)
    pieces = [body_hash(body, 0, one, limit) for one in (True, False) for limit in (None, 700)]
    assert whole == pieces
