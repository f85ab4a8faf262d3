"""The sweeper: the thread of a node that ticks. Its clock is the one that all nodes share.

A clock that jumps is not acted upon until it can be trusted again (`promises.tick.SteadyClock`).
"""

from __future__ import annotations

import threading

from inbox import log
from inbox.clock import monotonic, utc_now
from inbox.config import Settings
from inbox.errors import AboardError, StoreError
from inbox.flow.admin.stored_sets import in_force
from inbox.flow.leaving.agent_post import AgentPost
from inbox.flow.promises.followups import FollowUps
from inbox.flow.promises.rehoming import Attendance, House, house_of
from inbox.flow.promises.tick import OnTimelineOnly, SteadyClock, Ticked, Ticker
from inbox.flow.working.agent_desk import AgentDesk
from inbox.store.database import Conn, Database

EVERY = 1.0
"""Seconds between two ticks; one that finds nothing due reads one index entry."""
AFTER_TROUBLE = 10.0


def _house(conn: Conn) -> House:
    files = in_force(conn)
    if files is None:
        raise StoreError("nothing that admins own is in force yet")
    return house_of(conn, files.directory, files.ruleset.fallback.team)


class Sweeper:
    """Ticks until it is stopped."""

    def __init__(
        self, settings: Settings, db: Database, follow_ups: FollowUps | None = None
    ) -> None:
        self._db = db
        self._settings = settings
        self._ticker = Ticker(db, settings.node, in_force, follow_ups or OnTimelineOnly())
        self._follow_ups = follow_ups
        self._clock = SteadyClock()
        self._attendance = Attendance()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the batch at work."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def once(self) -> Ticked:
        """One tick at the present instant; nothing while the clock is not to be trusted."""
        now = self._db.now(utc_now)
        if not self._clock.steady(now, monotonic()):
            return Ticked()
        self._attendance.keep(self._db, _house, now)
        done = self._ticker.tick(now, self._stopping.is_set)
        if self._follow_ups is not None:
            self._follow_ups.sweep(self._db, now, self._stopping.is_set)
            post, an_hour = self._follow_ups.post, self._settings.send.notices_an_hour
            AgentDesk(self._db, post).work(now, self._stopping.is_set)
            AgentPost(self._db, post, an_hour).sweep(now)
        return done

    def _run(self) -> None:
        wait = EVERY
        while not self._stopping.wait(wait):
            wait = EVERY
            try:
                done = self.once()
            except AboardError as error:
                log.database_trouble(error)
                wait = AFTER_TROUBLE
                continue
            except Exception as error:
                # A bug of ours must not end the sweep: deadlines would pass unnoticed for ever.
                log.sweep_failed(error)
                wait = AFTER_TROUBLE
                continue
            if done != Ticked():
                log.ticked(done.fired, done.skipped, done.woken)
