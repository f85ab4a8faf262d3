"""Lists of threads by any condition, for pages that are no view: newest first, as far as seen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, tuple_

from inbox.store import threads as thread_store
from inbox.store.database import Conn, portions
from inbox.store.seers import Seer, threads_seen
from inbox.store.tables import threads
from inbox.store.threads import ThreadRow


def newest(
    conn: Conn,
    conditions: Sequence[Any],
    seer: Seer | None,
    before: tuple[datetime, int] | None,
    limit: int,
) -> tuple[ThreadRow, ...]:
    """Threads for which all of these conditions hold, the newest mail first; `before` is where the
    last page ended."""
    wanted = [threads.c.merged_into_id.is_(None), threads_seen(seer), *conditions]
    place = tuple_(threads.c.last_message_at, threads.c.id)
    if before is not None:
        wanted.append(place < tuple_(*before))
    order = (threads.c.last_message_at.desc(), threads.c.id.desc())
    return thread_store.lines(conn, wanted, order, limit)


def seen_among(conn: Conn, numbers: Collection[int], seer: Seer | None) -> frozenset[int]:
    """Those of these threads that are seen."""
    found = set[int]()
    for some in portions(numbers):
        wanted = select(threads.c.id).where(threads.c.id.in_(some), threads_seen(seer))
        found.update(conn.scalars(wanted))
    return frozenset(found)
