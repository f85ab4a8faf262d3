"""Lists of threads: the inbox, teams, the views of the house and saved ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from fastapi import HTTPException, Request
from starlette.responses import Response

from inbox.errors import NotFound
from inbox.store import accounts, asking, deeds, finding, people, views
from inbox.store.asking import Asked, Known
from inbox.store.database import Conn
from inbox.store.finding import Eyes
from inbox.store.seers import Seer
from inbox.store.threads import ThreadRow
from inbox.web import words
from inbox.web.clock_words import Chip, chip
from inbox.web.context import Frame, desk_of, fragment, frame, page
from inbox.web.keys import number, place, place_of
from inbox.web.list_address import SORTS, Filters, List, filters_of, list_of
from inbox.web.render import plural

ROWS = 50


@dataclass(frozen=True, slots=True)
class Listed:
    """Threads of a list, and the address of the next ones."""

    rows: tuple[ThreadRow, ...]
    older: str | None
    chips: dict[int, Chip]
    """thread -> its clock."""
    cut: str = ""
    """A sentence where not every mail was looked at that holds a word."""


def known(conn: Conn, around: Frame) -> Known:
    """What the search language checks values against."""
    handles = [one.handle for one in people.everybody(conn).values() if one.active]
    return Known(tuple(around.teams), tuple(handles), around.zone)


def listed_of(
    conn: Conn, wanted: List, eyes: Eyes, before: tuple[datetime, int] | None = None
) -> Listed:
    """One page of a list."""
    asked = views.Wanted(wanted.asked, eyes, wanted.sort, before, ROWS + 1)
    found = views.listing(conn, asked)
    rows = found.rows
    listed = replace(listed_rows(conn, rows[:ROWS], eyes), cut=cut_words(wanted.asked, found.cut))
    if len(rows) <= ROWS:
        return listed
    return replace(listed, older=place(*views.place_of(rows[ROWS - 1], wanted.sort)))


def cut_words(asked: Asked, cut: bool) -> str:
    """What it means for a list that not every mail was looked at; empty where every one was."""
    if not cut:
        return ""
    looked = f"Only the newest {finding.MOST:,} mails and {finding.MOST:,} notes that hold"
    if asked.is_for_mails:
        return f"{looked} these words were looked at: older threads may be missing here."
    return (
        f"{looked} a word with a minus were looked at: threads may stand here although an older"
        " mail holds it."
    )


def listed_rows(conn: Conn, rows: tuple[ThreadRow, ...], eyes: Eyes) -> Listed:
    """Threads with what their rows show beside them."""
    ids = [row.thread.id for row in rows]
    found = views.clocks(conn, ids, eyes.now)
    chips = {number: made for number, one in found.items() if (made := chip(one, eyes.now))}
    return Listed(rows, None, chips)


@dataclass(frozen=True, slots=True)
class Said:
    """What was done, and under which name it can be undone; empty where it cannot."""

    words: str
    run: str


def inbox(request: Request) -> Response:
    """A list of threads; `?fragment=rows` gives the rows alone, for the live refresh."""
    filters = filters_of(request)
    with desk_of(request).site.db.read() as conn:
        around = frame(conn, request)
        if filters.team is not None and filters.team not in around.teams:
            raise HTTPException(404, "There is no such team.")
        seer = around.visitor.seer
        eyes = Eyes(seer, desk_of(request).site.clock())
        everybody = people.everybody(conn)
        house = Known(
            tuple(around.teams), tuple(one.handle for one in everybody.values()), around.zone
        )
        wanted = list_of(conn, filters, seer, house)
        listed = listed_of(conn, wanted, eyes, place_of(request))
        account = accounts.by_id(conn, filters.account, seer) if filters.account else None
        said = _said(conn, request)
    values = {"listed": listed, "filters": filters, "account": account}
    # Asked from beside a thread, which is the current one.
    values["current"] = number(request, "current")
    values["picks" if values["current"] is None else "narrow"] = True
    if request.query_params.get("fragment") == "rows":
        return fragment(request, "_fragments/thread_rows.html", around, **values)
    values |= {
        "statuses": words.STATUSES,
        "mailboxes": desk_of(request).site.settings.mailboxes,
        "list": wanted,
        "said": said,
        "sorts": SORTS,
        "operators": asking.OPERATORS,
        "people": [one for one in everybody.values() if one.active],
        "first": not request.query_params.get("before"),
        "priorities": asking.PRIORITIES,
        "title": _title(wanted, filters, around),
        "own": _own(wanted, seer),
    }
    return page(request, "threads.html", around, **values)


def pane(conn: Conn, request: Request, seer: Seer) -> tuple[Filters, Listed]:
    """The list beside a thread, as the thread's address says; all open threads where its view is
    gone."""
    filters = filters_of(request)
    eyes = Eyes(seer, desk_of(request).site.clock())
    try:
        wanted = list_of(conn, filters, seer, Known())
    except NotFound:
        filters = Filters()
        wanted = list_of(conn, filters, seer, Known())
    return filters, listed_of(conn, wanted, eyes, place_of(request))


def _said(conn: Conn, request: Request) -> Said | None:
    """What a bulk deed did, for the line above the list."""
    undone = number(request, "undone")
    if undone is not None:
        return Said(f"Taken back on {plural(undone, 'thread')}.", "")
    run = request.query_params.get("done", "")[:60]
    found = deeds.of_run(conn, run) if run else ()
    if not found or any(one.undone_at for one in found):
        return None
    touched = len({one.thread_id for one in found})
    return Said(f"Done on {plural(touched, 'thread')}.", run)


def _title(wanted: List, filters: Filters, around: Frame) -> str:
    if wanted.view is not None:
        return wanted.view.title
    return around.title(filters.team) if filters.team else "Inbox"


def _own(wanted: List, seer: Seer) -> bool:
    """May this person change the view that is shown?"""
    view = wanted.view
    if view is None or view.owner_id is None:
        return False
    return view.owner_id == seer.person_id or (seer.sees_all and view.shared != "me")
