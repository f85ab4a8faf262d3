"""What notices to our own people go by: events with the thread as it is now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from inbox.store.database import Conn, portions
from inbox.store.tables import accounts, events, team_members, threads


@dataclass(frozen=True, slots=True)
class Happened:
    """An event, and who answers for its thread now."""

    id: int
    kind: str
    actor: str
    at: datetime
    data: Mapping[str, Any]
    thread_id: int
    accountable_id: int
    owned: bool
    """Has somebody taken the thread on?"""
    account_kind: str


_HAPPENED = (
    select(
        events.c.id,
        events.c.kind,
        events.c.actor,
        events.c.at,
        events.c.data,
        threads.c.id.label("thread_id"),
        threads.c.accountable_id,
        threads.c.claimed_at,
        accounts.c.kind.label("account_kind"),
    )
    .join(threads, threads.c.id == events.c.thread_id)
    .join(accounts, accounts.c.id == threads.c.account_id)
    .order_by(events.c.id)
)
_OWNERS = ("mail-in", "assigned", "owner-changed", "mail-bounced")


def _happened(row: Any) -> Happened:
    return Happened(
        id=row.id,
        kind=row.kind,
        actor=row.actor,
        at=row.at,
        data=row.data,
        thread_id=row.thread_id,
        accountable_id=row.accountable_id,
        owned=row.claimed_at is not None,
        account_kind=row.account_kind,
    )


def of_messages(conn: Conn, message_ids: Collection[int]) -> tuple[Happened, ...]:
    """What filing these messages did that owners hear of."""
    wanted = _HAPPENED.where(events.c.kind.in_(_OWNERS))
    return tuple(
        _happened(row)
        for some in portions(message_ids)
        for row in conn.execute(wanted.where(events.c.message_id.in_(some)))
    )


def of_event(conn: Conn, event_id: int) -> Happened | None:
    """One event of a thread, or None."""
    row = conn.execute(_HAPPENED.where(events.c.id == event_id)).first()
    return None if row is None else _happened(row)


def of_events(conn: Conn, event_ids: Collection[int]) -> tuple[Happened, ...]:
    """These events of threads, in their order."""
    return tuple(
        _happened(row)
        for some in portions(event_ids)
        for row in conn.execute(_HAPPENED.where(events.c.id.in_(some)))
    )


def members_of(conn: Conn, teams: Collection[str]) -> set[int]:
    """The keys of everybody in these teams."""
    wanted = select(team_members.c.person_id).where(team_members.c.team.in_(teams))
    return set(conn.scalars(wanted))
