"""SPF by RFC 7208: the answers of its own examples, its macros, its bounds, and no other ones."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.mail.authentication_domains import Unanswered
from inbox.mail.authentication_spf import evaluate
from inbox.mail.authentication_spf_macros import Sender, expand


@dataclass
class Names:
    """DNS in memory: `{"example.com": "v=spf1 ...", "A mx.example.com": "192.0.2.1 ..."}`."""

    held: dict[str, str]
    down: str = "\0"
    asked: list[str] = field(default_factory=list)

    def find(self, name: str, kind: str) -> tuple[bytes, ...]:
        self.asked.append(f"{kind} {name}")
        if name.endswith(self.down):
            raise Unanswered(f"DNS did not answer for {name}")
        if kind == "TXT":
            found = self.held.get(name)
            return () if found is None else tuple(one.encode() for one in found.split("|"))
        return tuple(one.encode() for one in self.held.get(f"{kind} {name}", "").split())


# RFC 7208 appendix A.
ZONE = {
    "A example.com": "192.0.2.10 192.0.2.11",
    "MX example.com": "mail-a.example.com mail-b.example.com",
    "A amy.example.com": "192.0.2.65",
    "A bob.example.com": "192.0.2.66",
    "A mail-a.example.com": "192.0.2.129",
    "A mail-b.example.com": "192.0.2.130",
    "MX example.org": "mail-c.example.org",
    "A mail-c.example.org": "192.0.2.140",
    "PTR 10.2.0.192.in-addr.arpa": "example.com",
    "PTR 65.2.0.192.in-addr.arpa": "amy.example.com",
    "PTR 129.2.0.192.in-addr.arpa": "mail-a.example.com",
    "PTR 4.0.0.10.in-addr.arpa": "bob.example.com",
    "TXT": "",
}


def asked(record: str, ip: str, sender: str = "bob@example.com", **more: str) -> str:
    names = Names(
        {**ZONE, "example.com": record, **{k.replace("__", " "): v for k, v in more.items()}}
    )
    return evaluate(ipaddress.ip_address(ip), sender, names).result


@pytest.mark.parametrize(
    ("record", "passes", "fails"),
    [
        ("v=spf1 +all", ["10.0.0.4", "2001:db8::1"], []),
        ("v=spf1 a -all", ["192.0.2.10", "192.0.2.11"], ["192.0.2.12", "2001:db8::1"]),
        ("v=spf1 a:example.org -all", [], ["192.0.2.10"]),
        ("v=spf1 mx -all", ["192.0.2.129", "192.0.2.130"], ["192.0.2.10"]),
        ("v=spf1 mx:example.org -all", ["192.0.2.140"], ["192.0.2.129"]),
        ("v=spf1 mx mx:example.org -all", ["192.0.2.129", "192.0.2.140"], ["192.0.2.10"]),
        ("v=spf1 mx/30 mx:example.org/30 -all", ["192.0.2.131", "192.0.2.143"], ["192.0.2.132"]),
        ("v=spf1 ptr -all", ["192.0.2.10", "192.0.2.65"], ["192.0.2.140", "10.0.0.4"]),
        ("v=spf1 ip4:192.0.2.128/28 -all", ["192.0.2.129", "192.0.2.140"], ["192.0.2.65"]),
        ("v=spf1 ip6:2001:db8::/32 -all", ["2001:db8::1"], ["192.0.2.1", "2001:db9::1"]),
        ("V=SPF1 IP4:192.0.2.1 -ALL", ["192.0.2.1", "::ffff:192.0.2.1"], ["192.0.2.2"]),
    ],
)
def test_the_examples_of_the_standard(record: str, passes: list[str], fails: list[str]) -> None:
    assert {ip: asked(record, ip) for ip in passes} == dict.fromkeys(passes, "pass")
    assert {ip: asked(record, ip) for ip in fails} == dict.fromkeys(fails, "fail")


@pytest.mark.parametrize(
    ("record", "result"),
    [
        ("v=spf1", "neutral"),
        ("v=spf1 ?all", "neutral"),
        ("v=spf1 ~all", "softfail"),
        ("v=spf10 +all", "none"),
        ("something else", "none"),
        ("v=spf1 +all|v=spf1 -all", "permerror"),
        ("v=spf1 ip4:1.2.3 -all", "permerror"),
        ("v=spf1 +all ip4:1.2.3.400", "permerror"),  # all of it is read before any of it counts
        ("v=spf1 ip4/8 -all", "permerror"),
        ("v=spf1 a/33 -all", "permerror"),
        ("v=spf1 a//129 -all", "permerror"),
        ("v=spf1 a: -all", "permerror"),
        ("v=spf1 include -all", "permerror"),
        ("v=spf1 all:x", "permerror"),
        ("v=spf1 mixed -all", "permerror"),
        ("v=spf1 -a=b:x.example -all", "permerror"),
        ("v=spf1 unknown=x exp=y -all", "fail"),
        ("v=spf1 redirect=a.example redirect=b.example", "permerror"),
        ("v=spf1 redirect=nothing.example", "permerror"),
        ("v=spf1 include:nothing.example -all", "permerror"),
        ("v=spf1 redirect=nothing.example ?all", "neutral"),  # beside `all` it is not followed
        ("v=spf1 include:sub.example -all", "pass"),
        ("v=spf1 include:soft.example ?all", "neutral"),
        ("v=spf1 redirect=sub.example", "pass"),
        ("v=spf1 exists:%{ir}.list.example -all", "pass"),
        ("v=spf1 exists:%{z}.list.example -all", "permerror"),
        ("v=spf1 a:%{d0}.x -all", "permerror"),
    ],
)
def test_records_good_and_bad(record: str, result: str) -> None:
    others = {
        "sub.example": "v=spf1 ip4:192.0.2.1 -all",
        "soft.example": "v=spf1 ~all",
        "A__1.2.0.192.list.example": "127.0.0.2",
    }
    assert asked(record, "192.0.2.1", **others) == result


@pytest.mark.parametrize(
    ("written", "made"),
    [  # RFC 7208 section 7.4
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l}", "strong-bad"),
        ("%{l-}", "strong.bad"),
        ("%{lr}", "strong-bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
        ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
        ("%%-%_-%-", "%- -%20"),
    ],
)
def test_the_macros_of_the_standard(written: str, made: str) -> None:
    who = Sender(ipaddress.ip_address("192.0.2.3"), "strong-bad", "email.example.com")
    assert expand(written, who, "email.example.com") == made


def test_an_ipv6_address_is_32_digits_in_a_macro() -> None:
    who = Sender(ipaddress.ip_address("2001:db8::cb01"), "x", "email.example.com")
    made = expand("%{ir}.%{v}._spf.%{d2}", who, "email.example.com")
    assert made == (
        "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com"
    )


def test_a_record_asks_for_ten_look_ups_and_two_that_lead_nowhere() -> None:
    ten = " ".join(f"exists:e{n}.example" for n in range(10))
    held = {f"A__e{n}.example": "" for n in range(11)}
    assert asked("v=spf1 a a a a a a a a a a ?all", "198.51.100.1") == "neutral"
    assert asked("v=spf1 a a a a a a a a a a a ?all", "198.51.100.1") == "permerror"
    assert asked(f"v=spf1 {ten} ?all", "198.51.100.1", **held) == "permerror"
    assert asked("v=spf1 exists:a.example exists:b.example ?all", "198.51.100.1") == "neutral"
    loop = Names({"example.com": "v=spf1 include:example.com -all"})
    ip = ipaddress.ip_address("192.0.2.1")
    assert evaluate(ip, "bob@example.com", loop).result == "permerror"
    assert len(loop.asked) == 11
    many = {"MX__example.com": " ".join(f"m{n}.example" for n in range(11))}
    assert asked("v=spf1 mx ?all", "198.51.100.1", **many) == "permerror"


def test_where_dns_gives_no_answer_nobody_knows() -> None:
    names = Names({"example.com": "v=spf1 include:slow.example -all"}, down="slow.example")
    found = evaluate(ipaddress.ip_address("192.0.2.1"), "bob@example.com", names)
    assert (found.result, found.by) == ("temperror", "DNS did not answer for slow.example")


@pytest.mark.parametrize(
    ("record", "narrow"),
    [
        ("v=spf1 +all", False),
        ("v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all", False),
        ("v=spf1 a/4 -all", False),
        ("v=spf1 include:open.example -all", False),
        ("v=spf1 ip4:192.0.2.0/24 -all", True),
    ],
)
def test_a_pass_that_everybody_gets_is_told_apart(record: str, narrow: bool) -> None:
    names = Names({**ZONE, "example.com": record, "open.example": "v=spf1 +all"})
    found = evaluate(ipaddress.ip_address("192.0.2.10"), "bob@example.com", names)
    assert (found.result, found.narrow) == ("pass", narrow)


@given(st.text(alphabet="v=spf1 +-~?alincudexstmprk:/.%{}0123456789dr", max_size=80))
def test_no_record_raises(record: str) -> None:
    asked(f"v=spf1 {record}", "192.0.2.1")
