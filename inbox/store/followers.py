"""Who follows a thread, and who was named on one and has not looked yet."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, update

from inbox.store.database import Conn, insert_or_ignore
from inbox.store.draft_tables import followers, mentions
from inbox.store.seers import Seer, threads_seen
from inbox.store.tables import events, people, threads

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
    text: str
    """What was said."""


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


def _unread_of(seer: Seer) -> tuple[ColumnElement[bool], ...]:
    """Over `mentions` and `threads`. Who unfollowed a confidential thread sees it no more."""
    mine = (mentions.c.person_id == seer.person_id, mentions.c.read_at.is_(None))
    return (*mine, mentions.c.thread_id == threads.c.id, threads_seen(seer))


def unread_count(seer: Seer) -> Select[Any]:
    """How often somebody was named and has not looked since; to be part of a statement."""
    return select(func.count(mentions.c.id)).where(*_unread_of(seer))


def unread(conn: Conn, seer: Seer, *, limit: int = 50) -> tuple[Mention, ...]:
    """Where somebody was named and has not looked since, the newest first."""
    found = conn.execute(
        select(
            mentions.c.id,
            mentions.c.event_id,
            mentions.c.thread_id,
            threads.c.subject,
            people.c.name.label("by_name"),
            mentions.c.at,
            events.c.data,
        )
        .join(people, people.c.id == mentions.c.by_id)
        .join(events, events.c.id == mentions.c.event_id)
        .where(*_unread_of(seer))
        .order_by(mentions.c.at.desc(), mentions.c.id.desc())
        .limit(limit)
    )
    return tuple(
        Mention(
            row.id,
            row.event_id,
            row.thread_id,
            row.subject,
            row.by_name,
            row.at,
            str(row.data.get("text", "")),
        )
        for row in found
    )


def read(conn: Conn, thread_id: int | None, person_id: int, now: datetime) -> int:
    """Somebody looks at a thread: its mentions of them are read, without a thread all; how many."""
    mine = mentions.c.person_id == person_id
    if thread_id is not None:
        mine &= mentions.c.thread_id == thread_id
    changed = conn.execute(
        update(mentions).where(mine, mentions.c.read_at.is_(None)).values(read_at=now)
    )
    return int(changed.rowcount)
