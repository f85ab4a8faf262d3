"""Token buckets: how many mails a sender or a peer may hand over in a minute. Holds no clock."""

from __future__ import annotations

from collections import OrderedDict

MOST_KEYS = 50_000


class Buckets:
    """One bucket per key, `per_minute` large, refilled evenly; memory is bounded.

    Beyond `most_keys` the key that asked longest ago is forgotten. That gives it a full bucket
    again, which costs an attacker `most_keys` other keys.
    """

    def __init__(self, per_minute: int, most_keys: int = MOST_KEYS) -> None:
        self._full = float(per_minute)
        self._per_second = per_minute / 60
        self._most_keys = most_keys
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, now: float) -> bool:
        """Take one token at the monotonic second `now`; False when the bucket is empty."""
        tokens, at = self._buckets.get(key, (self._full, now))
        tokens = min(self._full, tokens + (now - at) * self._per_second)
        allowed = tokens >= 1
        self._buckets[key] = (tokens - 1 if allowed else tokens, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._most_keys:
            self._buckets.popitem(last=False)
        return allowed

    def __len__(self) -> int:
        return len(self._buckets)
