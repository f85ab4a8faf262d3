"""Who looks at which thread just now, and who writes an answer there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select

from inbox.store.database import Conn, upsert
from inbox.store.live_tables import presence
from inbox.store.tables import people, threads


@dataclass(frozen=True, slots=True)
class Here:
    """Somebody at a thread."""

    thread_id: int
    handle: str
    name: str
    does: str
    """`views` or `writes`."""
    since: datetime


def seen(
    conn: Conn, person_id: int, tab: str, thread_id: int, does: str, now: datetime
) -> datetime:
    """A tab shows a thread; since when it does what it does. Its last word counts."""
    old = conn.execute(
        select(presence.c.thread_id, presence.c.does, presence.c.since)
        .where(presence.c.person_id == person_id)
        .where(presence.c.tab == tab)
    ).first()
    same = old is not None and (old.thread_id, old.does) == (thread_id, does)
    since: datetime = old.since if same and old is not None else now
    values = {"thread_id": thread_id, "does": does, "since": since, "seen_at": now}
    row = {"person_id": person_id, "tab": tab, **values}
    upsert(conn, presence, row, key=("person_id", "tab"), set_=values)
    return since


def gone(conn: Conn, person_id: int, tab: str) -> None:
    """A tab shows no thread any more."""
    conn.execute(
        delete(presence).where(presence.c.person_id == person_id).where(presence.c.tab == tab)
    )


def forget(conn: Conn, before: datetime) -> int:
    """Remove what has said nothing since then; how many tabs."""
    return int(conn.execute(delete(presence).where(presence.c.seen_at < before)).rowcount)


_HERE = (
    select(
        func.coalesce(threads.c.merged_into_id, presence.c.thread_id).label("thread_id"),
        presence.c.does,
        presence.c.since,
        people.c.handle,
        people.c.name,
    )
    .join(people, people.c.id == presence.c.person_id)
    .join(threads, threads.c.id == presence.c.thread_id)
    .order_by(presence.c.thread_id, people.c.name, presence.c.does.desc(), presence.c.since)
)


def here(conn: Conn, after: datetime, *, limit: int = 1000) -> tuple[Here, ...]:
    """Everybody who was seen after an instant: one line a person and thread; writing counts more
    than looking. In the order of threads, then names."""
    found: dict[tuple[int, str], Here] = {}
    for row in conn.execute(_HERE.where(presence.c.seen_at > after).limit(limit)):
        one = Here(row.thread_id, row.handle, row.name, row.does, row.since)
        found.setdefault((one.thread_id, one.handle), one)
    return tuple(found.values())
