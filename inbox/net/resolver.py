"""Records from DNS, within limits: time, number, memory. dnspython's only door.

Three walls keep a slow name server from holding up the filing of mail:

- one mail asks so many names and waits so many seconds, no more (`Lookups`);
- a zone that let us wait in vain is left alone for a minute, and after that for longer;
- a worker waits at most a tenth of its time for DNS over all mails, and ten seconds at once.

What cannot be asked is `Unanswered`, never a no. Answers, also "there is none", are kept as long
as DNS says, and at most an hour; a cached answer costs nothing and is given in any case.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from inbox.mail.authentication_domains import Unanswered

TXT = "TXT"
MOST_CACHED = 10_000
MOST_OF_SPF = 20
"""Names that one mail may ask for SPF, beside its other ones: ten terms, some of two steps."""
MOST_BYTES = 16 * 1024
"""Of the records of one name; a key of 4096 bits takes 800."""
LEAST_TTL, MOST_TTL, MOST_NEGATIVE_TTL = 30.0, 3600.0, 300.0
FAILURE_TTL = 15.0
"""Seconds for which a name that was not answered is not asked again."""
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 960.0
"""Seconds for which a zone is left alone that did not answer in time."""
SHARE, MOST_SAVED = 0.1, 10.0
"""The part of its time that a worker may wait for DNS, and the seconds that it may save up."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The records of a name, each in one piece, and for how many seconds they hold."""

    texts: tuple[bytes, ...]
    ttl: float


class Dns(Protocol):
    """Asks a name server. The tests' zone in memory is another one."""

    def texts(self, name: str, seconds: float) -> Answer:
        """The TXT records of `name`; none where the name or the records do not exist.

        Raises `Unanswered` where nobody knows, after at most `seconds`.
        """

    def find(self, name: str, kind: str, seconds: float) -> Answer:
        """The A, AAAA, MX (names of hosts) or PTR records of `name`, as text; raises alike."""


class Resolver:
    """What one worker process knows of DNS. `monotonic` gives seconds. One thread only."""

    def __init__(self, dns: Dns, monotonic: Callable[[], float], *, cached: int = MOST_CACHED):
        self._dns = dns
        self.monotonic = monotonic
        self._cached = cached
        self._cache: OrderedDict[tuple[str, str], tuple[float, Answer | None]] = OrderedDict()
        self._pauses: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._saved, self._counted_at = MOST_SAVED, monotonic()
        self.asked = 0
        """Questions that went out."""

    def for_one_mail(self, most: int, seconds: float) -> Lookups:
        """Look-ups for one mail: at most `most` names and `seconds` of waiting."""
        return Lookups(self, most, seconds)

    def known(self, name: str, kind: str = TXT) -> Answer | None:
        """An answer that still holds. Raises `Unanswered` where there was none a moment ago."""
        held = self._cache.get((name, kind))
        if held is None or held[0] <= self.monotonic():
            return None
        self._cache.move_to_end((name, kind))
        if held[1] is None:
            raise Unanswered(f"DNS did not answer for {name}")
        return held[1]

    def ask(self, name: str, seconds: float, kind: str = TXT) -> Answer:
        """Ask now, and wait at most `seconds`. Raises `Unanswered`."""
        zone, began = zone_of(name), self.monotonic()
        self._saved = min(MOST_SAVED, self._saved + SHARE * (began - self._counted_at))
        self._counted_at = began
        until, pause = self._pauses.get(zone, (began, 0.0))
        if until > began:
            raise Unanswered(f"the name servers of {zone} did not answer lately")
        if self._saved <= 0:
            raise Unanswered("too much time went into waiting for DNS lately")
        self.asked += 1
        try:
            answer = self._now(name, min(seconds, self._saved), kind)
        except Unanswered:
            self._keep((name, kind), None, FAILURE_TTL)
            if self.monotonic() - began >= 0.9 * min(seconds, self._saved):
                self._leave_alone(zone, min(LONGEST_PAUSE, 2 * pause or FIRST_PAUSE))
            raise
        finally:
            self._saved -= self.monotonic() - began
        self._pauses.pop(zone, None)
        if sum(map(len, answer.texts)) > MOST_BYTES:
            answer = Answer((), answer.ttl)
        most = MOST_TTL if answer.texts else MOST_NEGATIVE_TTL
        self._keep((name, kind), answer, min(most, max(LEAST_TTL, answer.ttl)))
        return answer

    def _now(self, name: str, seconds: float, kind: str) -> Answer:
        if kind == TXT:
            return self._dns.texts(name, seconds)
        return self._dns.find(name, kind, seconds)

    def _keep(self, key: tuple[str, str], answer: Answer | None, ttl: float) -> None:
        self._cache[key] = (self.monotonic() + ttl, answer)
        self._cache.move_to_end(key)
        while len(self._cache) > self._cached:
            self._cache.popitem(last=False)

    def _leave_alone(self, zone: str, pause: float) -> None:
        self._pauses[zone] = (self.monotonic() + pause, pause)
        self._pauses.move_to_end(zone)
        while len(self._pauses) > self._cached:
            self._pauses.popitem(last=False)


