"""Column types that both databases read alike: keys, and instants that are never naive. How a key
fits into its column.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant in UTC. Refuses naive values, which would be silently wrong."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: every stored instant is aware")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)


NO_CLOCK = datetime(2200, 1, 1, tzinfo=UTC)
"""When the clock of a thread runs out on which none runs: behind every other in any order."""

Key = BigInteger().with_variant(Integer, "sqlite")


def fitting(key: str, most: int) -> str:
    """A key of fewer than `most` characters as it is; a longer one as its beginning and its hash,
    in just `most`, so that no two keys ever become one."""
    if len(key) < most:
        return key
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{key[: most - len(digest) - 1]}/{digest}"
