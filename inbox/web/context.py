"""What every page is handed: the site, and how a page is rendered. Holds no state of its own.

Pages read through `inbox.store` and write only through what `Site` carries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from fastapi import Request
from fastapi.responses import HTMLResponse

from inbox.clock import Clock, monotonic
from inbox.config import Settings
from inbox.store import pages, threads
from inbox.store.database import Conn, Database
from inbox.web import csrf
from inbox.web.render import Renderer

Retry = Callable[[Sequence[int] | None], int]
"""Puts quarantined mails, given by ledger number (all where None), back to work; how many."""

COUNTS_STAND_FOR = 2.0
"""Seconds for which the counts of the navigation are not counted again."""


class Corrections(Protocol):
    """Gives threads to other teams, and takes that back; `inbox.flow.correct` says what counts."""

    def correct(self, thread_id: int, team: str, now: datetime) -> None:
        """Give a thread to a team. Raises `NotFound`."""

    def take_back(self, thread_id: int, assignment_id: int, now: datetime) -> str | None:
        """Undo the last correction; the team it is with now, None where it is not the last."""


class Proposals(Protocol):
    """Settles what mails ask for; `inbox.flow.proposals` says what that does."""

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
    """Puts right what mail alone must not decide; `inbox.flow.decisions` says what that does. All
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
    secret: bytes
    """Signs form tokens; at least 16 random bytes, the same on every node."""
    retry: Retry
    demo: bool = False
    corrections: Corrections | None = None
    """None: the pages offer no correction."""
    proposals: Proposals | None = None
    """None: the pages settle no proposal."""
    decisions: Decisions | None = None
    """None: the pages correct no forward and join no threads."""


class Counts:
    """How many threads each team has in each status, counted at most once in a while.

    Counting reads the index entry of every thread, so its cost grows with the inbox; a page's
    must not. What this process changes itself is counted anew at once.
    """

    def __init__(self) -> None:
        self._counted: tuple[float, dict[str, dict[str, int]]] | None = None

    def now(self, conn: Conn) -> dict[str, dict[str, int]]:
        """The counts, not older than `COUNTS_STAND_FOR`."""
        counted, at = self._counted, monotonic()
        if counted is None or at - counted[0] > COUNTS_STAND_FOR:
            counted = self._counted = (at, threads.counts(conn))
        return counted[1]

    def forget(self) -> None:
        """Count again for the next page."""
        self._counted = None


@dataclass(frozen=True, slots=True)
class Desk:
    """A site with its renderer, as `request.app.state.desk` holds it."""

    site: Site
    renderer: Renderer
    counts: Counts = field(default_factory=Counts)


def desk_of(request: Request) -> Desk:
    """The desk of the site that was asked."""
    desk: Desk = request.app.state.desk
    return desk


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around every page: teams with counts, what waits, what was refused."""

    teams: dict[str, str]
    counts: dict[str, dict[str, int]]
    waiting: pages.Waiting
    refused: tuple[str, ...]

    def count(self, team: str | None, status: str | None) -> int:
        """Threads of a team (all where None) in a status (any where None)."""
        return sum(
            number
            for name, by_status in self.counts.items()
            for state, number in by_status.items()
            if team in (None, name) and status in (None, state)
        )

    def title(self, team: str) -> str:
        """What a team is called; its name where it is no longer in the file."""
        return self.teams.get(team, team)


def frame(conn: Conn, request: Request) -> Frame:
    """The frame, in four statements or, with counts that still stand, three."""
    return Frame(
        pages.team_titles(conn),
        desk_of(request).counts.now(conn),
        pages.waiting(conn),
        pages.refused_files(conn),
    )


def page(request: Request, template: str, around: Frame, /, **values: Any) -> HTMLResponse:
    """A whole page; gives the visitor a cookie for form tokens where there is none yet."""
    desk = desk_of(request)
    visit = csrf.visit_of(request) or csrf.new_visit()
    body = desk.renderer.render(
        template,
        frame=around,
        now=desk.site.clock(),
        demo=desk.site.demo,
        path=request.url.path,
        token=csrf.token(desk.site.secret, visit),
        **values,
    )
    response = HTMLResponse(body)
    if csrf.visit_of(request) is None:
        csrf.give_visit(response, visit)
    return response


def fragment(request: Request, template: str, around: Frame, /, **values: Any) -> HTMLResponse:
    """A part of a page, to be put in its place by the browser."""
    desk = desk_of(request)
    now = desk.site.clock()
    return HTMLResponse(desk.renderer.render(template, frame=around, now=now, **values))
