"""The list of accounts, and the timeline of one."""

from __future__ import annotations

from fastapi import HTTPException, Request
from starlette.responses import RedirectResponse, Response

from inbox.store import accounts, people, threads, timeline
from inbox.web import words
from inbox.web.context import desk_of, frame, page
from inbox.web.keys import key, place, place_of

EVENTS = 80


def listing(request: Request) -> Response:
    """Accounts, the one where something happened last first; `q` filters by name or domain."""
    typed = request.query_params.get("q", "").strip()[:100]
    with desk_of(request).site.db.read() as conn:
        around = frame(conn, request)
        found = accounts.listing(conn, around.visitor.seer, limit=200, like=typed)
    return page(request, "accounts.html", around, found=found, typed=typed)


def account(request: Request) -> Response:
    """All that happened on an account over all its threads, in one list."""
    account_id = key(request, "account_id")
    show = request.query_params.get("show") or "all"
    if show not in words.FILTERS:
        raise HTTPException(400, "There is no such filter.")
    kinds = words.EVENTS.get(show, ())
    span = timeline.Span(limit=EVENTS + 1, before=place_of(request), kinds=kinds)
    with desk_of(request).site.db.read() as conn:
        one = accounts.by_id(conn, account_id)
        if one.id != account_id:
            return RedirectResponse(f"/accounts/{one.id}", 308)
        around = frame(conn, request)
        seer = around.visitor.seer
        rows = timeline.of_account(conn, one.id, span, seer)
        values = {
            "domains": accounts.domains_by_account(conn, [one.id]).get(one.id, ()),
            "contacts": accounts.contacts_of(conn, one.id),
            "owners": accounts.owners_by_account(conn, [one.id]).get(one.id, {}),
            "people": people.everybody(conn),
            "current_threads": threads.listing(
                conn, threads.Page(account_id=one.id, status="open", limit=8), seer
            ),
        }
    last = rows[EVENTS - 1].event if len(rows) > EVENTS else None
    return page(
        request,
        "account.html",
        around,
        account=one,
        rows=rows[:EVENTS],
        older=place(last.at, last.id) if last else None,
        show=show,
        filters=words.FILTERS,
        **values,
    )
