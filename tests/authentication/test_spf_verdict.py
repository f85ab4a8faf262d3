"""What SPF adds to a verdict: proof where the author's domain says so by DMARC, never a fail."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from inbox.flow.deciding.verify import Verifier
from inbox.mail.authentication import Envelope, How, Verdict, authenticate
from inbox.net.resolver import Resolver
from inbox.store import tables
from tests.authentication.signing import NOW, Zone, letter, pair, sign
from tests.authentication.test_filing import crlf, receive
from tests.flow.house import House, mail


class Asking:
    """SPF's questions to a zone in memory."""

    def __init__(self, zone: Zone) -> None:
        self.zone = zone

    def find(self, name: str, kind: str) -> tuple[bytes, ...]:
        return self.zone.find(name, kind, 1.0).texts


def zone(
    dmarc: bytes = b"v=DMARC1; p=reject", spf: bytes = b"v=spf1 ip4:192.0.2.0/24 -all"
) -> Zone:
    records = {"acme.example": [spf], "mg.acme.example": [spf], "evil.example": [spf]}
    return Zone({**records, **({"_dmarc.acme.example": [dmarc]} if dmarc else {})})


def judged(dns: Zone, path: str = "ana@acme.example", ip: str = "192.0.2.1", **how: Any) -> Verdict:
    envelope = Envelope(ipaddress.ip_address(ip), path, Asking(dns))
    return authenticate(letter(), "acme.example", dns, NOW, How(**how), envelope)


def test_an_aligned_spf_pass_is_proof_where_the_owner_publishes_dmarc() -> None:
    verdict = judged(zone())
    assert (verdict.result, verdict.by, verdict.domain) == ("pass", "spf", "acme.example")
    assert verdict.as_json()["spf"] == {
        "result": "pass",
        "domain": "acme.example",
        "by": "ip4:192.0.2.0/24",
    }
    assert judged(zone(dmarc=b"")).result == "none"
    assert judged(zone(b"v=DMARC1; p=none")).result == "pass"


@pytest.mark.parametrize(
    ("dmarc", "path", "result"),
    [
        (b"v=DMARC1; p=reject", "b@mg.acme.example", "pass"),
        (b"v=DMARC1; p=reject; aspf=s", "b@mg.acme.example", "fail"),
        (b"v=DMARC1; p=reject; aspf=s", "b@acme.example", "pass"),
        (b"v=DMARC1; p=reject", "b@evil.example", "fail"),
        (b"v=DMARC1; p=reject", "b@acme.example.evil.example", "fail"),
    ],
)
def test_only_a_reverse_path_in_line_with_from_counts(dmarc: bytes, path: str, result: str) -> None:
    assert judged(zone(dmarc), path).result == result


def test_a_machine_that_may_not_send_proves_nothing_and_decides_nothing() -> None:
    assert judged(zone(), ip="198.51.100.1").result == "fail"  # by the policy, not by SPF
    assert judged(zone(b"v=DMARC1; p=none"), ip="198.51.100.1").result == "none"


def test_a_pass_for_all_the_world_keeps_a_mail_from_failing_and_proves_nothing() -> None:
    verdict = judged(zone(spf=b"v=spf1 +all"))
    assert (verdict.result, verdict.spf and verdict.spf.result) == ("none", "pass")


def test_where_dns_gives_no_answer_nobody_knows() -> None:
    dns = zone(spf=b"v=spf1 include:slow.example -all")
    dns.servfail = ("slow.example",)
    assert judged(dns).result == "temperror"


def test_a_signature_that_holds_asks_no_spf() -> None:
    dns = zone()
    dns.records["s1._domainkey.acme.example"] = [pair().record]
    envelope = Envelope(ipaddress.ip_address("192.0.2.1"), "ana@acme.example", Asking(dns))
    verdict = authenticate(sign(letter()), "acme.example", dns, NOW, How(), envelope)
    assert (verdict.by, verdict.spf) == ("dkim", None)
    assert "acme.example" not in dns.asked


