"""Notes of our own people, as a search shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from inbox.store.database import Conn
from inbox.store.seers import Seer, events_seen
from inbox.store.tables import accounts, events, threads


@dataclass(frozen=True, slots=True)
class NoteHit:
    """A note with what a reader wants beside it."""

    event_id: int
    thread_id: int
    subject: str
    account_name: str
    actor: str
    """`person:HANDLE`."""
    text: str
    team: str
    status: str


def hits(conn: Conn, event_ids: Sequence[int], seer: Seer | None) -> dict[int, NoteHit]:
    """The notes with these numbers that are seen."""
    if not event_ids:
        return {}
    found = conn.execute(
        select(
            events.c.id,
            events.c.thread_id,
            threads.c.subject,
            accounts.c.name,
            events.c.actor,
            events.c.data,
            threads.c.team,
            threads.c.status,
        )
        .join(threads, threads.c.id == events.c.thread_id)
        .join(accounts, accounts.c.id == threads.c.account_id)
        .where(events.c.id.in_(event_ids), events_seen(seer))
    )
    return {
        row.id: NoteHit(
            row.id,
            row.thread_id,
            row.subject,
            row.name,
            row.actor,
            str(row.data.get("text", "")),
            row.team,
            row.status,
        )
        for row in found
    }
