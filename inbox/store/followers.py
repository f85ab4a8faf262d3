"""Who follows a thread, and who was named on one and has not looked yet."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from inbox.store.database import Conn, insert_or_ignore
from inbox.store.draft_tables import followers, mentions
from inbox.store.tables import people, threads

CHOSE, MENTIONED = "chose", "mentioned"
"""Why somebody follows."""


def follow(conn: Conn, thread_id: int, person_id: int, why: str, now: datetime) -> bool:
    """Let somebody follow a thread; False where they do already."""
    row = {"thread_id": thread_id, "person_id": person_id, "at": now, "why": why}
    return insert_or_ignore(conn, followers, row) > 0


def unfollow(conn: Conn, thread_id: int, person_id: int) -> bool:
    """Let somebody follow a thread no more; False where they did not."""
    mine = (followers.c.thread_id == thread_id) & (followers.c.person_id == person_id)
    return bool(conn.execute(followers.delete().where(mine)).rowcount)


def of_thread(conn: Conn, thread_id: int) -> tuple[int, ...]:
    """The numbers of the people who follow a thread, the first one first."""
    wanted = select(followers.c.person_id).where(followers.c.thread_id == thread_id)
    return tuple(conn.scalars(wanted.order_by(followers.c.at, followers.c.person_id)))


@dataclass(frozen=True, slots=True)
class Mention:
    """Somebody was named on a thread."""

    id: int
    event_id: int
    thread_id: int
    subject: str
    by_name: str
    at: datetime


def mention(
    conn: Conn, event_id: int, thread_id: int, person_ids: Collection[int], by_id: int, at: datetime
) -> None:
    """Note that an event names these people."""
    rows = [
        {"event_id": event_id, "thread_id": thread_id, "person_id": one, "by_id": by_id, "at": at}
        for one in sorted(person_ids)
    ]
    if rows:
        conn.execute(mentions.insert(), rows)


def unread(conn: Conn, person_id: int, *, limit: int = 50) -> tuple[Mention, ...]:
    """Where somebody was named and has not looked since, the newest first."""
    found = conn.execute(
        select(
            mentions.c.id,
            mentions.c.event_id,
            mentions.c.thread_id,
            threads.c.subject,
            people.c.name.label("by_name"),
            mentions.c.at,
        )
        .join(threads, threads.c.id == mentions.c.thread_id)
        .join(people, people.c.id == mentions.c.by_id)
        .where(mentions.c.person_id == person_id, mentions.c.read_at.is_(None))
        .order_by(mentions.c.at.desc(), mentions.c.id.desc())
        .limit(limit)
    )
    return tuple(Mention(**row._mapping) for row in found)


def read(conn: Conn, thread_id: int, person_id: int, now: datetime) -> int:
    """Somebody looks at a thread: its mentions of them are read; how many."""
    mine = (mentions.c.thread_id == thread_id) & (mentions.c.person_id == person_id)
    changed = conn.execute(
        update(mentions).where(mine, mentions.c.read_at.is_(None)).values(read_at=now)
    )
    return int(changed.rowcount)
