"""ARC counts from listed sealers alone, and only while the whole chain holds (RFC 8617)."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable

import dkim
import pytest
from dkim.crypto import RSASSA_PKCS1_v1_5_sign, parse_pem_private_key

from inbox.mail.authentication import How
from tests.authentication.signing import Zone, judged, letter, pair, published, sign

LIST = How(sealers=frozenset({"list.example"}))
BOTH = How(sealers=frozenset({"list.example", "forward.example"}))
REJECT = {"_dmarc.acme.example": [b"v=DMARC1; p=reject"]}
KEYS = {f"s1._domainkey.{name}.example": [pair(7).record] for name in ("list", "forward", "evil")}


def zone() -> Zone:
    return published({**REJECT, **KEYS})


def sealed(raw: bytes, sealer: str = "list.example", found: str = "") -> bytes:
    """`raw` with one more set of a sealer that states what it found."""
    number = raw.count(b"ARC-Seal:") + 1
    found = found or "dkim=pass header.d=acme.example"
    results = f"ARC-Authentication-Results: i={number}; {sealer}; {found}\r\n".encode()
    own = {"v": None, "i": str(number), "d": sealer, "key": pair(7), "t": None}
    h = ("from", "to", "subject", "date", "message-id", "dkim-signature")
    message = sign(raw, h=h, **own).removesuffix(raw)
    message = message.replace(b"DKIM-Signature:", b"ARC-Message-Signature:", 1)
    message = _signed_again(raw, message)
    cv = "pass" if number > 1 else "none"
    seal = f"ARC-Seal: i={number}; a=rsa-sha256; cv={cv}; d={sealer}; s=s1; b=".encode()
    sets = [*_sets(raw), results, message, seal + b"\r\n"]
    text = b"\r\n".join(map(_relaxed, sets))
    made = RSASSA_PKCS1_v1_5_sign(hashlib.sha256(text), parse_pem_private_key(pair(7).pem))
    return seal + base64.b64encode(made) + b"\r\n" + message + results + raw


def _sets(raw: bytes) -> list[bytes]:
    """The ARC fields of a mail in the order in which they were put there."""
    head = raw.partition(b"\r\n\r\n")[0] + b"\r\n"
    fields = re.findall(rb"(?ms)^[^ \t].*?\r\n(?![ \t])", head)
    return [one for one in reversed(fields) if one.lower().startswith(b"arc-")]


def _relaxed(field: bytes) -> bytes:
    name, _, value = field.partition(b":")
    return name.lower() + b":" + re.sub(rb"\s+", b" ", value).strip()


def _signed_again(raw: bytes, message: bytes) -> bytes:
    """The signature of the field under its new name, which is a part of what it signs."""
    head = raw.partition(b"\r\n\r\n")[0] + b"\r\n"
    fields = re.findall(rb"(?ms)^[^ \t].*?\r\n(?![ \t])", head)
    chosen = []
    for name in (b"from", b"to", b"subject", b"date", b"message-id", b"dkim-signature"):
        chosen += [one for one in reversed(fields) if one.lower().startswith(name + b":")][:1]
    bare = re.sub(rb"([;\s]b=)[^;]*\Z", rb"\1", message.rstrip())
    text = b"".join(_relaxed(one) + b"\r\n" for one in chosen) + _relaxed(bare)
    made = RSASSA_PKCS1_v1_5_sign(hashlib.sha256(text), parse_pem_private_key(pair(7).pem))
    return bare + base64.b64encode(made) + b"\r\n"


def through_a_list(**how: str) -> bytes:
    """A good mail whose text a list changed and then sealed: its own signature is broken."""
    footer = sign(letter()) + b"--\r\nThe list\r\n"
    return sealed(footer, **how)


def test_another_verifier_takes_these_chains_for_good() -> None:
    keys = {f"{name}.".encode(): records[0] for name, records in zone().records.items()}
    for raw in (through_a_list(), sealed(through_a_list(), "forward.example", "arc=pass")):
        cv, _, why = dkim.arc_verify(raw, dnsfunc=lambda name, timeout=5: keys[name])
        assert cv == b"pass", why


def test_a_listed_sealer_vouches_for_what_it_found() -> None:
    verdict = judged(through_a_list(), zone(), LIST)
    assert (verdict.result, verdict.by, verdict.domain) == ("pass", "arc", "list.example")
    assert "list.example, a sealer of ours, found dkim=pass for acme.example" in verdict.why


def test_an_unlisted_sealer_vouches_for_nobody() -> None:
    assert judged(through_a_list(), zone()).result == "fail"
    assert judged(through_a_list(sealer="evil.example"), zone(), LIST).result == "fail"


def test_a_chain_counts_from_where_all_sealers_are_listed() -> None:
    twice = sealed(through_a_list(), "forward.example", "arc=pass")
    assert judged(twice, zone(), BOTH).result == "pass"
    assert judged(twice, zone(), LIST).result == "fail"  # the last hand is nobody's we know
    laundered = sealed(through_a_list(sealer="evil.example"), "list.example", "arc=pass")
    assert judged(laundered, zone(), LIST).result == "fail"


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw + b"more\r\n",
        lambda raw: raw.replace(b"Kickoff", b"Kickback"),
        lambda raw: raw.replace(b"header.d=acme.example", b"header.d=acme.example; spf=pass"),
        lambda raw: raw.replace(b"cv=none", b"cv=pass"),
        lambda raw: raw.replace(b"ARC-Seal:", b"ARC-Sea1:"),
        lambda raw: b"ARC-Seal: i=9; a=rsa-sha256; cv=pass; d=list.example; s=s1; b=x\r\n" + raw,
        lambda raw: raw.replace(b"dkim=pass header.d", b"dkim=pass  header.d"),
    ],
)
def test_a_chain_that_was_touched_counts_as_none(change: Callable[[bytes], bytes]) -> None:
    raw = through_a_list()
    changed = change(raw)
    assert changed != raw
    same = b"dkim=pass  header.d" in changed  # white space is no change to relaxed fields
    assert judged(changed, zone(), LIST).result == ("pass" if same else "fail")


def test_what_a_sealer_found_about_others_proves_nothing() -> None:
    for found in ("dkim=pass header.d=evil.example", "spf=pass smtp.mailfrom=acme.example", "none"):
        assert judged(through_a_list(found=found), zone(), LIST).result == "fail"


def test_a_long_chain_costs_no_more_than_a_short_one() -> None:
    raw = letter()
    for number in range(8):
        raw = sealed(raw, found="arc=pass" if number else "")
    dns = zone()
    assert judged(raw, dns, LIST).result == "fail"
    assert len(dns.asked) < 10
