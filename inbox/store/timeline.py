"""Events: all that happened on an account, in one list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, tuple_, update

from inbox.store import search
from inbox.store.database import Conn, new_key
from inbox.store.seers import ALL, Seer, event_data_seen, events_seen
from inbox.store.tables import accounts, events, messages, threads

NOTE = "note"
"""Kind of the events whose text can be searched for."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `kind` says what (docs/INTERFACES.md lists the kinds)."""

    account_id: int
    thread_id: int | None
    message_id: int | None
    at: datetime
    kind: str
    actor: str
    """Who did it: `person:HANDLE`, `rule:NAME`, `contact:ADDRESS` or `aboard`."""
    data: Mapping[str, Any]
    id: int = 0


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """An event with what a reader wants beside it."""

    event: Event
    subject: str
    from_name: str
    from_address: str
    preview: str
    direction: str
    automatic: str


def append(conn: Conn, happened: Sequence[Event]) -> None:
    """Write events and note on their accounts when something last happened."""
    if not happened:
        return
    for note in (one for one in happened if one.kind == NOTE):
        add(conn, note)
    others = [_written(event) for event in happened if event.kind != NOTE]
    if others:
        conn.execute(events.insert(), others)
    latest: dict[int, datetime] = {}
    for event in happened:
        latest[event.account_id] = max(event.at, latest.get(event.account_id, event.at))
    touched = [{"the_id": one, "moment": at} for one, at in sorted(latest.items())]
    conn.execute(_TOUCH, touched)


def add(conn: Conn, event: Event) -> int:
    """Write one event; its number, for what is going to refer to it."""
    number = new_key(conn.execute(events.insert(), _written(event)))
    if event.kind == NOTE:
        search.add_note(conn, number, str(event.data.get("text", "")))
    conn.execute(_TOUCH, {"the_id": event.account_id, "moment": event.at})
    return number


def _written(event: Event) -> dict[str, Any]:
    return {
        "account_id": event.account_id,
        "thread_id": event.thread_id,
        "message_id": event.message_id,
        "at": event.at,
        "kind": event.kind,
        "actor": event.actor,
        "data": dict(event.data),
    }


_TOUCH = (
    update(accounts)
    .where(accounts.c.id == bindparam("the_id"))
    .where(accounts.c.last_event_at < bindparam("moment"))
    .values(last_event_at=bindparam("moment"))
)


def newest(conn: Conn, thread_id: int) -> int:
    """The number of the youngest event of a thread; 0 where it has none."""
    return int(
        conn.scalar(select(func.max(events.c.id)).where(events.c.thread_id == thread_id)) or 0
    )


def any_of_kind(conn: Conn, kind: str) -> bool:
    """Has anything of this kind ever happened?"""
    return conn.scalar(select(events.c.id).where(events.c.kind == kind).limit(1)) is not None


def since(
    conn: Conn, thread_id: int, event_id: int, kinds: Sequence[str], *, limit: int = 50
) -> tuple[Event, ...]:
    """Events of these kinds on a thread that are younger than one, oldest first."""
    found = conn.execute(
        select(events)
        .where(events.c.thread_id == thread_id, events.c.id > event_id, events.c.kind.in_(kinds))
        .order_by(events.c.id)
        .limit(limit)
    )
    return tuple(Event(**row._mapping) for row in found)


@dataclass(frozen=True, slots=True)
class Span:
    """Which part of a timeline: newest first, before the last row already shown."""

    limit: int = 100
    before: tuple[datetime, int] | None = None
    kinds: tuple[str, ...] = ()
    """Only events of these kinds; all where empty."""
    team: str | None = None
    """Only of threads that are with this team."""


def of_account(
    conn: Conn, account_id: int, span: Span, seer: Seer | None = ALL
) -> tuple[TimelineRow, ...]:
    """The timeline of an account over all its threads that are seen, newest first."""
    statement = select(events).where(events.c.account_id == account_id, events_seen(seer))
    return _rows(conn, statement, span, seer)


def of_thread(
    conn: Conn, thread_id: int, span: Span, seer: Seer | None = ALL
) -> tuple[TimelineRow, ...]:
    """What happened on one thread, newest first."""
    statement = select(events).where(events.c.thread_id == thread_id, events_seen(seer))
    return _rows(conn, statement, span, seer)


def _rows(conn: Conn, statement: Any, span: Span, seer: Seer | None) -> tuple[TimelineRow, ...]:
    if span.kinds:
        statement = statement.where(events.c.kind.in_(span.kinds))
    if span.team is not None:
        with_team = select(threads.c.id).where(threads.c.team == span.team)
        statement = statement.where(events.c.thread_id.in_(with_team))
    if span.before is not None:
        statement = statement.where(tuple_(events.c.at, events.c.id) < tuple_(*span.before))
    chosen = statement.order_by(events.c.at.desc(), events.c.id.desc()).limit(span.limit).subquery()
    found = conn.execute(
        select(
            chosen,
            func.coalesce(messages.c.subject, threads.c.subject, "").label("subject"),
            func.coalesce(messages.c.from_name, "").label("from_name"),
            func.coalesce(messages.c.from_address, "").label("from_address"),
            func.coalesce(func.substr(messages.c.visible_text, 1, 400), "").label("preview"),
            func.coalesce(messages.c.direction, "").label("direction"),
            func.coalesce(messages.c.automatic, "").label("automatic"),
        )
        .select_from(chosen)
        .outerjoin(messages, messages.c.id == chosen.c.message_id)
        .outerjoin(threads, threads.c.id == chosen.c.thread_id)
        .order_by(chosen.c.at.desc(), chosen.c.id.desc())
    )
    return tuple(_row(row, seer) for row in found)


def _row(row: Any, seer: Seer | None) -> TimelineRow:
    return TimelineRow(
        event=Event(
            account_id=row.account_id,
            thread_id=row.thread_id,
            message_id=row.message_id,
            at=row.at,
            kind=row.kind,
            actor=row.actor,
            data=event_data_seen(seer, row.kind, row.data),
            id=row.id,
        ),
        subject=row.subject,
        from_name=row.from_name,
        from_address=row.from_address,
        preview=row.preview,
        direction=row.direction,
        automatic=row.automatic,
    )
