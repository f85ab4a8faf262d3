"""Assignments: decisions put into force, append-only, with the facts and rules behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, exists, func, select

from inbox.store.database import Conn, new_key
from inbox.store.tables import assignments, messages, threads
from inbox.store.threads import Thread


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


def by_person(
    was: Thread, to: tuple[str, int], by_id: int, at: datetime, more: Mapping[str, Any]
) -> Assignment:
    """What a person decided about a thread, not written yet.

    `was` is the thread before it, `to` the team and who answers there, `more` what the decision
    says beside them.
    """
    team, accountable_id = to
    return Assignment(
        thread_id=was.id,
        message_id=None,
        at=at,
        decided_by="person",
        team=team,
        accountable_id=accountable_id,
        by_id=by_id,
        rule=None,
        ruleset=None,
        model=None,
        score=None,
        decision={"team": team, "decided_by": "person", **more},
        facts={"thread.team": was.team, "thread.decided_by": was.decided_by},
    )


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


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision about a mail, with the mail's texts and what became of the thread."""

    made: Assignment
    subject: str
    visible_text: str
    text: str
    thread_team: str
    thread_decided_by: str
    received_at: datetime
    """When the mail came; it may have been filed later, and in another order."""


_EARLIER = assignments.alias("earlier")
_IS_FIRST = assignments.c.message_id.is_not(None) & ~exists().where(
    _EARLIER.c.thread_id == assignments.c.thread_id,
    _EARLIER.c.message_id.is_not(None),
    _EARLIER.c.id < assignments.c.id,
)
_COLUMNS = tuple(column.label(f"made_{column.name}") for column in assignments.c)
_DECIDED = (
    select(
        *_COLUMNS,
        messages.c.subject,
        messages.c.visible_text,
        messages.c.text,
        messages.c.received_at,
        threads.c.team.label("thread_team"),
        threads.c.decided_by.label("thread_decided_by"),
    )
    .join(messages, messages.c.id == assignments.c.message_id)
    .join(threads, threads.c.id == assignments.c.thread_id)
    .order_by(assignments.c.id)
)
_FIRST_OF_THREADS = _DECIDED.where(_IS_FIRST)
_LATER_OF_THREADS = _DECIDED.where(
    assignments.c.message_id.is_not(None),
    assignments.c.thread_id.in_(bindparam("threads", expanding=True)),
    assignments.c.id.not_in(bindparam("first", expanding=True)),
)


def first_of_threads(
    conn: Conn, since: datetime, *, after: int = 0, limit: int = 500
) -> tuple[Decided, ...]:
    """The decisions that opened threads, made since then, in the order in which they were made.

    `after` is the number of the last one already seen.
    """
    found = conn.execute(
        _FIRST_OF_THREADS.where(assignments.c.at >= since, assignments.c.id > after).limit(limit)
    )
    return tuple(_decided(row) for row in found)


def _decided(row: Any) -> Decided:
    values = row._mapping
    made = {column.name: values[f"made_{column.name}"] for column in assignments.c}
    rest = (
        "subject",
        "visible_text",
        "text",
        "thread_team",
        "thread_decided_by",
        "received_at",
    )
    return Decided(Assignment(**made), **{name: values[name] for name in rest})


def later_of_threads(conn: Conn, first: Sequence[Assignment]) -> dict[int, list[Decided]]:
    """thread -> its other decisions about mails, of the threads that these decisions opened."""
    asked = {"threads": [one.thread_id for one in first], "first": [one.id for one in first]}
    found: dict[int, list[Decided]] = {}
    for row in conn.execute(_LATER_OF_THREADS, asked) if first else ():
        one = _decided(row)
        found.setdefault(one.made.thread_id, []).append(one)
    return found


def count_first(conn: Conn, since: datetime) -> int:
    """How many threads' first decision was made since then."""
    found = conn.scalar(
        select(func.count()).select_from(assignments).where(_IS_FIRST, assignments.c.at >= since)
    )
    return int(found or 0)
