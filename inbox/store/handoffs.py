"""Handoffs: a thread offered by one team to another, and what became of the offer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update

from inbox.errors import NotFound
from inbox.store.clock_tables import handoffs
from inbox.store.database import Conn, new_key


@dataclass(frozen=True, slots=True)
class Handoff:
    """One offer. The giver stays accountable until it is accepted."""

    id: int
    thread_id: int
    from_team: str
    to_team: str
    by_id: int
    giver_id: int
    reason: str
    summary: str
    asks: tuple[str, ...]
    state: str
    offered_at: datetime
    settled_at: datetime | None = None
    settled_by_id: int | None = None
    answer: str | None = None


def _handoff(row: Any) -> Handoff:
    return Handoff(
        id=row.id,
        thread_id=row.thread_id,
        from_team=row.from_team,
        to_team=row.to_team,
        by_id=row.by_id,
        giver_id=row.giver_id,
        reason=row.reason,
        summary=row.summary,
        asks=tuple(row.asks),
        state=row.state,
        offered_at=row.offered_at,
        settled_at=row.settled_at,
        settled_by_id=row.settled_by_id,
        answer=row.answer,
    )


def offer(conn: Conn, made: Handoff) -> int:
    """Write an offer; its number. A second open one for the thread is a unique-key error."""
    row = {
        "thread_id": made.thread_id,
        "from_team": made.from_team,
        "to_team": made.to_team,
        "by_id": made.by_id,
        "giver_id": made.giver_id,
        "reason": made.reason,
        "summary": made.summary,
        "asks": list(made.asks),
        "state": "offered",
        "offered_at": made.offered_at,
    }
    return new_key(conn.execute(handoffs.insert(), row))


_OPEN = (
    select(handoffs)
    .where(handoffs.c.thread_id == bindparam("thread_id"))
    .where(handoffs.c.state == "offered")
)


def open_of(conn: Conn, thread_id: int) -> Handoff | None:
    """The offer of a thread that nobody has answered yet."""
    row = conn.execute(_OPEN, {"thread_id": thread_id}).first()
    return None if row is None else _handoff(row)


def last_accepted(conn: Conn, thread_id: int) -> Handoff | None:
    """The handoff by which a thread came to its team; None where none was accepted."""
    wanted = select(handoffs).where(
        handoffs.c.thread_id == thread_id, handoffs.c.state == "accepted"
    )
    newest = wanted.order_by(handoffs.c.settled_at.desc(), handoffs.c.id.desc()).limit(1)
    row = conn.execute(newest).first()
    return None if row is None else _handoff(row)


def by_id(conn: Conn, handoff_id: int) -> Handoff:
    """One handoff. Raises `NotFound`."""
    row = conn.execute(select(handoffs).where(handoffs.c.id == handoff_id)).first()
    if row is None:
        raise NotFound(f"there is no handoff {handoff_id} (`aboard handoff list` names them)")
    return _handoff(row)


def settle(
    conn: Conn, handoff_id: int, state: str, by_id: int | None, answer: str, now: datetime
) -> bool:
    """End an open offer; False when somebody else has ended it already."""
    changed = conn.execute(
        update(handoffs)
        .where(handoffs.c.id == handoff_id)
        .where(handoffs.c.state == "offered")
        .values(state=state, settled_at=now, settled_by_id=by_id, answer=answer or None)
    )
    return bool(changed.rowcount)


def hand_over(conn: Conn, person_id: int, to_id: int) -> None:
    """Another person is the giver of everything that one has on offer."""
    conn.execute(
        update(handoffs)
        .where(handoffs.c.giver_id == person_id)
        .where(handoffs.c.state == "offered")
        .values(giver_id=to_id)
    )


def listing(conn: Conn, *, team: str = "", settled: bool = False) -> tuple[Handoff, ...]:
    """Open offers (with `settled` all of them) to or from a team, the oldest first."""
    wanted = select(handoffs).order_by(handoffs.c.offered_at, handoffs.c.id)
    if not settled:
        wanted = wanted.where(handoffs.c.state == "offered")
    if team:
        wanted = wanted.where((handoffs.c.to_team == team) | (handoffs.c.from_team == team))
    return tuple(_handoff(row) for row in conn.execute(wanted))
