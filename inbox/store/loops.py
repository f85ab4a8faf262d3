"""Pairs of (mailbox, address) that mail automatically: counted by the hour, stopped, released."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, exists, select, update

from inbox.errors import NotFound
from inbox.store.database import Conn, upsert
from inbox.store.hygiene_tables import loops
from inbox.store.outbox_tables import outbox


@dataclass(frozen=True, slots=True)
class Loop:
    """One pair."""

    id: int
    mailbox: str
    address: str
    thread_id: int
    """The thread of its last automatic mail."""
    hour_at: datetime
    count: int
    """Automatic mails since `hour_at`, up to an hour."""
    stopped_at: datetime | None
    released_at: datetime | None


def _loop(row: Any) -> Loop:
    return Loop(**{name: getattr(row, name) for name in Loop.__slots__})


_ONE = select(loops).where(
    loops.c.mailbox == bindparam("mailbox"), loops.c.address == bindparam("address")
)


def of_pair(conn: Conn, mailbox: str, address: str) -> Loop | None:
    """The pair, where it was counted before."""
    row = conn.execute(_ONE, {"mailbox": mailbox, "address": address}).first()
    return None if row is None else _loop(row)


def save(conn: Conn, row: dict[str, Any]) -> None:
    """Write a pair by its mailbox and address."""
    changed = {name: row[name] for name in ("thread_id", "hour_at", "count", "stopped_at")}
    upsert(conn, loops, row, key=("mailbox", "address"), set_=changed)


_STOPPED = select(
    exists().where(loops.c.address == bindparam("address"), loops.c.stopped_at.is_not(None))
)


def is_stopped(conn: Conn, address: str) -> bool:
    """Does nothing automatic leave to this address (lower case)?"""
    return bool(conn.scalar(_STOPPED, {"address": address}))


def listing(conn: Conn, *, every: bool = False, limit: int = 200) -> tuple[Loop, ...]:
    """Stopped pairs (with `every` all that are counted), those that were stopped last first."""
    wanted = select(loops).order_by(loops.c.stopped_at.desc().nulls_last(), loops.c.id)
    if not every:
        wanted = wanted.where(loops.c.stopped_at.is_not(None))
    return tuple(_loop(row) for row in conn.execute(wanted.limit(limit)))


def by_id(conn: Conn, loop_id: int) -> Loop:
    """One pair. Raises `NotFound`."""
    row = conn.execute(select(loops).where(loops.c.id == loop_id)).first()
    if row is None:
        raise NotFound(f"there is no pair {loop_id} (`aboard mail loops list` names them)")
    return _loop(row)


def release(conn: Conn, loop_id: int, now: datetime) -> bool:
    """Let automatic mail leave to it again, counted anew; False where it is not stopped."""
    changed = conn.execute(
        update(loops)
        .where(loops.c.id == loop_id, loops.c.stopped_at.is_not(None))
        .values(stopped_at=None, released_at=now, count=0, hour_at=now)
    )
    return bool(changed.rowcount)


_AUTOMATIC = select(outbox.c.id).where(
    outbox.c.mail_id.in_(bindparam("ids", expanding=True)), outbox.c.kind == "automatic"
)


def answers_automatic(conn: Conn, ids: list[str]) -> bool:
    """Is any of these ids that of an automatic mail of ours?"""
    return bool(ids) and conn.execute(_AUTOMATIC.limit(1), {"ids": ids}).first() is not None
