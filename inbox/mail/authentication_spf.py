"""SPF (RFC 7208): may this machine send for the domain of the reverse-path? A bounded evaluator.

Pure: DNS comes through `ask`. Bounds of section 4.6.4: ten terms that ask DNS, two answers without
records, ten hosts a term; the time limit is `ask`'s. What is not here: `exp=` (a text for people
whom we never refuse) and the HELO identity, which the ledger does not keep.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from inbox.mail.authentication_domains import Unanswered
from inbox.mail.authentication_spf_macros import BadMacro, Sender, expand

IP = ipaddress.IPv4Address | ipaddress.IPv6Address

PASS, FAIL, SOFTFAIL, NEUTRAL = "pass", "fail", "softfail", "neutral"
NONE, TEMPERROR, PERMERROR = "none", "temperror", "permerror"

MOST_TERMS, MOST_VOIDS, MOST_HOSTS = 10, 2, 10
MOST_RECORD = 4096
"""Characters of a record, many times what honest ones have."""
NARROW = {4: 8, 6: 16}
"""Prefix length, by IP version, below which a network is the whole Internet rather than a host."""

_QUALIFIERS = {"+": PASS, "-": FAIL, "~": SOFTFAIL, "?": NEUTRAL}
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.*)\Z", re.DOTALL)
_MECHANISM = re.compile(
    r"([+?~-]?)(all|include|exists|ip4|ip6|a|mx|ptr)(?:([:/])(.*))?\Z", re.I | re.S
)
_CIDR = re.compile(r"(.*?)(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?\Z", re.DOTALL)


class Ask(Protocol):
    """DNS for one mail. `kind` is TXT, A, AAAA, MX (names of hosts) or PTR."""

    def find(self, name: str, kind: str) -> tuple[bytes, ...]:
        """The records; none where there are none. Raises `Unanswered`."""


@dataclass(frozen=True, slots=True)
class Spf:
    """An answer. `narrow`: a `pass` that not everybody in the world gets."""

    result: str
    domain: str
    by: str
    """The term that decided, or why none could."""
    narrow: bool = True


@dataclass(frozen=True, slots=True)
class _Term:
    qualifier: str
    name: str
    value: str
    prefix4: int
    prefix6: int
    written: str


class _Broken(Exception):
    """permerror: the record, or one that it includes, cannot be followed."""


def evaluate(ip: IP, sender: str, ask: Ask) -> Spf:
    """`check_host` for the reverse-path `sender` (an addr-spec) and the peer's address."""
    local, _, domain = sender.rpartition("@")
    domain = domain.lower().rstrip(".")
    if "." not in domain or len(domain) > 253:
        return Spf(NONE, domain, "the reverse-path has no domain")
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    check = _Check(ip, local or "postmaster", domain, ask)
    try:
        found = check.host(domain)
    except Unanswered as error:
        return Spf(TEMPERROR, domain, str(error))
    except (_Broken, BadMacro) as error:
        return Spf(PERMERROR, domain, str(error))
    return Spf(NONE, domain, f"{domain} publishes no SPF record") if found is None else found


