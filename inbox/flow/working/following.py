"""Follow and unfollow a thread: who follows is told what happens on it, and answers for nothing."""

from __future__ import annotations

from datetime import datetime

from inbox.flow.working.undoing import Undoing, Way
from inbox.store import deeds, followers, people, threads
from inbox.store.database import Database
from inbox.store.deeds import Deed


def follow(
    db: Database, thread_id: int, by: str, now: datetime, *, on: bool = True, run: str = ""
) -> bool:
    """Begin to follow a thread, or end it; False where it was so already. Raises `NotFound`.

    No event: whom it is about is nobody else's business on the account's timeline.
    """
    with db.write() as conn:
        person, thread = people.by_handle(conn, by), threads.by_id(conn, thread_id)
        if on:
            changed = followers.follow(conn, thread.id, person.id, followers.CHOSE, now)
        else:
            changed = followers.unfollow(conn, thread.id, person.id)
        if changed and run:
            after = {"on": on}
            deeds.add(conn, Deed(run, "follow", thread.id, person.id, now, {}, after))
        return changed


def _undo(undoing: Undoing, done: Deed) -> str:
    thread = threads.by_id(undoing.conn, int(done.thread_id or 0))
    if done.after["on"]:
        followers.unfollow(undoing.conn, thread.id, done.by_id)
    else:
        followers.follow(undoing.conn, thread.id, done.by_id, followers.CHOSE, undoing.now)
    return ""


WAYS: dict[str, Way] = {"follow": _undo}
