"""One deed on many threads of a list: counted before it is done, undone in one click.

With scripts the bar of the list says how many are chosen, so the deed is done at once; without, or
for a whole view, a page between says what will happen to how many.
"""

from __future__ import annotations

import secrets
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from fastapi import HTTPException, Request
from starlette.responses import RedirectResponse, Response

from inbox.flow.working import bulk, undo
from inbox.store import pages, people, threads, views
from inbox.store.asking import PRIORITIES
from inbox.store.database import Conn
from inbox.store.finding import Eyes
from inbox.web.context import desk_of, frame, page
from inbox.web.list_address import filters_in, list_of
from inbox.web.list_pages import cut_words, known
from inbox.web.refused import plainly
from inbox.web.visitors import own_path, visitor_of
from inbox.web.zones import zone_of

SHOWN = 20
"""Threads whose subjects the page between shows."""
MORNING = time(8)
PRESETS = {"tomorrow": 1, "three-days": 3, "week": 7}


def run(request: Request) -> Response:
    """Do what a form of a list says, or ask first."""
    form, site = request.state.form, desk_of(request).site
    now = site.clock()
    deed = _deed(request, now)
    visitor = visitor_of(request)
    back = own_path(str(form.get("back", "/threads")))
    with site.db.read() as conn:
        chosen, warning = _chosen(conn, request, now)
    if not chosen:
        return RedirectResponse(back, 303)
    counted = form.get("sure") == "yes" and not form.get("all")
    if not counted and form.get("confirmed") != "yes":
        return _ask(request, chosen, deed, back, warning)
    name = secrets.token_urlsafe(12)
    work = bulk.Bulk(site.db, visitor.seer, name)
    with plainly():
        done = work.do(chosen, deed, now)
    desk_of(request).counts.forget()
    if not done.left:
        return RedirectResponse(_with(back, f"done={name}"), 303)
    return _tell(request, done, deed, name, back)


def _deed(request: Request, now: datetime) -> bulk.Deed:
    form = request.state.form
    name, _, value = str(form.get("deed", "")).partition(":")
    if name not in bulk.DEEDS:
        raise HTTPException(400, "The form does not say what to do.")
    value = (value or str(form.get(f"{name}_value", ""))).strip()[:200]
    if name == "snooze":
        return bulk.Deed(name, value, _until(value, now, zone_of(request)))
    if name == "priority" and value not in PRIORITIES:
        raise HTTPException(400, "A priority is one of " + ", ".join(PRIORITIES) + ".")
    if name in ("tag", "untag") and not value:
        raise HTTPException(400, "Which tag? Type one beside the button.")
    return bulk.Deed(name, value)


def _until(value: str, now: datetime, zone: tzinfo) -> datetime | None:
    """The instant that a snooze names, in the zone of who asks; None until the customer writes."""
    if value in ("", "reply"):
        return None
    today = now.astimezone(zone).date()
    if value == "monday":
        day = today + timedelta(days=7 - today.weekday())
    elif value in PRESETS:
        day = today + timedelta(days=PRESETS[value])
    else:
        try:
            return _morning(date.fromisoformat(value), zone)
        except (ValueError, OverflowError) as error:
            raise HTTPException(400, f"`{value}` is no day.") from error
    return _morning(day, zone)


def _morning(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, MORNING, zone).astimezone(UTC)


def _chosen(conn: Conn, request: Request, now: datetime) -> tuple[list[int], str]:
    """The threads that the form names, or all of the list that it came from; and where not every
    mail was looked at to find them, a sentence about it."""
    form = request.state.form
    if not form.get("all"):
        given = [*form.getlist("id"), *str(form.get("ids", "")).split(",")]
        given = [str(one) for one in given]
        named = (one for one in given if one.isascii() and one.isdigit() and len(one) <= 15)
        return [int(one) for one in named], ""
    seer = visitor_of(request).seer
    filters = filters_in({name: str(value) for name, value in form.items()})
    around = frame(conn, request)
    wanted = list_of(conn, filters, seer, known(conn, around))
    found, cut = views.numbers(conn, wanted.asked, Eyes(seer, now), bulk.MOST)
    return list(found), cut_words(wanted.asked, cut)


def _ask(request: Request, chosen: list[int], deed: bulk.Deed, back: str, warning: str) -> Response:
    with desk_of(request).site.db.read() as conn:
        around = frame(conn, request)
        shown = [threads.by_id(conn, number, around.visitor.seer) for number in chosen[:SHOWN]]
        title = _words(conn, deed, around.title)
    values: dict[str, Any] = {"chosen": chosen, "shown": shown, "deed": deed, "back": back}
    values["warning"] = warning
    return page(request, "bulk.html", around, title=title, most=bulk.MOST, **values)


def _tell(request: Request, done: bulk.Done, deed: bulk.Deed, name: str, back: str) -> Response:
    with desk_of(request).site.db.read() as conn:
        around = frame(conn, request)
        title = _words(conn, deed, around.title)
    values = {"done": done, "run": name, "back": back, "title": title}
    return page(request, "bulk_done.html", around, **values)


def _words(conn: Conn, deed: bulk.Deed, title: Any) -> str:
    """What a deed does, as a person says it."""
    said = bulk.DEEDS[deed.name]
    if deed.name == "team":
        if deed.value not in pages.team_titles(conn):
            raise HTTPException(400, "There is no such team.")
        return f"Give to {title(deed.value)}"
    if deed.name == "owner":
        return f"Give to {people.by_handle(conn, deed.value).name}"
    if deed.name == "snooze":
        return f"{said} until {deed.until:%d %b %Y}" if deed.until else f"{said} until they write"
    return f"{said}: {deed.value}" if deed.value else said


def take_back(request: Request) -> Response:
    """Undo a bulk deed as far as it still stands."""
    site, form = desk_of(request).site, request.state.form
    back = own_path(str(form.get("back", "/threads")))
    with plainly():
        found = undo.undo(
            site.db, str(form.get("run", ""))[:60], visitor_of(request).person.handle, site.clock()
        )
    desk_of(request).counts.forget()
    if not found.left:
        return RedirectResponse(_with(back, f"undone={len(found.threads)}"), 303)
    done = bulk.Done(found.threads, found.left)
    with site.db.read() as conn:
        around = frame(conn, request)
    values = {"done": done, "run": "", "back": back, "title": "Undone"}
    return page(request, "bulk_done.html", around, **values)


def _with(address: str, more: str) -> str:
    return f"{address}{'&' if '?' in address else '?'}{more}"
