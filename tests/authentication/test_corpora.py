"""Whatever a mail is, verification ends in a verdict; and no forger without the key gets a pass."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from inbox.clock import monotonic
from inbox.mail.authentication import How, authenticate
from inbox.mail.authentication_domains import Unanswered
from tests.authentication.signing import NOW, judged, letter, pair, published, sign
from tests.shared import shared

RESULTS = {"pass", "fail", "none", "temperror"}
RELAYS = How(relays=frozenset({"mx.aboard.example", "localhost", "mx.google.com"}))


def mails() -> Iterator[tuple[Path, bytes]]:
    """Every file of the corpora that may be a mail."""
    for path in sorted(shared("corpora").rglob("*")):
        if path.is_file() and path.suffix in (".eml", ".msg", ".txt", "", ".mail", ".email"):
            yield path, path.read_bytes()


def author(raw: bytes) -> str:
    found = re.search(rb"(?im)^from:.*?@([a-z0-9.-]+)", raw[:100_000])
    return found[1].decode() if found else ""


def everything(name: str) -> tuple[bytes, ...]:
    """A DNS that answers each name with something odd."""
    if name.startswith("_dmarc."):
        return (b"v=DMARC1; p=reject; adkim=r",)
    if len(name) % 5 == 0:
        raise Unanswered(name)
    return (pair().record,) if len(name) % 2 else (b"v=DKIM1; p=\xff", b"")


def judge_all(every: int) -> int:
    judged_ones = 0
    for number, (path, raw) in enumerate(mails()):
        if number % every:
            continue
        for how in (How(), RELAYS):
            verdict = authenticate(raw, author(raw), everything, NOW, how)
            assert verdict.result in RESULTS, path
        judged_ones += 1
    return judged_ones


def test_no_mail_of_the_corpora_raises() -> None:
    assert judge_all(3) > 300


@pytest.mark.campaign
def test_no_mail_of_all_corpora_raises() -> None:
    assert judge_all(1) > 1_000


CASES = {
    "02-too_many_headers": "none",
    "05-dns_temp_error": "pass",
    "06-dns_perm_error": "pass",
    "08-our_signature": "pass",
    "09-limited_body": "none",
    "11-strict_domain_check_fail": "none",
}


@pytest.mark.parametrize(("name", "result"), CASES.items())
def test_the_cases_of_another_verifier_end_as_ours_should(name: str, result: str) -> None:
    folder = shared("corpora/chasquid_dkim")
    zone: dict[str, list[bytes]] = {}
    broken = set()
    dns = folder / f"{name}.dns"
    text = re.sub(r"\\\s*\n\s*", "", dns.read_text()) if dns.exists() else ""
    for line in filter(str.strip, text.splitlines()):
        host, _, text = line.partition(":")
        text = text.strip()
        if text in ("TEMPERROR", "PERMERROR"):
            broken |= {host} if text == "TEMPERROR" else set()
        else:
            zone.setdefault(host.strip(), []).append(text.encode())

    def look_up(host: str) -> tuple[bytes, ...]:
        if host in broken:
            raise Unanswered(host)
        return tuple(zone.get(host, ()))

    raw = (folder / f"{name}.msg").read_bytes()
    found = authenticate(raw, author(raw), look_up, NOW, How())
    assert found.result == result, found


# --- A forger who knows everything but the key -------------------------------------------------

GENUINE = sign(letter(), i="@acme.example")
WHOLE = sign(letter(), l=True)
PARTS = (
    b"From: eve@evil.example\r\n",
    b"From: Ana Costa <ceo@acme.example>\r\n",
    b"Subject: Pay this\r\n",
    b"To: eve@evil.example\r\n",
    b"Reply-To: eve@evil.example\r\n",
    b"References: <2@acme.example>\r\n",
    b"Content-Type: text/html\r\nContent-Type: text/plain\r\n",
    b"Authentication-Results: mx.aboard.example; dkim=pass header.d=acme.example\r\n",
    b"Received: from x by mx.aboard.example; now\r\n",
    b"X-A: 1\rFrom: a@b.example\r\n",
    b"\r\n",
    b" folded\r\n",
)


def forged(dice: random.Random) -> bytes:
    """A mail that was never signed with the key of acme.example as it stands here."""
    kind = dice.randrange(6)
    if kind == 0:  # a genuine mail with another text
        raw = GENUINE.replace(b"contract", dice.randbytes(3).hex().encode())
    elif kind == 1:  # text put behind a signed length
        raw = WHOLE + dice.choice((b"PS\r\n", b"<b>", b"\r\n--\r\nx\r\n"))
    elif kind == 2:  # signed with a key of one's own
        words = {"c": dice.choice(("simple", "relaxed", "relaxed/relaxed")), "i": "@acme.example"}
        domain = dice.choice(("acme.example", "evil.example", "example", "x.acme.example", "com"))
        raw = sign(letter(), domain, pair(2), **words if domain == "acme.example" else {})
    elif kind == 3:  # a genuine signature over another mail
        other = letter(Subject=dice.choice(("Pay", "Kickof", "Kickoff2")))
        raw = GENUINE[: GENUINE.index(b"From:")] + other
    elif kind == 4:  # fields of another mail around a genuine one
        raw = dice.choice(PARTS[:6]) + GENUINE
    else:  # one byte of what is signed, changed
        spot = dice.randrange(GENUINE.index(b"From:"), len(GENUINE) - 2)
        byte = bytes((dice.choice([one for one in range(33, 127) if one != GENUINE[spot]]),))
        raw = GENUINE[:spot] + byte + GENUINE[spot + 1 :]
        if raw.lower() == GENUINE.lower():
            raw = raw.replace(b"contract", b"Vertrag")
    return dice.choice(PARTS) + raw if dice.random() < 0.3 else raw


def none_passes(count: int, seed: int) -> None:
    zone = published()
    zone.records["s1._domainkey.evil.example"] = [pair(2).record]
    dice = random.Random(seed)
    for _ in range(count):
        raw = forged(dice)
        assert judged(raw, zone).result in ("none", "fail"), raw


def test_the_forger_s_material_is_good_before_it_is_touched() -> None:
    assert judged(GENUINE).result == judged(WHOLE).result == "pass"


def test_no_forged_mail_of_a_sample_is_verified() -> None:
    none_passes(1_500, 7)


@pytest.mark.campaign
def test_no_forged_mail_of_100_000_is_verified() -> None:
    none_passes(100_000, 11)


def test_a_huge_or_hostile_body_costs_little() -> None:
    for body in (b" " * 5_000_000 + b"x", b"\r\n" * 2_000_000 + b"x", b"a b " * 1_500_000):
        raw = sign(letter(), s="s1").replace(b"contract", body)
        began = monotonic()
        assert judged(raw).result == "none"
        assert monotonic() - began < 30  # dkimpy alone needs hours for the first
