"""What a person does to an item in the outbox, shown on its thread: release, retry, undo."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from inbox.store import outbox_desk, threads, timeline
from inbox.store.database import Conn, Database
from inbox.store.outbox_desk import Item, Lifetimes

RELEASED = "mail-released"


def release(db: Database, item_id: int, now: datetime, lifetimes: Lifetimes, by: str = "") -> Item:
    """Let a held item leave. `by` is a person's handle; empty: an operator at the terminal.

    Raises `NotFound`, and `AboardError` for an item that is not held.
    """
    with db.write() as conn:
        outbox_desk.release(conn, item_id, now, lifetimes)
        return _told(conn, item_id, now, by, again=False)


def retry(db: Database, item_id: int, now: datetime, lifetimes: Lifetimes, by: str = "") -> Item:
    """Try an item again that failed, expired or is uncertain, as `outbox_desk.retry` says.

    Raises `NotFound`, and `AboardError` for an item in another state.
    """
    with db.write() as conn:
        outbox_desk.retry(conn, item_id, now, lifetimes)
        return _told(conn, item_id, now, by, again=True)


def _told(conn: Conn, item_id: int, now: datetime, by: str, *, again: bool) -> Item:
    item = outbox_desk.by_id(conn, item_id)
    actor = f"person:{by}" if by else "aboard"
    _tell(conn, item, RELEASED, {"again": again}, now, actor)
    return item


def cancel(db: Database, item_id: int, now: datetime, by: str = "") -> None:
    """Keep an item from leaving, and say so on its thread. `by` is a person's handle.

    Raises `NotFound`, and `AboardError` where its courier has begun the mail already.
    """
    with db.write() as conn:
        outbox_desk.cancel(conn, item_id, now, "undo")
        tell_cancelled(conn, (item_id,), now, f"person:{by}" if by else "aboard")


def cancel_answered(conn: Conn, thread_id: int, now: datetime) -> tuple[int, ...]:
    """The customer wrote: what was to leave only if they did not is cancelled, and shown."""
    cancelled = outbox_desk.cancel_answered(conn, thread_id, now)
    tell_cancelled(conn, cancelled, now, "aboard")
    return cancelled


def tell_cancelled(conn: Conn, item_ids: tuple[int, ...], now: datetime, actor: str) -> None:
    """One event for each of these items that is on a thread."""
    for item_id in item_ids:
        item = outbox_desk.by_id(conn, item_id)
        _tell(conn, item, "mail-cancelled", {"cause": item.cause or "", "detail": ""}, now, actor)


def _tell(
    conn: Conn, item: Item, kind: str, more: dict[str, Any], now: datetime, actor: str
) -> None:
    if item.thread_id is None:
        return
    thread = threads.by_id(conn, item.thread_id)
    to = [one.address for one in item.recipients]
    data = {"item": str(item.id), "kind": item.kind, "to": to, **more}
    timeline.append(
        conn, [timeline.Event(thread.account_id, thread.id, None, now, kind, actor, data)]
    )
