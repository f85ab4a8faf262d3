"""The wall: one screen that a team looks up at. Every tile opens the list behind its number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fastapi import Request
from starlette.responses import Response

from inbox.store import wall
from inbox.store.finding import Eyes
from inbox.store.views import Clock
from inbox.store.wall import Due
from inbox.web.clock_words import METRICS, Chip, chip, span
from inbox.web.context import desk_of, fragment, frame, page


@dataclass(frozen=True, slots=True)
class Line:
    """A promise or a wait, in words."""

    due: Due
    chip: Chip | None
    waits: str
    what: str


def show(request: Request) -> Response:
    """The wall; `?fragment=wall` gives what refreshes itself."""
    now = desk_of(request).site.clock()
    with desk_of(request).site.db.read() as conn:
        around = frame(conn, request)
        eyes = Eyes(around.visitor.seer, now)
        sums = desk_of(request).walls.of(conn, eyes)
        waiting = wall.waiting_longest(conn, eyes)
        coming = wall.next_due(conn, eyes)
    values = {
        "sums": sums,
        "waiting": [_line(one, now) for one in waiting],
        "coming": [_line(one, now) for one in coming],
    }
    if request.query_params.get("fragment") == "wall":
        return fragment(request, "_fragments/wall.html", around, **values)
    return page(request, "wall.html", around, **values)


def _line(due: Due, now: datetime) -> Line:
    clock = Clock(due.metric, due.due_at, due.due_at is not None and due.due_at <= now, due.at_risk)
    what = METRICS.get(due.metric, due.metric)
    return Line(due, chip(clock, now), span(now - due.opened_at), what)
