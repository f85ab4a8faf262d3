"""The list of accounts; one account over all its threads and teams; what people change on it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fastapi import HTTPException, Request
from starlette.responses import RedirectResponse, Response

from inbox.flow.admin.stored_sets import in_force
from inbox.flow.working.account_deeds import Facts, Keeper
from inbox.store import account_look, accounts, drafts, people, threads, timeline
from inbox.store.accounts import Account
from inbox.store.database import Conn
from inbox.store.finding import Eyes
from inbox.store.seers import Seer
from inbox.web import words
from inbox.web.composer import LATELY
from inbox.web.context import desk_of, frame, page
from inbox.web.keys import key, place, place_of
from inbox.web.leaving_pages import coming_of
from inbox.web.list_address import Filters
from inbox.web.list_pages import listed_rows
from inbox.web.refused import plainly
from inbox.web.visitors import visitor_of

ROWS = 100
EVENTS = 60
THREADS = 8


def listing(request: Request) -> Response:
    """Accounts, the one where something happened last first; `q` filters by name or domain."""
    typed = request.query_params.get("q", "").strip()[:100]
    before = place_of(request)
    with desk_of(request).site.db.read() as conn:
        around = frame(conn, request)
        seer = around.visitor.seer
        found = accounts.listing(conn, seer, limit=ROWS, like=typed, before=before)
        every, passed = accounts.how_many(conn, like=typed, before=before)
    older = None
    if found and passed + len(found) < every:
        last = found[-1].account
        older = place(last.last_event_at, last.id)
    values = {"found": found, "typed": typed, "every": every, "passed": passed, "older": older}
    return page(request, "accounts.html", around, **values)


def account(request: Request) -> Response:
    """All that happened on an account over all its threads and teams, in one list."""
    account_id = key(request, "account_id")
    show = request.query_params.get("show") or "all"
    if show not in words.FILTERS:
        raise HTTPException(400, "There is no such filter.")
    team = (request.query_params.get("team") or "")[:80] or None
    span = timeline.Span(
        limit=EVENTS + 1, before=place_of(request), kinds=words.EVENTS.get(show, ()), team=team
    )
    now = desk_of(request).site.clock()
    with desk_of(request).site.db.read() as conn:
        one = accounts.by_id(conn, account_id, visitor_of(request).seer)
        if one.id != account_id:
            return RedirectResponse(f"/accounts/{one.id}", 308)
        around = frame(conn, request)
        seer = around.visitor.seer
        rows = timeline.of_account(conn, one.id, span, seer)
        current = threads.listing(
            conn, threads.Page(account_id=one.id, status="open", limit=THREADS), seer
        )
        values = _about(conn, one, seer)
        values |= {"coming": coming_of(conn, one.id, now, seer)[:20]}
        values |= {"writers": drafts.of_account(conn, one.id, now - LATELY, seer)}
        values |= {"listed": listed_rows(conn, current, Eyes(seer, now))}
    last = rows[EVENTS - 1].event if len(rows) > EVENTS else None
    return page(
        request,
        "account.html",
        around,
        account=one,
        rows=rows[:EVENTS],
        older=place(last.at, last.id) if last else None,
        show=show,
        team=team,
        kinds=words.FILTERS,
        address=_address(one.id, show, team),
        filters=Filters(account=one.id, status=None),
        current=None,
        **values,
    )


def _about(conn: Conn, one: Account, seer: Seer) -> dict[str, Any]:
    files = in_force(conn)
    return {
        "domains": accounts.domains_by_account(conn, [one.id]).get(one.id, ()),
        "contacts": account_look.contacts_of(conn, one.id, seer),
        "owners": accounts.owners_by_account(conn, [one.id]).get(one.id, {}),
        "people": people.everybody(conn),
        "stages": () if files is None else files.stages,
    }


def _address(account_id: int, show: str, team: str | None) -> Any:
    """Makes addresses of this page with other filters."""

    def made(**other: Any) -> str:
        values: dict[str, Any] = {"show": None if show == "all" else show, "team": team} | other
        given = {name: value for name, value in values.items() if value}
        return f"/accounts/{account_id}{'?' + urlencode(given) if given else ''}"

    return made


# --- What people change ------------------------------------------------------------------------


def edit(request: Request) -> Response:
    """Name, tier, stage and tags."""
    form = request.state.form
    facts = Facts(
        name=str(form.get("name", "")),
        tier=str(form.get("tier", "")),
        stage=str(form.get("stage", "")),
        tags=str(form.get("tags", "")).split(","),
    )
    return _done(request, lambda keeper, number, now: keeper.edit(number, facts, now))


def own(request: Request) -> Response:
    """Who owns the account for a team."""
    form = request.state.form
    team, handle = str(form.get("team", "")), str(form.get("owner", ""))
    return _done(request, lambda keeper, number, now: keeper.own(number, team, handle, now))


def role(request: Request) -> Response:
    """What a contact is at their company."""
    contact_id, word = key(request, "contact_id"), str(request.state.form.get("role", ""))
    return _done(request, lambda keeper, number, now: keeper.role(number, contact_id, word, now))


def _done(request: Request, do: Any) -> Response:
    account_id, site = key(request, "account_id"), desk_of(request).site
    with plainly():
        do(Keeper(site.db, visitor_of(request).person.handle), account_id, site.clock())
    return RedirectResponse(f"/accounts/{account_id}", 303)
