"""Follow-ups that are planned: written, claimed when due, changed, cancelled; decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update

from inbox.errors import NotFound
from inbox.store import holding
from inbox.store.database import Conn, for_update, insert_or_ignore, portions, skip_locked
from inbox.store.outbox_tables import outbox, planned, sequences
from inbox.store.seers import Seer, threads_seen
from inbox.store.tables import threads

WAITING = ("planned", "paused")
"""States of a follow-up that has not gone anywhere yet."""


@dataclass(frozen=True, slots=True)
class NewSequence:
    """A run of a sequence that begins."""

    name: str
    account_id: int
    thread_id: int
    cycle: int
    """The event that started it."""
    recipient: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class NewStep:
    """A follow-up of a run."""

    step: str
    template: str
    asks: bool
    due_at: datetime
    state: str = "planned"
    why: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A follow-up with the run that it belongs to."""

    id: int
    sequence_id: int
    step: str
    template: str
    asks: bool
    due_at: datetime
    state: str
    edited: Mapping[str, str] | None
    item_id: int | None
    why: str | None
    sequence: str
    account_id: int
    thread_id: int
    cycle: int
    recipient: str
    started_at: datetime


_STEPS = select(
    planned.c.id,
    planned.c.sequence_id,
    planned.c.step,
    planned.c.template,
    planned.c.asks,
    planned.c.due_at,
    planned.c.state,
    planned.c.edited,
    planned.c.item_id,
    planned.c.why,
    sequences.c.name,
    sequences.c.account_id,
    sequences.c.thread_id,
    sequences.c.cycle,
    sequences.c.recipient,
    sequences.c.started_at,
).join(sequences, sequences.c.id == planned.c.sequence_id)
_IN_ORDER = (planned.c.due_at, planned.c.id)


def _steps(conn: Conn, statement: Any) -> tuple[PlannedStep, ...]:
    return tuple(PlannedStep(*row) for row in conn.execute(statement))


def start(conn: Conn, new: NewSequence, steps: Sequence[NewStep]) -> int | None:
    """Write a run and its steps; its number, or None where this run began before."""
    same = ("name", "account_id", "thread_id", "cycle", "recipient", "started_at")
    row = {name: getattr(new, name) for name in same} | {"state": "running"}
    fresh = insert_or_ignore(conn, sequences, row) > 0
    number = conn.execute(
        select(sequences.c.id).where(
            sequences.c.name == new.name,
            sequences.c.cycle == new.cycle,
            sequences.c.recipient == new.recipient,
        )
    ).scalar_one()
    same = ("step", "template", "asks", "due_at", "state", "why")
    rows = [{"sequence_id": number} | {name: getattr(one, name) for name in same} for one in steps]
    insert_or_ignore(conn, planned, rows)
    return int(number) if fresh else None


_DUE = (
    select(planned.c.id)
    .where(planned.c.state == "planned", planned.c.due_at <= bindparam("now"))
    .order_by(*_IN_ORDER)
    .limit(bindparam("most"))
)


def any_due(conn: Conn, now: datetime) -> bool:
    """Is a follow-up due?"""
    return conn.scalar(_DUE, {"now": now, "most": 1}) is not None


def claim(conn: Conn, now: datetime, most: int) -> tuple[PlannedStep, ...]:
    """Follow-ups that are due, held with their accounts until the transaction ends.

    What others hold is passed over: it waits for nobody, so nobody can wait for it in a ring.
    """
    ids = list(conn.scalars(skip_locked(conn, _DUE), {"now": now, "most": most}))
    if not ids:
        return ()
    found = _steps(conn, _STEPS.where(planned.c.id.in_(ids)).order_by(*_IN_ORDER))
    free = holding.held(conn, (one.account_id for one in found))
    return tuple(one for one in found if one.account_id in free)


def by_id(conn: Conn, planned_id: int, *, held: bool = False) -> PlannedStep:
    """One follow-up; with `held` nobody else changes it until the transaction ends. `NotFound`."""
    if held:
        conn.execute(for_update(conn, select(planned.c.id).where(planned.c.id == planned_id)))
    for one in _steps(conn, _STEPS.where(planned.c.id == planned_id)):
        return one
    raise NotFound(f"there is no follow-up {planned_id} (`aboard followups list` lists them)")


