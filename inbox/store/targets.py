"""Targets as they are stored: read by thread, saved in bulk. `due_targets` claims what is due.

What a target means is decided in `routing.targets`; here is no arithmetic.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, update

from inbox.store import urgency
from inbox.store.clock_tables import target_steps, targets
from inbox.store.database import Conn, insert_or_ignore, portions
from inbox.store.tables import accounts, events, messages, people, threads


@dataclass(frozen=True, slots=True)
class StoredTarget:
    """One row: a promise on a thread, and how it stands."""

    id: int
    thread_id: int
    metric: str
    cycle: int
    policy: str
    policy_set: str
    team: str
    opened_at: datetime
    due_at: datetime | None
    state: str
    breached_at: datetime | None
    paused_at: datetime | None
    used_seconds: int
    resumed_at: datetime
    settled_at: datetime | None
    next_at: datetime | None
    next_step: str | None


_FIELDS = tuple(one for one in StoredTarget.__slots__ if one != "id")


def stored(row: Any) -> StoredTarget:
    """The target that a row of the table is."""
    return StoredTarget(*(getattr(row, name) for name in StoredTarget.__slots__))


@dataclass(frozen=True, slots=True)
class Subject:
    """A thread as far as its clocks depend on it."""

    thread_id: int
    account_id: int
    account_kind: str
    tier: str
    stage: str
    team: str
    policy: str
    status: str


_SUBJECTS = (
    select(
        threads.c.id,
        threads.c.account_id,
        accounts.c.kind,
        accounts.c.tier,
        accounts.c.stage,
        threads.c.team,
        threads.c.policy,
        threads.c.status,
    )
    .join(accounts, accounts.c.id == threads.c.account_id)
    .where(threads.c.id.in_(bindparam("ids", expanding=True)))
    .where(threads.c.merged_into_id.is_(None))
)


def subjects(conn: Conn, thread_ids: Collection[int]) -> tuple[Subject, ...]:
    """These threads; those that were joined into others are left out."""
    return tuple(
        Subject(
            row.id,
            row.account_id,
            row.kind,
            row.tier or "",
            row.stage or "",
            row.team,
            row.policy or "",
            row.status,
        )
        for some in portions(thread_ids)
        for row in conn.execute(_SUBJECTS, {"ids": some})
    )


@dataclass(frozen=True, slots=True)
class PastEvent:
    """An event as clocks read it."""

    id: int
    thread_id: int
    message_id: int | None
    at: datetime
    kind: str
    actor: str
    data: Mapping[str, Any]


_HISTORY = (
    select(
        events.c.id,
        events.c.thread_id,
        events.c.message_id,
        events.c.at,
        events.c.kind,
        events.c.actor,
        events.c.data,
    )
    .where(events.c.thread_id.in_(bindparam("ids", expanding=True)))
    .where(events.c.kind.in_(bindparam("kinds", expanding=True)))
    .order_by(events.c.thread_id, events.c.at, events.c.id)
)


def histories(
    conn: Conn, thread_ids: Collection[int], kinds: Collection[str]
) -> dict[int, list[PastEvent]]:
    """thread -> its events of these kinds, in the order in which they happened."""
    found: dict[int, list[PastEvent]] = {one: [] for one in thread_ids}
    for some in portions(thread_ids):
        for row in conn.execute(_HISTORY, {"ids": some, "kinds": sorted(kinds)}):
            found[row.thread_id].append(PastEvent(*row))
    return found


_OF_THREADS = (
    select(targets)
    .where(targets.c.thread_id.in_(bindparam("ids", expanding=True)))
    .order_by(targets.c.thread_id, targets.c.opened_at, targets.c.id)
)


def of_threads(conn: Conn, thread_ids: Collection[int]) -> dict[int, list[StoredTarget]]:
    """thread -> every target it ever had, in the order in which they opened."""
    found: dict[int, list[StoredTarget]] = {one: [] for one in thread_ids}
    for some in portions(thread_ids):
        for row in conn.execute(_OF_THREADS, {"ids": some}):
            found[row.thread_id].append(stored(row))
    return found


def threads_of_messages(conn: Conn, message_ids: Collection[int]) -> dict[int, int]:
    """message -> the thread that it is on now."""
    wanted = select(messages.c.id, messages.c.thread_id)
    return {
        row.id: row.thread_id
        for some in portions(message_ids)
        for row in conn.execute(wanted.where(messages.c.id.in_(some)))
    }


_SAVE = (
    update(targets)
    .where(targets.c.id == bindparam("the_id"))
    .values({name: bindparam(f"new_{name}") for name in _FIELDS})
)


def insert(conn: Conn, rows: Sequence[Mapping[str, Any]]) -> None:
    """Open targets; one that is there already (thread, metric, cycle) is left as it is."""
    if rows:
        insert_or_ignore(conn, targets, list(rows))
        urgency.refresh(conn, {row["thread_id"] for row in rows})


def save(conn: Conn, changed: Sequence[StoredTarget]) -> None:
    """Write these targets as they are now."""
    if changed:
        rows = [
            {"the_id": one.id, **{f"new_{name}": getattr(one, name) for name in _FIELDS}}
            for one in changed
        ]
        conn.execute(_SAVE, rows)
        urgency.refresh(conn, {one.thread_id for one in changed})


def fired(conn: Conn, steps: Sequence[Mapping[str, Any]]) -> None:
    """Note steps of ladders as done. A step that was done before is a unique-key error."""
    if steps:
        conn.execute(target_steps.insert(), list(steps))


def steps_done(conn: Conn, target_ids: Collection[int]) -> dict[int, list[Mapping[str, Any]]]:
    """target -> the steps of its ladder that happened, in their order."""
    found: dict[int, list[Mapping[str, Any]]] = {one: [] for one in target_ids}
    for some in portions(target_ids):
        wanted = select(target_steps).where(target_steps.c.target_id.in_(some))
        for row in conn.execute(wanted.order_by(target_steps.c.due_at, target_steps.c.fired_at)):
            found[row.target_id].append(dict(row._mapping))
    return found


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of what is due or runs."""

    target: StoredTarget
    subject: str
    account: str
    thread_team: str
    accountable: str


