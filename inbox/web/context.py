"""What every page is handed: the site, and how a page is rendered. Holds no state of its own.

Pages read through `inbox.store` and write only through what `Site` carries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from inbox.clock import Clock
from inbox.config import Settings
from inbox.store import pages, threads
from inbox.store.database import Conn, Database
from inbox.web import csrf
from inbox.web.render import Renderer

Retry = Callable[[Sequence[int] | None], int]
"""Puts quarantined mails, given by ledger number (all where None), back to work; how many."""


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


@dataclass(frozen=True, slots=True)
class Desk:
    """A site with its renderer, as `request.app.state.desk` holds it."""

    site: Site
    renderer: Renderer


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


def frame(conn: Conn) -> Frame:
    """The frame, in four statements."""
    return Frame(
        pages.team_titles(conn),
        threads.counts(conn),
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