def coming(
    conn: Conn, seer: Seer | None, *, state: str = "", after: int = 0, limit: int = 50
) -> tuple[PlannedStep, ...]:
    """Everything that is planned on threads that are seen, the next first, behind so many rows;
    with `state` only what is `planned` or `paused`."""
    wanted = _STEPS.join(threads, threads.c.id == sequences.c.thread_id).where(threads_seen(seer))
    states = (state,) if state else WAITING
    wanted = wanted.where(planned.c.state.in_(states)).order_by(*_IN_ORDER)
    return _steps(conn, wanted.offset(after).limit(limit))


def seen(conn: Conn, planned_id: int, seer: Seer | None) -> None:
    """Raises `NotFound` for a follow-up that somebody does not see."""
    wanted = _STEPS.join(threads, threads.c.id == sequences.c.thread_id).where(threads_seen(seer))
    if not _steps(conn, wanted.where(planned.c.id == planned_id)):
        raise NotFound(f"there is no follow-up {planned_id}")


def waiting_of_accounts(conn: Conn, account_ids: Collection[int]) -> tuple[PlannedStep, ...]:
    """Everything that is planned for these accounts, what is due first comes first."""
    found: list[PlannedStep] = []
    for some in portions(account_ids):
        wanted = _STEPS.where(sequences.c.account_id.in_(some), planned.c.state.in_(WAITING))
        found += _steps(conn, wanted.order_by(*_IN_ORDER))
    return tuple(found)


def waiting_of_thread(conn: Conn, thread_id: int) -> tuple[PlannedStep, ...]:
    """Everything that is planned on a thread."""
    wanted = _STEPS.where(sequences.c.thread_id == thread_id, planned.c.state.in_(WAITING))
    return _steps(conn, wanted.order_by(*_IN_ORDER))


def leaving(conn: Conn, account_ids: Collection[int]) -> tuple[PlannedStep, ...]:
    """Follow-ups of these accounts whose mail is in the outbox and has not left."""
    found: list[PlannedStep] = []
    for some in portions(account_ids):
        wanted = (
            _STEPS.join(outbox, outbox.c.id == planned.c.item_id)
            .where(sequences.c.account_id.in_(some), planned.c.state == "queued")
            .where(outbox.c.state.in_(("held", "queued", "sending")))
        )
        found += _steps(conn, wanted.order_by(*_IN_ORDER))
    return tuple(found)


def of_item(conn: Conn, item_id: int, account_id: int) -> PlannedStep | None:
    """The follow-up whose mail an outbox item is; None for one that was never planned."""
    wanted = _STEPS.where(sequences.c.account_id == account_id, planned.c.item_id == item_id)
    return next(iter(_steps(conn, wanted)), None)


def save(conn: Conn, planned_id: int, **values: Any) -> None:
    """Change a follow-up."""
    conn.execute(update(planned).where(planned.c.id == planned_id).values(**values))


def end_done(conn: Conn, sequence_id: int, now: datetime) -> None:
    """End a run of which no step is left."""
    left = select(planned.c.id).where(
        planned.c.sequence_id == sequence_id, planned.c.state.in_(WAITING)
    )
    if conn.scalar(left.limit(1)) is None:
        conn.execute(
            update(sequences)
            .where(sequences.c.id == sequence_id, sequences.c.state == "running")
            .values(state="done", ended_at=now)
        )


def cancel(conn: Conn, sequence_ids: Collection[int], why: str, now: datetime) -> None:
    """End these runs, and cancel what is left of them."""
    for some in portions(sequence_ids):
        conn.execute(
            update(sequences)
            .where(sequences.c.id.in_(some), sequences.c.state.in_(("running", "paused")))
            .values(state="cancelled", ended_at=now, why=why)
        )
        conn.execute(
            update(planned)
            .where(planned.c.sequence_id.in_(some), planned.c.state.in_(WAITING))
            .values(state="cancelled", settled_at=now, why=why)
        )


def cancel_step(conn: Conn, one: PlannedStep, why: str, now: datetime) -> None:
    """Cancel one follow-up; its run ends where no other is left."""
    save(conn, one.id, state="cancelled", settled_at=now, why=why)
    end_done(conn, one.sequence_id, now)
