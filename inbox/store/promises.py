"""The targets of threads, whole: kept before a deed, and put back where it is undone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import select, update

from inbox.store import urgency
from inbox.store.clock_tables import target_steps, targets
from inbox.store.database import Conn, portions


def of_threads(conn: Conn, thread_numbers: Collection[int]) -> list[dict[str, Any]]:
    """The targets of threads, whole, to be put back."""
    found = conn.execute(
        select(targets).where(targets.c.thread_id.in_(thread_numbers)).order_by(targets.c.id)
    )
    return [dict(row._mapping) for row in found]


def put_back(
    conn: Conn, kept: Sequence[Mapping[str, Any]], thread_numbers: Collection[int]
) -> None:
    """Make the targets of these threads those that were kept, but for what became of them since:
    the caller refreshes the clocks, which settles again what has been settled."""
    there = {one["id"] for one in of_threads(conn, thread_numbers)}
    fresh = there - {one["id"] for one in kept}
    for some in portions(fresh):
        conn.execute(target_steps.delete().where(target_steps.c.target_id.in_(some)))
        conn.execute(targets.delete().where(targets.c.id.in_(some)))
    for one in kept:
        values = {name: value for name, value in one.items() if name != "id"}
        conn.execute(update(targets).where(targets.c.id == one["id"]).values(**values))
    urgency.refresh(conn, {*thread_numbers, *(one["thread_id"] for one in kept)})
