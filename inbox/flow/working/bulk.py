"""One deed on many threads: each by the function that does it on one, all under one name for undo.

What cannot be done on a thread is said and left; the others go on. A thread is a transaction of its
own, so that a hundred of them hold up nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from inbox.errors import AboardError, NotFound
from inbox.flow.promises import sla
from inbox.flow.working import desk
from inbox.flow.working.regroup import Regrouping
from inbox.flow.working.work import Desk, Told
from inbox.store import threads
from inbox.store.database import Database
from inbox.store.seers import Seer

MOST = 500
"""Threads of one bulk deed."""
DEEDS = {
    "team": "Give to a team",
    "owner": "Give to a person",
    "claim": "Take on",
    "tag": "Tag",
    "untag": "Take a tag off",
    "priority": "Set the priority",
    "open": "Open again",
    "waiting": "Wait for the customer",
    "closed": "Close",
    "snooze": "Put aside",
    "merge": "Merge into one",
}
"""What can be done to many: name -> in words."""


@dataclass(frozen=True, slots=True)
class Deed:
    """What is to be done, with its value where it takes one."""

    name: str
    value: str = ""
    until: datetime | None = None
    """Of a snooze; None: until the customer writes."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of it."""

    threads: tuple[int, ...]
    left: tuple[str, ...]
    """What was not done, and why, as sentences."""


@dataclass(frozen=True, slots=True)
class Bulk:
    """Somebody of ours at work on many threads."""

    db: Database
    seer: Seer
    run: str
    """What the deeds are kept under for `flow.working.undo`."""
    told: Told = sla.told

    def do(self, thread_ids: Sequence[int], deed: Deed, now: datetime) -> Done:
        """Do it on each of these threads that the person sees. Raises `AboardError` for a deed
        that there is not, and for too many threads."""
        if deed.name not in DEEDS:
            raise AboardError(f"there is no deed {deed.name!r}")
        wanted = list(dict.fromkeys(thread_ids))
        if len(wanted) > MOST:
            raise AboardError(f"at most {MOST} threads at once; these are {len(wanted):,}")
        seen = self._seen(wanted)
        if deed.name == "merge":
            return self._merged(seen, now)
        done: list[int] = []
        left: list[str] = []
        for number in seen:
            try:
                self._one(number, deed, now)
            except (AboardError, NotFound) as error:
                left.append(str(error))
            else:
                done.append(number)
        return Done(tuple(done), tuple(left))

    def _seen(self, wanted: Sequence[int]) -> list[int]:
        with self.db.read() as conn:
            found = []
            for number in wanted:
                try:
                    found.append(threads.by_id(conn, number, self.seer).id)
                except NotFound:
                    continue  # what somebody does not see is not there for them
        return list(dict.fromkeys(found))

    def _one(self, number: int, deed: Deed, now: datetime) -> None:
        by, value = self.seer.handle, deed.value
        work = Desk(self.db, by, self.told, self.run)
        if deed.name == "team":
            desk.assign(self.db, number, value, by, now, run=self.run)
        elif deed.name == "owner":
            work.give(number, value, now)
        elif deed.name == "claim":
            work.claim(number, now)
        elif deed.name in ("tag", "untag"):
            add, remove = ((value,), ()) if deed.name == "tag" else ((), (value,))
            work.tag(number, add, remove, now)
        elif deed.name == "priority":
            work.prioritise(number, value, now)
        elif deed.name == "snooze":
            work.snooze(number, deed.until, now)
        else:
            {"open": work.reopen, "waiting": work.wait, "closed": work.close}[deed.name](
                number, now
            )

    def _merged(self, seen: Sequence[int], now: datetime) -> Done:
        if len(seen) < 2:
            return Done((), ("Merging needs two threads or more.",))
        first, *others = seen
        sorting = Regrouping(self.db, self.seer.handle, self.told, self.run)
        done: list[int] = []
        left: list[str] = []
        for number in others:
            try:
                sorting.merge(number, first, now)
            except (AboardError, NotFound) as error:
                left.append(str(error))
            else:
                done.append(number)
        return Done(tuple(done), tuple(left))