class _Check:
    """One evaluation, with what is left of its allowance."""

    def __init__(self, ip: IP, local: str, domain: str, ask: Ask) -> None:
        self._ip = ip
        self._sender = Sender(ip, local, domain)
        self._ask = ask
        self._terms, self._voids = MOST_TERMS, MOST_VOIDS

    def host(self, domain: str) -> Spf | None:
        """The answer of one domain's record; None where it has none."""
        record = self._record(domain)
        if record is None:
            return None
        terms, redirect = _parse(record)
        for term in terms:
            narrow = self._matches(term, domain)
            if narrow is not None:
                return Spf(_QUALIFIERS[term.qualifier], domain, term.written, narrow)
        if redirect is None:
            return Spf(NEUTRAL, domain, "no term of it matches")
        self._spend()
        onward = self._name(redirect, domain)
        found = self.host(onward)
        if found is None:
            raise _Broken(f"redirect={onward} leads to no SPF record")
        return found

    def _record(self, domain: str) -> str | None:
        found = [
            one for one in self._ask.find(domain, "TXT") if re.match(rb"v=spf1( |\Z)", one, re.I)
        ]
        if len(found) > 1:
            raise _Broken(f"{domain} publishes several SPF records")
        if not found:
            return None
        if len(found[0]) > MOST_RECORD or not found[0].isascii():
            raise _Broken(f"the SPF record of {domain} cannot be read")
        return found[0].decode("ascii")

    def _matches(self, term: _Term, domain: str) -> bool | None:
        """None: it does not match. Else: is it one that not everybody would match?"""
        if term.name == "all":
            return False
        if term.name in ("ip4", "ip6"):
            network = ipaddress.ip_network(term.value, strict=False)
            inside = network.version == self._ip.version and self._ip in network
            return network.prefixlen >= NARROW[network.version] if inside else None
        self._spend()
        target = self._name(term.value, domain) if term.value else domain
        if term.name == "include":
            return self._included(target)
        if term.name == "exists":
            return True if self._hosts(target, "A") else None
        if term.name == "ptr":
            return True if self._reverse(target) else None
        hosts = [target]
        if term.name == "mx":
            hosts = [one.decode("ascii", "replace") for one in self._hosts(target, "MX")]
            if len(hosts) > MOST_HOSTS:
                raise _Broken(f"{target} has more than {MOST_HOSTS} mail hosts")
        prefix = term.prefix4 if self._ip.version == 4 else term.prefix6
        if any(self._is_near(host, prefix) for host in hosts):
            return prefix >= NARROW[self._ip.version]
        return None

    def _included(self, target: str) -> bool | None:
        found = self.host(target)
        if found is None:
            raise _Broken(f"include:{target} leads to no SPF record")
        return found.narrow if found.result == PASS else None

    def _is_near(self, host: str, prefix: int) -> bool:
        """Is the peer in the network of that size around an address of the host?"""
        return any(
            self._ip in ipaddress.ip_network(f"{one}/{prefix}", strict=False)
            for one in self._addresses(host)
        )

    def _addresses(self, host: str) -> Iterator[IP]:
        for one in self._hosts(host, "A" if self._ip.version == 4 else "AAAA"):
            try:
                yield ipaddress.ip_address(one.decode("ascii"))
            except ValueError:
                continue

    def _reverse(self, target: str) -> bool:
        """`ptr`: has the peer a name at or below `target` that leads back to it?"""
        names = self._hosts(self._ip.reverse_pointer, "PTR")[:MOST_HOSTS]
        for one in names:
            name = one.decode("ascii", "replace").lower().rstrip(".")
            if f".{name}".endswith(f".{target}") and self._ip in self._addresses(name):
                return True
        return False

    def _hosts(self, name: str, kind: str) -> tuple[bytes, ...]:
        found = self._ask.find(name, kind)
        if not found:
            self._voids -= 1
            if self._voids < 0:
                raise _Broken(f"more than {MOST_VOIDS} of its names do not exist")
        return found

    def _spend(self) -> None:
        self._terms -= 1
        if self._terms < 0:
            raise _Broken(f"it asks for more than {MOST_TERMS} look-ups")

    def _name(self, written: str, domain: str) -> str:
        made = expand(written, self._sender, domain).lower().rstrip(".")
        while len(made) > 253:
            made = made.partition(".")[2]
        if not made:
            raise _Broken(f"{written!r} names no domain")
        return made


def _parse(record: str) -> tuple[list[_Term], str | None]:
    """The mechanisms in order, and where `redirect=` leads; every term is checked first."""
    terms: list[_Term] = []
    redirect: str | None = None
    for word in record.split(" ")[1:]:
        if not word:
            continue
        modifier = _MODIFIER.match(word)
        if modifier is not None:
            if modifier[1].lower() == "redirect":
                if redirect is not None or not modifier[2]:
                    raise _Broken("redirect= stands twice or empty")
                redirect = modifier[2]
            continue
        terms.append(_term(word))
    return terms, redirect if not any(one.name == "all" for one in terms) else None


def _term(word: str) -> _Term:
    found = _MECHANISM.match(word)
    if found is None:
        raise _Broken(f"{word[:60]!r} is no term of SPF")
    qualifier, name, mark, rest = found[1] or "+", found[2].lower(), found[3], found[4] or ""
    if name in ("ip4", "ip6"):
        return _Term(qualifier, name, _network(name, rest if mark == ":" else ""), 0, 0, word)
    prefix4, prefix6, value = 32, 128, rest
    if name in ("a", "mx"):
        parts = _CIDR.match(rest if mark == ":" else f"/{rest}" if mark else "")
        assert parts is not None  # every text has this shape
        value = parts[1]
        prefix4, prefix6 = int(parts[2] or 32), int(parts[3] or 128)
    wants = name in ("include", "exists")
    if prefix4 > 32 or prefix6 > 128 or (wants and not value) or (name == "all" and mark):
        raise _Broken(f"{word[:60]!r} is no term of SPF")
    if mark == ":" and not value:
        raise _Broken(f"{word[:60]!r} names no domain")
    if "/" in value and name not in ("exists",) and "%{" not in value:
        raise _Broken(f"{word[:60]!r} names no domain")
    return _Term(qualifier, name, value, prefix4, prefix6, word)


def _network(name: str, written: str) -> str:
    kind = ipaddress.IPv4Network if name == "ip4" else ipaddress.IPv6Network
    try:
        return str(kind(written, strict=False))
    except ValueError as error:
        raise _Broken(f"{name}:{written[:60]} is no network") from error
