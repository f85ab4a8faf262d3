"""What a page asks for while it is open: the stream, who is where, counts, the palette."""

from __future__ import annotations

import re

from fastapi import HTTPException, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from inbox.flow.working import live
from inbox.store import accounts, pages, search, threads
from inbox.web.desk import desk_of
from inbox.web.live_hub import Full, Hub
from inbox.web.visitors import visitor_of

_TAB = re.compile(r"[A-Za-z0-9-]{8,40}")
_EVENT = re.compile(r"[0-9]{1,15}")
MOST_FOUND = 6


def hub_of(request: Request) -> Hub:
    """The streams of this site."""
    hub: Hub = request.app.state.live
    return hub


def stream(request: Request) -> Response:
    """Server-sent events; `Last-Event-ID`, or `last` in the address, says what was seen last."""
    given = request.headers.get("last-event-id") or request.query_params.get("last", "")
    visitor = visitor_of(request)
    seer = visitor.seer
    hub = hub_of(request)
    try:
        hub.room_for(seer)
    except Full:
        said = "Too many pages are open at once; this one asks again now and then."
        raise HTTPException(503, said) from None
    last = int(given) if _EVENT.fullmatch(given) else None
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(
        hub.stream(seer, visitor.session.id, last), media_type="text/event-stream", headers=headers
    )


def here(request: Request) -> Response:
    """A tab shows a thread (`does`: views or writes), or none any more (`left`)."""
    form = request.state.form
    visitor = visitor_of(request)
    tab, does = str(form.get("tab", "")), str(form.get("does", ""))
    if not _TAB.fullmatch(tab):
        raise HTTPException(400, "`tab` is not the name of a tab.")
    site = desk_of(request).site
    if does == "left":
        live.left(site.db, visitor.person.id, tab)
        return Response(status_code=204)
    number = str(form.get("thread", ""))
    if does not in ("views", "writes") or not _EVENT.fullmatch(number):
        raise HTTPException(400, "This says neither who is where nor that somebody left.")
    with site.db.read() as conn:
        thread = threads.by_id(conn, int(number), visitor.seer)
    live.at_thread(site.db, visitor.person.id, tab, thread.id, does, site.clock())
    return Response(status_code=204)


def counts(request: Request) -> Response:
    """Threads of each team in each status, `TEAM:STATUS`; of all teams, `:STATUS`."""
    desk = desk_of(request)
    with desk.site.db.read() as conn:
        counted = desk.counts.now(conn, visitor_of(request).seer)
        waiting = pages.waiting(conn, visitor_of(request).seer)
    told: dict[str, int] = {"quarantined": waiting.quarantined, "mentions": waiting.named}
    for team, by_status in counted.items():
        for status, number in by_status.items():
            told[f"{team}:{status}"] = number
            told[f":{status}"] = told.get(f":{status}", 0) + number
    return JSONResponse(told)


def find(request: Request) -> Response:
    """Threads and accounts that fit what is typed into the palette."""
    typed = request.query_params.get("q", "").strip()[:200]
    seer = visitor_of(request).seer
    found: list[dict[str, str]] = []
    if len(typed) > 1:
        with desk_of(request).site.db.read() as conn:
            for one in accounts.listing(conn, seer, limit=MOST_FOUND, like=typed):
                name = one.account.name
                found.append(_entry("Account", name, f"/accounts/{one.account.id}"))
            numbers = search.find(conn, typed, limit=4 * MOST_FOUND)
            hits = pages.hits(conn, numbers, seer)
        listed = {hit.thread_id: hit for hit in reversed(hits)}
        for thread_id, hit in list(listed.items())[-MOST_FOUND:][::-1]:
            label = f"{hit.subject or 'No subject'} · {hit.account_name}"
            found.append(_entry("Thread", label, f"/threads/{thread_id}?status=all"))
    return JSONResponse({"found": found})


def _entry(kind: str, label: str, url: str) -> dict[str, str]:
    return {"kind": kind, "label": label, "url": url}
