"""The site that every page is handed, with what it keeps between requests: counts, and templates.

Pages read through `inbox.store` and write only through what `Site` carries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from fastapi import Request

from inbox.clock import Clock, monotonic
from inbox.config import Settings
from inbox.store import feed, threads
from inbox.store.database import Conn, Database
from inbox.store.seers import Seer
from inbox.web.render import Renderer
from inbox.web.view_counts import ViewCounts
from inbox.web.wall_sums import Walls

Retry = Callable[[Sequence[int] | None], int]
"""Puts quarantined mails, given by ledger number (all where None), back to work; how many."""

TeamCounts = dict[str, dict[str, int]]
"""team -> status -> how many threads."""
_ALL, _SHARED = "all", "not confidential"
MOST_COUNTED = 500
"""People whose counts are kept."""
COUNTS_STAND_FOR = 2.0
"""Seconds for which the counts of the navigation are not counted again."""


class Corrections(Protocol):
    """Gives threads to other teams, and takes that back; `working.correct` says what counts."""

    def correct(self, thread_id: int, team: str, by: str, now: datetime) -> None:
        """Give a thread to a team as the person `by`. Raises `NotFound`."""

    def take_back(self, thread_id: int, assignment_id: int, by: str, now: datetime) -> str | None:
        """Undo the last correction; the team it is with now, None where it is not the last."""


class Proposals(Protocol):
    """Settles what mails ask for; `inbox.flow.deciding.proposals` says what that does."""

    def apply(self, proposal_id: int, by: str, now: datetime) -> object:
        """Apply a proposal. Raises `NotFound`, `AboardError` where it cannot be (any more)."""

    def decline(self, proposal_id: int, by: str, now: datetime) -> object:
        """Decline a proposal. Raises as `apply` does."""


class Decided(Protocol):
    """What came of a decision: the thread to look at, and the name under which it is undone."""

    @property
    def thread_id(self) -> int:
        """The thread to look at now."""

    @property
    def run(self) -> str:
        """The name under which it is undone."""


class Decisions(Protocol):
    """Puts right what mail alone must not decide; `working.decisions` says what that does. All
    raise `NotFound`, and `AboardError` where it cannot be."""

    def correct(self, message_id: int, sender: str, by: str, now: datetime) -> Decided:
        """Make a forward the mail of `sender`; of an empty one the colleague's own."""

    def join(self, thread_id: int, other_id: int, by: str, now: datetime) -> Decided:
        """Join two linked threads."""

    def undo(self, run: str, by: str, now: datetime) -> tuple[str, ...]:
        """Take it back; what stays and why."""


@dataclass(frozen=True, slots=True)
class Site:
    """What the web inbox is built from."""

    db: Database
    settings: Settings
    clock: Clock
    retry: Retry
    demo: bool = False
    corrections: Corrections | None = None
    """None: the pages offer no correction."""
    proposals: Proposals | None = None
    """None: the pages settle no proposal."""
    decisions: Decisions | None = None
    """None: the pages correct no forward and join no threads."""
    parts: tuple[str, ...] = ()
    """What else runs in this process, for the page about it."""


class Counts:
    """How many threads each team has in each status, counted at most once in a while.

    Counting reads the index entry of every thread, so its cost grows with the inbox; a page's
    must not. What this process changes itself is counted anew at once. What everybody sees is
    counted once for all; the confidential threads that somebody sees are few, and counted for
    each of those who do not see all.
    """

    def __init__(self) -> None:
        self._counted: dict[Seer | str, tuple[float, TeamCounts]] = {}
        self._newest: tuple[float, int] | None = None
        self.views = ViewCounts()

    def now(self, conn: Conn, seer: Seer) -> TeamCounts:
        """What this person may count, not older than `COUNTS_STAND_FOR`."""
        if seer.sees_all:
            return self._of(_ALL, lambda: threads.counts(conn))
        shared = self._of(_SHARED, lambda: threads.counts(conn, confidential=False))
        own = self._of(seer, lambda: threads.counts_of_confidential(conn, seer))
        return _sum(shared, own) if own else shared

    def newest(self, conn: Conn) -> int:
        """The event that was the newest not longer than `COUNTS_STAND_FOR` ago: from there on an
        open page hears what changed."""
        noted, at = self._newest, monotonic()
        if noted is None or at - noted[0] > COUNTS_STAND_FOR:
            noted = self._newest = (at, feed.newest(conn))
        return noted[1]

    def _of(self, whose: Seer | str, count: Callable[[], TeamCounts]) -> TeamCounts:
        counted, at = self._counted.get(whose), monotonic()
        if counted is None or at - counted[0] > COUNTS_STAND_FOR:
            if len(self._counted) > MOST_COUNTED:
                self._counted = {}
            counted = self._counted[whose] = (at, count())
        return counted[1]

    def forget(self) -> None:
        """Count again for the next page."""
        self._counted = {}
        self.views.forget()


def _sum(one: TeamCounts, other: TeamCounts) -> TeamCounts:
    return {
        team: {
            status: one.get(team, {}).get(status, 0) + other.get(team, {}).get(status, 0)
            for status in one.get(team, {}) | other.get(team, {})
        }
        for team in one | other
    }


@dataclass(frozen=True, slots=True)
class Desk:
    """A site with its renderer, as `request.app.state.desk` holds it."""

    site: Site
    renderer: Renderer
    counts: Counts = field(default_factory=Counts)
    walls: Walls = field(default_factory=Walls)


def desk_of(request: Request) -> Desk:
    """The desk of the site that was asked."""
    desk: Desk = request.app.state.desk
    return desk
