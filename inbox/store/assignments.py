"""Assignments: decisions put into force, append-only, with the facts and rules behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from inbox.store.database import Conn, new_key
from inbox.store.tables import assignments


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who decided that a thread goes to a team, when, and on what grounds."""

    thread_id: int
    message_id: int | None
    at: datetime
    decided_by: str
    team: str
    accountable_id: int
    by_id: int | None
    rule: str | None
    ruleset: str | None
    model: str | None
    score: float | None
    decision: Mapping[str, Any]
    facts: Mapping[str, Any]
    id: int = 0


def append(conn: Conn, made: Assignment) -> int:
    """Write an assignment; its number."""
    values = {name: getattr(made, name) for name in made.__slots__ if name != "id"}
    values["decision"] = dict(made.decision)
    values["facts"] = dict(made.facts)
    return new_key(conn.execute(assignments.insert(), values))


def of_thread(conn: Conn, thread_id: int) -> tuple[Assignment, ...]:
    """The assignments of a thread, first made first."""
    found = conn.execute(
        select(assignments).where(assignments.c.thread_id == thread_id).order_by(assignments.c.id)
    )
    return tuple(Assignment(**row._mapping) for row in found)


def of_message(conn: Conn, message_id: int) -> Assignment | None:
    """The decision that a message brought about, or None."""
    row: Any = conn.execute(
        select(assignments)
        .where(assignments.c.message_id == message_id)
        .order_by(assignments.c.id)
        .limit(1)
    ).first()
    return None if row is None else Assignment(**row._mapping)
