"""Deeds: what a person did, with what was there before and after it, so that it can be undone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, update

from inbox.store.database import Conn, new_key
from inbox.store.draft_tables import deeds


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that a person did. Deeds of one `run` are undone together."""

    run: str
    kind: str
    """`thread`: columns of one thread; else who undoes it is said in `flow.working.undo`."""
    thread_id: int | None
    by_id: int
    at: datetime
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    id: int = 0
    undone_at: datetime | None = None
    undone_by_id: int | None = None


def add(conn: Conn, done: Deed) -> int:
    """Write a deed; its number. Instants in it are kept as text."""
    row = {
        "run": done.run,
        "kind": done.kind,
        "thread_id": done.thread_id,
        "by_id": done.by_id,
        "at": done.at,
        "before": packed(done.before),
        "after": packed(done.after),
    }
    return new_key(conn.execute(deeds.insert(), row))


def of_run(conn: Conn, run: str) -> tuple[Deed, ...]:
    """The deeds of a run, the last one first."""
    found = conn.execute(select(deeds).where(deeds.c.run == run).order_by(deeds.c.id.desc()))
    return tuple(_deed(row) for row in found)


def latest_run(conn: Conn, thread_id: int, by_id: int) -> str | None:
    """The run of the last deed of a person on a thread, if it has not been undone."""
    row = conn.execute(
        select(deeds.c.run, deeds.c.undone_at)
        .where(deeds.c.thread_id == thread_id, deeds.c.by_id == by_id)
        .order_by(deeds.c.id.desc())
        .limit(1)
    ).first()
    return None if row is None or row.undone_at is not None else str(row.run)


def runs_of_items(conn: Conn, thread_id: int, by_id: int, *, limit: int = 20) -> dict[int, str]:
    """Outbox item -> the run under which a person put it there, of their last deeds on a thread."""
    found = conn.execute(
        select(deeds.c.run, deeds.c.after)
        .where(deeds.c.thread_id == thread_id, deeds.c.by_id == by_id, deeds.c.kind == "send")
        .where(deeds.c.undone_at.is_(None))
        .order_by(deeds.c.id.desc())
        .limit(limit)
    )
    return {int(row.after["item"]): row.run for row in found if row.after.get("item")}


def note_undone(conn: Conn, deed_id: int, by_id: int, now: datetime) -> bool:
    """Mark a deed as undone; False where somebody has just undone it."""
    changed = conn.execute(
        update(deeds)
        .where(deeds.c.id == deed_id, deeds.c.undone_at.is_(None))
        .values(undone_at=now, undone_by_id=by_id)
    )
    return bool(changed.rowcount)


def _deed(row: Any) -> Deed:
    values = dict(row._mapping)
    values["before"], values["after"] = unpacked(row.before), unpacked(row.after)
    return Deed(**values)


def packed(value: Any) -> Any:
    """A value as JSON takes it; an instant as `{"at": ISO}`, a tuple as a list."""
    if isinstance(value, datetime):
        return {"at": value.astimezone(UTC).isoformat()}
    if isinstance(value, Mapping):
        return {str(name): packed(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [packed(one) for one in value]
    return value


def unpacked(value: Any) -> Any:
    """What `packed` packed; tuples stay lists."""
    if isinstance(value, dict):
        if value.keys() == {"at"} and isinstance(value["at"], str):
            return datetime.fromisoformat(value["at"])
        return {name: unpacked(one) for name, one in value.items()}
    if isinstance(value, list):
        return [unpacked(one) for one in value]
    return value
