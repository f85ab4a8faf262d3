"""How a page is made: what stands around it, and through whose eyes it looks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from inbox.store import pages, preferences
from inbox.store.database import Conn
from inbox.store.finding import Eyes
from inbox.web import csrf
from inbox.web.desk import TeamCounts
from inbox.web.desk import desk_of as desk_of
from inbox.web.view_counts import Counted
from inbox.web.visitors import Visitor, visitor_of
from inbox.web.zones import zone_in


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around every page: who looks at it, teams with counts, what waits, what was
    refused."""

    visitor: Visitor
    teams: dict[str, str]
    counts: TeamCounts
    waiting: pages.Waiting
    refused: tuple[str, ...]
    newest: int
    """The newest event when the page was made, or one a little older."""
    likes: dict[str, Any]
    """What the visitor has chosen for every page (`inbox.web.choices.CHOICES`)."""
    views: tuple[Counted, ...] = ()
    """The views of the house and the saved ones, with their counts."""
    zone: tzinfo = UTC
    """In which days and times are shown, and understood where they are typed."""

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
    """The frame, in ten statements or, with counts that still stand, four."""
    visitor = visitor_of(request)
    desk = desk_of(request)
    newest = desk.counts.newest(conn)  # before everything else: what comes later is told
    likes = preferences.of(conn, visitor.person.id)
    zone = zone_in(request, likes)
    eyes = Eyes(visitor.seer, desk.site.clock(), zone)
    return Frame(
        visitor,
        pages.team_titles(conn),
        desk.counts.now(conn, visitor.seer),
        pages.waiting(conn, visitor.seer),
        pages.refused_files(conn),
        newest,
        likes,
        desk.counts.views.of(conn, eyes),
        zone,
    )


def page(request: Request, template: str, around: Frame, /, **values: Any) -> HTMLResponse:
    """A whole page."""
    desk = desk_of(request)
    body = desk.renderer.render(
        template,
        frame=around,
        visitor=around.visitor,
        now=desk.site.clock(),
        demo=desk.site.demo,
        path=request.url.path,
        token=form_token(request),
        **values,
    )
    return HTMLResponse(body)


def form_token(request: Request) -> str:
    """What a form of a page has to bring back; belongs to the visitor's session."""
    return csrf.of_session(request)


def fragment(request: Request, template: str, around: Frame, /, **values: Any) -> HTMLResponse:
    """A part of a page, to be put in its place by the browser."""
    desk = desk_of(request)
    around_values = {"frame": around, "visitor": around.visitor, "now": desk.site.clock()}
    around_values |= {"token": form_token(request)}
    return HTMLResponse(desk.renderer.render(template, **around_values, **values))
