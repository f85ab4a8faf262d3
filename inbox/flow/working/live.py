"""What changed since the last look, for everybody who watches: new events, and who is where.

Nodes do not talk to each other; each reads what the others wrote. Events are numbered before
they are committed, so on PostgreSQL a lower one may appear after a higher one: there a watch looks
back over what it has seen for the last `LOOK_BACK`. SQLite has one writer and no such gaps.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from inbox.store import feed, presence
from inbox.store.database import Database
from inbox.store.feed import Change
from inbox.store.presence import Here

HEARTBEAT = timedelta(seconds=15)
"""How often a tab says what it shows."""
EXPIRES = timedelta(seconds=45)
"""When a tab that says nothing counts as gone."""
LOOK_BACK = timedelta(seconds=20)
BELOW = 500
"""Numbers below the newest event that may still come in when a watch begins (PostgreSQL)."""
MOST_CHANGES = 1000
"""Events of one look; whoever missed more reads everything again."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found."""

    at: int
    """From this event on a reader may be told again: everything up to it has been seen."""
    changes: tuple[Change, ...]
    here: tuple[Here, ...]
    too_many: bool = False
    """More happened than is told one by one."""
    confidential: frozenset[int] = frozenset()
    """Threads among these that not everybody may see."""

    @property
    def thread_ids(self) -> frozenset[int]:
        """Every thread that is spoken of."""
        changed = {one.thread_id for one in self.changes if one.thread_id is not None}
        return frozenset(changed | {one.thread_id for one in self.here})


class Watch:
    """Looks again and again, with two short queries a look."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._back = timedelta(0) if db.is_sqlite else LOOK_BACK
        self._floor: int | None = None
        self._seen: dict[int, datetime | None] = {}
        self._lock = threading.Lock()

    def start(self) -> int:
        """Begin at the newest event where it has not begun; from where a reader may be told again.

        What is already there counts as seen, and what still comes in below it, as new.
        """
        with self._lock:
            return self._begin() if self._floor is None else self._floor

    def _begin(self) -> int:
        with self._db.read() as conn:
            newest = feed.newest(conn)
            self._floor = newest if not self._back else max(0, newest - BELOW)
            found = feed.after(conn, self._floor, limit=BELOW + MOST_CHANGES)
        self._seen = {one.id: None for one in found}
        return self._floor

    def look(self, now: datetime) -> Look:
        """What happened since the last look. Raises `StoreError`, and then has lost nothing."""
        with self._lock:
            return self._look(now)

    def _look(self, now: datetime) -> Look:
        floor = self._begin() if self._floor is None else self._floor
        with self._db.read() as conn:
            found = feed.after(conn, floor, limit=MOST_CHANGES + BELOW)
            here = presence.here(conn, now - EXPIRES)
            new = tuple(one for one in found if one.id not in self._seen)
            ids = Look(floor, new, here).thread_ids
            hidden = feed.confidential(conn, ids) if ids else frozenset()
        if len(new) > MOST_CHANGES or len(found) == MOST_CHANGES + BELOW:
            return Look(self._begin(), (), here, too_many=True, confidential=hidden)
        self._seen |= {one.id: now for one in new}
        return Look(self._settled(now, floor), new, here, confidential=hidden)

    def _settled(self, now: datetime, floor: int) -> int:
        """Raise the floor over what was seen long enough ago."""
        self._seen = {number: at or now for number, at in self._seen.items()}
        old = [number for number, at in self._seen.items() if at and at <= now - self._back]
        self._floor = max(old, default=floor)
        self._seen = {number: at for number, at in self._seen.items() if number > self._floor}
        return self._floor


def missed(db: Database, last: int) -> tuple[Change, ...] | None:
    """What happened after an event that a browser saw last; None where it is too much to tell, or
    where the browser knows of events that are not there (a database put back from a backup)."""
    with db.read() as conn:
        if last > feed.newest(conn):
            return None
        found = feed.after(conn, last, limit=MOST_CHANGES + 1)
    return None if len(found) > MOST_CHANGES else found


def at_thread(
    db: Database, person_id: int, tab: str, thread_id: int, does: str, now: datetime
) -> None:
    """A tab of somebody shows a thread, or answers there."""
    with db.write() as conn:
        presence.seen(conn, person_id, tab, thread_id, does, now)
        presence.forget(conn, now - 10 * EXPIRES)


def left(db: Database, person_id: int, tab: str) -> None:
    """A tab of somebody shows no thread any more."""
    with db.write() as conn:
        presence.gone(conn, person_id, tab)
