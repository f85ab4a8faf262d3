"""What a person does to an item in the outbox that shows on its thread: undo."""

from __future__ import annotations

from datetime import datetime

from inbox.store import outbox_desk, threads, timeline
from inbox.store.database import Conn, Database


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
        if item.thread_id is None:
            continue
        thread = threads.by_id(conn, item.thread_id)
        data = {
            "item": str(item.id),
            "kind": item.kind,
            "to": [one.address for one in item.recipients],
            "cause": item.cause or "",
            "detail": "",
        }
        event = timeline.Event(
            account_id=thread.account_id,
            thread_id=thread.id,
            message_id=None,
            at=now,
            kind="mail-cancelled",
            actor=actor,
            data=data,
        )
        timeline.append(conn, [event])