class Lookups:
    """The look-ups of one mail; call it with a name. Raises `Unanswered`."""

    def __init__(self, resolver: Resolver, most: int, seconds: float) -> None:
        self._resolver = resolver
        self._left = most
        self._left_of_spf = MOST_OF_SPF
        self._seconds = seconds

    def __call__(self, name: str) -> tuple[bytes, ...]:
        name = name.lower().rstrip(".")
        held = self._resolver.known(name)
        if held is not None:
            return held.texts
        self._left -= 1
        return self._ask(name, TXT, self._left)

    def find(self, name: str, kind: str) -> tuple[bytes, ...]:
        """Records for SPF, which has an allowance of its own; the time is the mail's."""
        name = name.lower().rstrip(".")
        held = self._resolver.known(name, kind)
        if held is not None:
            return held.texts
        self._left_of_spf -= 1
        return self._ask(name, kind, self._left_of_spf)

    def _ask(self, name: str, kind: str, left: int) -> tuple[bytes, ...]:
        if left < 0:
            raise Unanswered("one mail may not ask DNS for more names")
        if self._seconds <= 0:
            raise Unanswered("one mail may not wait longer for DNS")
        began = self._resolver.monotonic()
        try:
            return self._resolver.ask(name, self._seconds, kind).texts
        finally:
            self._seconds -= self._resolver.monotonic() - began


def zone_of(name: str) -> str:
    """The domain that a name of DKIM or DMARC belongs to."""
    for mark in ("._domainkey.", "_dmarc."):
        _, found, tail = name.partition(mark)
        if found:
            return tail
    return name


class NameServers:
    """dnspython over the name servers given, (address, port) each; the system's where none is."""

    def __init__(self, servers: Sequence[tuple[str, int]] = ()) -> None:
        import dns.nameserver
        import dns.resolver

        self._resolver = dns.resolver.Resolver(configure=not servers)
        if servers:
            self._resolver.nameservers = [
                dns.nameserver.Do53Nameserver(address, port) for address, port in servers
            ]
        self._resolver.cache = None
        self._resolver.timeout = 2.0

    def texts(self, name: str, seconds: float) -> Answer:
        """As `Dns` says. A name that DNS cannot hold has no records."""
        rows, ttl = self._asked(name, TXT, seconds)
        return Answer(tuple(b"".join(one.strings) for one in rows), ttl)

    def find(self, name: str, kind: str, seconds: float) -> Answer:
        """As `Dns` says."""
        if kind == TXT:
            return self.texts(name, seconds)
        rows, ttl = self._asked(name, kind, seconds)
        field = {"A": "address", "AAAA": "address", "MX": "exchange", "PTR": "target"}[kind]
        return Answer(tuple(str(getattr(one, field)).encode() for one in rows), ttl)

    def _asked(self, name: str, kind: str, seconds: float) -> tuple[tuple[Any, ...], float]:
        import dns.exception
        import dns.name
        import dns.resolver

        try:
            found = self._resolver.resolve(
                dns.name.from_text(f"{name}."),
                kind,
                lifetime=max(0.05, seconds),
                search=False,
                raise_on_no_answer=False,
            )
        except dns.resolver.NXDOMAIN:
            return (), MOST_NEGATIVE_TTL
        except (dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.EmptyLabel):
            return (), MOST_TTL
        except (dns.exception.DNSException, OSError, ValueError) as error:
            raise Unanswered(f"DNS did not answer for {name}: {type(error).__name__}") from error
        if found.rrset is None:
            return (), MOST_NEGATIVE_TTL
        return tuple(found.rrset), float(found.rrset.ttl)