def listing(
    conn: Conn, *, team: str = "", before: datetime | None = None, limit: int = 50
) -> tuple[Listed, ...]:
    """Running targets, the most urgent first; with `before` those due by then."""
    wanted = (
        select(
            targets,
            threads.c.subject,
            threads.c.team.label("thread_team"),
            accounts.c.name.label("account"),
            people.c.handle.label("accountable"),
        )
        .join(threads, threads.c.id == targets.c.thread_id)
        .join(accounts, accounts.c.id == threads.c.account_id)
        .join(people, people.c.id == threads.c.accountable_id)
        .where(targets.c.state == "open")
        .order_by(targets.c.due_at, targets.c.id)
        .limit(limit)
    )
    if team:
        wanted = wanted.where(threads.c.team == team)
    if before is not None:
        wanted = wanted.where(targets.c.due_at <= before)
    return tuple(
        Listed(stored(row), row.subject, row.account, row.thread_team, row.accountable)
        for row in conn.execute(wanted)
    )


def state_counts(conn: Conn) -> dict[str, int]:
    """state -> how many targets are in it."""
    rows = conn.execute(select(targets.c.state, func.count()).group_by(targets.c.state))
    return {row[0]: row[1] for row in rows}


def recent_threads(conn: Conn, since: datetime, *, after: int, most: int) -> tuple[int, ...]:
    """The next threads, by number, with mail since then."""
    wanted = (
        select(threads.c.id)
        .where(threads.c.id > after)
        .where(threads.c.merged_into_id.is_(None))
        .where(threads.c.last_message_at >= since)
        .order_by(threads.c.id)
        .limit(most)
    )
    return tuple(conn.scalars(wanted))


def count_recent(conn: Conn, since: datetime) -> int:
    """How many threads have mail since then."""
    wanted = (
        select(func.count())
        .select_from(threads)
        .where(threads.c.merged_into_id.is_(None))
        .where(threads.c.last_message_at >= since)
    )
    return int(conn.scalar(wanted) or 0)
