"""Search: mails and notes that hold the words, or the threads that the conditions leave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import Request
from starlette.responses import Response

from inbox.store import asking, finding, notes, pages, people, views
from inbox.store.asking import Asked, Known
from inbox.store.database import Conn
from inbox.store.finding import Eyes, Found, Place
from inbox.web.context import desk_of, frame, page
from inbox.web.keys import number
from inbox.web.list_address import Filters, List
from inbox.web.list_pages import listed_of
from inbox.web.text import snippet

ROWS = 30


@dataclass(frozen=True, slots=True)
class Hit:
    """A mail or a note that was found, with the words in it to be marked."""

    thread_id: int
    message_id: int | None
    subject: tuple[tuple[str, bool], ...]
    text: tuple[tuple[str, bool], ...]
    who: str
    account_name: str
    team: str
    status: str
    at: datetime


def results(request: Request) -> Response:
    """What was found. Words ask for mails and notes, conditions alone for threads."""
    typed = request.query_params.get("q", "").strip()[: asking.MOST_TYPED]
    start = number(request, "from") or 0
    values: dict[str, Any] = {"typed": typed, "start": start, "operators": asking.OPERATORS}
    with desk_of(request).site.db.read() as conn:
        around = frame(conn, request)
        everybody = people.everybody(conn)
        house = Known(
            tuple(around.teams), tuple(one.handle for one in everybody.values()), around.zone
        )
        asked = asking.read(typed, house)
        eyes = Eyes(around.visitor.seer, desk_of(request).site.clock())
        heard: finding.Heard = {}
        values |= {"asked": asked, "hits": (), "listed": None, "cut": False, "total": 0}
        if asked.is_for_mails:
            found = finding.mails(conn, asked, eyes, heard)
            values |= _of_mails(conn, found, asked, eyes, start)
        elif asked.terms:
            filters = Filters(view="all", status=None, typed=typed)
            listed = listed_of(conn, List(filters, None, asked, views.NEWEST), eyes)
            values |= {"listed": listed, "filters": filters, "current": None}
            values |= {"total": finding.how_many(conn, [asked], eyes)[0]}
        worst = None
        if asked.terms and not values["total"]:
            worst = finding.narrowest(conn, asked, eyes, heard)
    values |= {"worst": worst, "without": asked.without(worst) if worst else ""}
    return page(request, "search.html", around, rows=ROWS, most=finding.MOST_COUNTED, **values)


def _of_mails(conn: Conn, found: Found, asked: Asked, eyes: Eyes, start: int) -> dict[str, Any]:
    shown = found.places[start : start + ROWS]
    mails = {
        one.message_id: one
        for one in pages.hits(
            conn, [one.message_id for one in shown if one.message_id is not None], eyes.seer
        )
    }
    written = notes.hits(
        conn, [one.event_id for one in shown if one.event_id is not None], eyes.seer
    )
    texts = asked.texts()
    hits = [made for one in shown if (made := _hit(one, mails, written, texts)) is not None]
    return {"hits": hits, "cut": found.cut, "total": len(found.places)}


def _hit(place: Place, mails: Any, notes: Any, texts: str) -> Hit | None:
    """None for what was changed away since it was found."""
    if place.message_id is not None:
        one = mails.get(place.message_id)
        who = "" if one is None else one.from_name or one.from_address or "No author"
    else:
        one = notes.get(place.event_id)
        who = "" if one is None else one.actor.partition(":")[2]
    if one is None:
        return None
    return Hit(
        thread_id=one.thread_id,
        message_id=place.message_id,
        subject=snippet(one.subject, texts, 60),
        text=snippet(one.text, texts),
        who=who,
        account_name=one.account_name,
        team=one.team,
        status=one.status,
        at=place.at,
    )
