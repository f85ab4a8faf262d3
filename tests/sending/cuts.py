"""One mail, one cut: carry an item through a line that breaks at an exact byte, then carry on.

What is counted is what the other side kept, by Message-ID, and how the outbox ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from inbox.clock import monotonic
from inbox.flow.leaving import deliver
from inbox.mail.outgoing import BeforePhase, Envelope, Outcome
from inbox.net.smtp_out import Smarthost, Waits
from inbox.net.smtp_pool import Breaker, BreakerRules, Pool
from tests.sending.office import Office
from tests.services.proxy import Cut, How, Proxy, Toward

STALLED = Waits(connect=2, greeting=0.4, command=0.4, block=2, dot=0.4)
NEVER = BreakerRules(failures=1_000_000)
PROXY_AFTER = 200
"""Cuts after which the proxy is made anew: lines that stall stay open as long as it lives."""


@dataclass
class Broken:
    """What one cut led to."""

    cut: Cut
    mail_id: str
    first: str
    """The item's state after the attempt that was cut."""
    last: str
    dot: bool
    """The attempt that was cut had announced its final dot."""


@dataclass
class Line:
    """A line to a server that can be cut; made anew now and then."""

    office: Office
    port: int
    proxy: Proxy = field(init=False)
    done: int = 0

    def __post_init__(self) -> None:
        self.proxy = Proxy(self.port)

    def stop(self) -> None:
        self.proxy.stop()

    def lengths(self) -> dict[Toward, int]:
        """How many bytes an undisturbed mail takes in each direction, up to the last answer."""
        broken = self.run(None, "automatic", "length")
        assert broken.last == "sent"
        passed = dict(self.proxy.connections[-1].bytes)
        passed[Toward.SERVER] -= len(b"QUIT\r\n")
        passed[Toward.CLIENT] -= len(b"221 2.0.0 Bye\r\n")
        return passed

    def run(self, cut: Cut | None, kind: str, key: str) -> Broken:
        """Send one mail with this cut, then again and again over a good line until it has ended."""
        self.done += 1
        if self.done % PROXY_AFTER == 0:
            self.proxy.stop()
            self.proxy = Proxy(self.port)
        self.proxy.cuts = [None] * len(self.proxy.connections) + [cut]
        number = self.office.put(key, kind).item_id
        phases: list[str] = []
        first = self._attempt(self.proxy.port, phases)
        dot = "dot" in phases
        last = first
        while last == "queued":
            self.office.house.later(hours=5)
            last = self._attempt(self.port, [])
        return Broken(
            cut or Cut(Toward.SERVER, 0), self.office.item(number).mail_id, first, last, dot
        )

    def _attempt(self, port: int, phases: list[str]) -> str:
        smarthost = Smarthost("127.0.0.1", port, None, waits=STALLED)
        pool = Pool(smarthost, monotonic, breaker=Breaker(monotonic, NEVER))

        def listening(envelope: Envelope, raw: bytes, before: BeforePhase) -> Outcome:
            def noting(phase: str) -> None:
                before(phase)
                phases.append(phase)

            return pool.deliver(envelope, raw, noting)

        (claimed,) = self.office.claim()
        judged = deliver.carry(self.office.house.db, claimed, listening, self.office.rules)
        state = self.office.settle(judged)
        pool.close()
        return state


def every_cut(lengths: dict[Toward, int], hows: tuple[How, ...] = tuple(How)) -> list[Cut]:
    """Every byte of both directions, in every way."""
    return [
        Cut(toward, after, how)
        for how in hows
        for toward in Toward
        for after in range(lengths[toward] + 1)
    ]


def judge(found: list[Broken], kept: Callable[[str], int], kind: str) -> str:
    """Assert what must hold for every cut; a line that says what was found."""
    counts: Counter[str] = Counter()
    for one in found:
        arrived = kept(one.mail_id)
        counts[f"first {one.first}"] += 1
        counts[f"last {one.last}"] += 1
        assert one.last in ("sent", "uncertain"), one
        if one.last == "sent":
            assert arrived >= 1, ("lost", one)
        if kind == "automatic":
            assert arrived <= 1, ("left twice", one)
        if "uncertain" in (one.first, one.last):
            assert one.dot, ("uncertain before the dot", one)
        if not one.dot:
            assert arrived == 1, ("a cut before the dot cost more than another attempt", one)
        counts["arrived twice"] += arrived > 1
    return f"{len(found)} cuts, {kind}: " + ", ".join(f"{k} {v}" for k, v in sorted(counts.items()))
