"""Floods and loops: token buckets per sender, domain and mailbox, and when a pair is stopped.

Values in, a verdict out; time is an argument in seconds. The buckets decide the order in which mail
is filed, never whether: so each node keeps its own (a bound shared through the database would make
every accepted mail of a flood wait for a row that all others want, to gain nothing but exactness).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

MOST_KEYS = 50_000
HOUR = timedelta(hours=1)


class Buckets:
    """One bucket per key, `amount` large, refilled evenly over `seconds`; memory is bounded.

    Beyond `most_keys` the key that asked longest ago is forgotten. That gives it a full bucket
    again, which costs an attacker `most_keys` other keys.
    """

    def __init__(self, amount: int, seconds: float = 60, most_keys: int = MOST_KEYS) -> None:
        self._full = float(amount)
        self._per_second = amount / seconds
        self._most_keys = most_keys
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, now: float) -> bool:
        """Take one token at the second `now`; False when the bucket is empty.

        Where `now` lies before the last one no time has gone by: a mailbox is not always in order.
        """
        tokens, at = self._buckets.get(key, (self._full, now))
        now = max(now, at)
        tokens = min(self._full, tokens + (now - at) * self._per_second)
        allowed = tokens >= 1
        self._buckets[key] = (tokens - 1 if allowed else tokens, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._most_keys:
            self._buckets.popitem(last=False)
        return allowed

    def __len__(self) -> int:
        return len(self._buckets)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is no flood. Mails an hour, on one node."""

    sender: int = 300
    domain: int = 1_500
    """Public mail providers count as no domain: strangers to each other send from there."""
    mailbox: int = 3_000


class Floods:
    """Which of the mails that are coming in are a flood's."""

    def __init__(self, bounds: Bounds, public_domains: frozenset[str]) -> None:
        self._senders, self._domains, self._mailboxes = (
            Buckets(amount, 3600) for amount in (bounds.sender, bounds.domain, bounds.mailbox)
        )
        self._public = public_domains

    def deferred(self, reverse_path: str, mailboxes: Sequence[str], now: float) -> bool:
        """Is this mail to be filed only when nothing else waits? It is counted by this very call.

        What is over one sender's measure does not use up the domain's, nor the mailbox's: those
        who have nothing to do with a flood are not put behind it.
        """
        sender = reverse_path.lower()
        domain = sender.rpartition("@")[2]
        if sender and not self._senders.take(sender, now):
            return True
        if domain and domain not in self._public and not self._domains.take(domain, now):
            return True
        room = [self._mailboxes.take(one.lower(), now) for one in dict.fromkeys(mailboxes)]
        return bool(room) and not any(room)


@dataclass(frozen=True, slots=True)
class Pair:
    """An address that mails a mailbox automatically, as counted so far."""

    hour_at: datetime
    count: int
    stopped: bool = False


def counted(pair: Pair | None, at: datetime, most: int) -> Pair:
    """The pair after one more automatic mail at `at`: it is stopped by more than `most` within an
    hour, and stays so until somebody releases it."""
    if pair is None or at - pair.hour_at >= HOUR or at < pair.hour_at - HOUR:
        pair = Pair(at, 0, pair.stopped if pair else False)
    count = pair.count + 1
    return Pair(pair.hour_at, count, pair.stopped or count > most)
