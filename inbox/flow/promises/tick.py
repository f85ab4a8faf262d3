"""Tick: what the clocks demand now. It claims what is due, so it costs that and not what is open.

One batch is one transaction: the step's key, what it does, and when the next one is due. So two
nodes cannot do a step twice, and a node that dies has done all of a batch or none of it. After
downtime only the latest due step of a ladder is done; the earlier ones are recorded as skipped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from inbox import log
from inbox.errors import StoreError
from inbox.flow.admin.admin_set import AdminFiles
from inbox.flow.promises import sla
from inbox.flow.promises.climb import Climb, Fired
from inbox.store import due_targets, threads, timeline
from inbox.store.database import Conn, Database, is_conflict

BATCH = 500
MOST_JUMP = timedelta(minutes=10)
"""Wall time minus monotonic time may change by so much between two readings."""
APART = timedelta(seconds=60)
"""Monotonic time between two readings that have to agree after a jump."""
AGREE = timedelta(seconds=5)
RETRY_AFTER = timedelta(minutes=5)
"""When a step is tried again that could not be done."""
MOST_CONFLICTS = 5


class Effects(Protocol):
    """What a step does outside threads and their timeline; in the step's own transaction."""

    def notify(self, conn: Conn, fired: Fired, handles: tuple[str, ...]) -> None:
        """Tell these people of ours."""

    def follow_up(self, conn: Conn, fired: Fired, template: str) -> str:
        """Send a templated mail to the customer; in a word what came of it, such as `queued`."""


class OnTimelineOnly:
    """Effects of a house that sends no mail: the step's event says what it would have sent."""

    def notify(self, conn: Conn, fired: Fired, handles: tuple[str, ...]) -> None:
        """The timeline names them already."""

    def follow_up(self, conn: Conn, fired: Fired, template: str) -> str:
        """Nothing leaves."""
        return "not-sent"


@dataclass(slots=True)
class SteadyClock:
    """Does the wall clock run as it should? After a jump the sweep waits until it does again.

    A jump is a change of wall time minus monotonic time by more than ten minutes. Then two
    readings a minute apart have to agree.
    """

    _ahead: timedelta | None = None
    _suspect: tuple[timedelta, float] | None = None

    def steady(self, wall: datetime, monotonic: float) -> bool:
        """May be swept at this reading? `monotonic` is in seconds."""
        ahead = timedelta(seconds=wall.timestamp() - monotonic)
        if self._suspect is not None:
            return self._settled(ahead, monotonic)
        if self._ahead is not None and abs(ahead - self._ahead) > MOST_JUMP:
            log.clock_jumped((ahead - self._ahead).total_seconds())
            self._suspect = (ahead, monotonic)
            return False
        self._ahead = ahead
        return True

    def _settled(self, ahead: timedelta, monotonic: float) -> bool:
        assert self._suspect is not None
        before, since = self._suspect
        if abs(ahead - before) > AGREE:
            self._suspect = (ahead, monotonic)
            return False
        if monotonic - since < APART.total_seconds():
            return False
        self._ahead, self._suspect = ahead, None
        return True


@dataclass(frozen=True, slots=True)
class Ticked:
    """What one tick did."""

    fired: int = 0
    skipped: int = 0
    woken: int = 0
    failed: int = 0

    def __add__(self, other: Ticked) -> Ticked:
        return Ticked(
            self.fired + other.fired,
            self.skipped + other.skipped,
            self.woken + other.woken,
            self.failed + other.failed,
        )


@dataclass(slots=True)
class Ticker:
    """One node's sweep over what is due."""

    db: Database
    node: str
    files: Callable[[Conn], AdminFiles | None]
    effects: Effects = field(default_factory=OnTimelineOnly)
    batch: int = BATCH

    def tick(self, now: datetime, stop: Callable[[], bool] = lambda: False) -> Ticked:
        """Wake what was snoozed until now, and do every step that is due by now.

        `stop` is asked between batches. Raises `StoreError`.
        """
        total = Ticked()
        while not stop():
            done, more = self._again(lambda: self._wake(now))
            total += done
            if not more:
                break
        while not stop():
            done, more = self._sweep(now)
            total += done
            if not more:
                break
        return total

    def _again(self, work: Callable[[], tuple[Ticked, bool]]) -> tuple[Ticked, bool]:
        """The same again where another transaction stood in the way."""
        for _ in range(MOST_CONFLICTS):
            try:
                return work()
            except StoreError:
                raise
            except Exception as error:
                if not is_conflict(error):
                    raise
        return Ticked(), False  # so busy just now: the next tick finds what is left

    def _sweep(self, now: datetime) -> tuple[Ticked, bool]:
        try:
            return self._again(lambda: self._batch(now))
        except StoreError:
            raise
        except Exception as error:
            # Whatever it was, it was one of them: each is done alone, and fails alone.
            log.step_failed(error)
            return self._one_by_one(now)

    def _batch(self, now: datetime) -> tuple[Ticked, bool]:
        with self.db.read() as conn:
            if not due_targets.any_due(conn, now):
                return Ticked(), False  # the usual case takes no write lock
        with self.db.write() as conn:
            due = due_targets.claim(conn, now, self.batch)
            if not due:
                return Ticked(), False
            climb = self._climb(conn, now)
            for one in due:
                climb.fire(one)
            climb.flush()
        return Ticked(climb.done, climb.skipped), len(due) == self.batch

    def _one_by_one(self, now: datetime) -> tuple[Ticked, bool]:
        with self.db.write() as conn:
            ids = [one.target.id for one in due_targets.claim(conn, now, self.batch)]
        total = Ticked()
        for number in ids:
            try:
                with self.db.write() as conn:
                    due = due_targets.hold(conn, number, now)
                    if due is not None:
                        climb = self._climb(conn, now)
                        climb.fire(due)
                        climb.flush()
                        total += Ticked(climb.done, climb.skipped)
            except StoreError:
                raise
            except Exception as error:
                log.step_failed(error)
                with self.db.write() as conn:
                    due_targets.postpone(conn, number, now + RETRY_AFTER)
                total += Ticked(failed=1)
        return total, len(ids) == self.batch

    def _climb(self, conn: Conn, now: datetime) -> Climb:
        files = self.files(conn)
        clocks = None if files is None else sla.clocks_of(files)
        if files is None or clocks is None:
            raise StoreError("no policies are in force, so nothing can be done about deadlines")
        return Climb(conn, clocks, files.directory, self.effects, self.node, now)

    def _wake(self, now: datetime) -> tuple[Ticked, bool]:
        with self.db.read() as conn:
            if not due_targets.any_waking(conn, now):
                return Ticked(), False
        with self.db.write() as conn:
            found = due_targets.waking(conn, now, self.batch)
            for thread_id, account_id in found:
                threads.save(conn, thread_id, status="open", snoozed_until=None)
                data = {"status": "open", "from": "snoozed", "why": "its time has come"}
                event = timeline.Event(
                    account_id, thread_id, None, now, "status-changed", "aboard", data
                )
                timeline.add(conn, event)
            files = self.files(conn)
            clocks = None if files is None else sla.clocks_of(files)
            if clocks is not None:
                sla.refresh(conn, clocks, {thread for thread, _ in found}, now)
        return Ticked(woken=len(found)), len(found) == self.batch
