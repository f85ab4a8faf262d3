"""The events after an event, as they are read by what follows them live. Ids and kinds alone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select

from inbox.store.database import Conn, portions
from inbox.store.seers import Seer, threads_seen
from inbox.store.tables import events, threads


@dataclass(frozen=True, slots=True)
class Change:
    """That something happened, without what it was about."""

    id: int
    account_id: int
    thread_id: int | None
    kind: str
    actor: str


_NEWEST = select(func.coalesce(func.max(events.c.id), 0))
_COLUMNS = (events.c.id, events.c.account_id, events.c.thread_id, events.c.kind, events.c.actor)


def newest(conn: Conn) -> int:
    """The number of the newest event, 0 where there is none."""
    return int(conn.scalar(_NEWEST) or 0)


def after(conn: Conn, event_id: int, *, limit: int) -> tuple[Change, ...]:
    """Events with a higher number, oldest first; at most `limit`."""
    query = select(*_COLUMNS).where(events.c.id > event_id).order_by(events.c.id).limit(limit)
    return tuple(Change(*row) for row in conn.execute(query))


def confidential(conn: Conn, thread_ids: Collection[int]) -> frozenset[int]:
    """Those of the threads that not everybody sees."""
    found: set[int] = set()
    for some in portions(thread_ids):
        query = select(threads.c.id).where(threads.c.id.in_(some), threads.c.confidential)
        found.update(conn.scalars(query))
    return frozenset(found)


def seen(conn: Conn, thread_ids: Collection[int], seer: Seer | None) -> frozenset[int]:
    """Those of the threads that the seer sees."""
    found: set[int] = set()
    for some in portions(thread_ids):
        query = select(threads.c.id).where(threads.c.id.in_(some), threads_seen(seer))
        found.update(conn.scalars(query))
    return frozenset(found)