@pytest.mark.parametrize(
    ("peer", "path", "source", "verified"),
    [
        ("192.0.2.1", "ana@acme.example", "smtp", "pass"),
        ("::ffff:192.0.2.1", "ana@acme.example", "smtp", "pass"),
        ("192.0.2.1", "", "smtp", "fail"),
        ("10.0.0.9", "ana@acme.example", "smtp", "fail"),  # a relay of ours: it says nothing of it
        ("192.0.2.1", "ana@acme.example", "imap", "fail"),  # a mailbox: whose machine, nobody knows
    ],
)
def test_filing_asks_spf_for_what_a_strangers_machine_handed_over(
    house: House, peer: str, path: str, source: str, verified: str
) -> None:
    dns = zone()
    dns.records["acme.example"] = [b"v=spf1 ip4:192.0.2.0/24 ip4:10.0.0.0/8 -all"]
    receive(house, mail(id="1@acme.example"), zone=dns, peer=peer, reverse_path=path, source=source)
    (row,) = house.rows(tables.messages)
    assert row.verified == verified


def test_one_mail_asks_so_many_names_for_spf() -> None:
    words = " ".join(f"include:n{n}.example" for n in range(9))
    records = {f"n{n}.example": [b"v=spf1 mx -all"] for n in range(9)}
    dns = zone(spf=f"v=spf1 {words} -all".encode())
    dns.records |= records
    resolver = Resolver(dns, dns.monotonic)
    verifier = Verifier(How(), lambda: resolver.for_one_mail(10, 5))
    assert verifier.look_up is not None
    asks = verifier.look_up()
    envelope = Envelope(ipaddress.ip_address("203.0.113.1"), "ana@acme.example", asks)
    raw = crlf(mail(id="1@acme.example"))
    verdict = authenticate(raw, "acme.example", asks, NOW, How(), envelope)
    assert verdict.spf is not None and verdict.spf.result in ("permerror", "temperror")
    assert resolver.asked <= 30


@pytest.mark.parametrize(
    ("dmarc", "author", "result"),
    [
        (b"v=DMARC1; p=none; np=reject", "invented.acme.example", "fail"),
        (b"v=DMARC1; p=none; np=reject", "mg.acme.example", "none"),
        (b"v=DMARC1; p=none; np=reject", "acme.example", "none"),
        (b"v=DMARC1; p=none; sp=reject", "invented.acme.example", "fail"),
        (b"v=DMARC1; p=reject; sp=none; np=Quarantine", "invented.acme.example", "fail"),
        (b"v=DMARC1; p=reject; np=none", "invented.acme.example", "none"),
        (b"v=DMARC1; p=none; np=reject; t=y", "invented.acme.example", "none"),
    ],
)
def test_names_that_do_not_exist_have_a_policy_of_their_own(
    dmarc: bytes, author: str, result: str
) -> None:
    dns = Zone({"_dmarc.acme.example": [dmarc], "A mg.acme.example": [b"192.0.2.7"]})
    raw = letter(sender=f"ana@{author}")
    assert authenticate(raw, author, dns, NOW, How(), ask=Asking(dns)).result == result


def test_whether_a_name_exists_is_asked_only_where_it_matters_and_may_stay_unknown() -> None:
    raw = letter(sender="ana@invented.acme.example")
    dns = Zone({"_dmarc.acme.example": [b"v=DMARC1; p=reject; np=reject"]})
    found = authenticate(raw, "invented.acme.example", dns, NOW, How(), ask=Asking(dns))
    assert found.result == "fail"
    assert not [name for name in dns.asked if name.startswith(("A ", "AAAA ", "MX "))]
    dns.records["_dmarc.acme.example"] = [b"v=DMARC1; p=none; np=reject"]
    dns.servfail = ("A invented.acme.example",)
    found = authenticate(raw, "invented.acme.example", dns, NOW, How(), ask=Asking(dns))
    assert found.result == "temperror"
