"""The only call to the system clock. Edges call it once and pass `now` down."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds on a clock that never jumps; only differences mean anything."""
    return time.monotonic()


def iso(instant: datetime) -> str:
    """An aware instant as ISO 8601 in UTC with a `Z`, as every JSON shape of ours has it."""
    if instant.tzinfo is None:
        raise ValueError(f"naive datetime {instant!r}: give an aware one")
    text = instant.astimezone(UTC).isoformat(
        timespec="seconds" if not instant.microsecond else "milliseconds"
    )
    return text.replace("+00:00", "Z")
