"""Two accounts made one, and parted again: what it would do, and doing it."""

from __future__ import annotations

from typing import Any

from fastapi import HTTPException, Request
from starlette.responses import RedirectResponse, Response

from inbox.flow.working import merging
from inbox.flow.working.undo import undo
from inbox.store import account_look, accounts
from inbox.web.context import desk_of, frame, page
from inbox.web.keys import key, number
from inbox.web.refused import plainly
from inbox.web.visitors import visitor_of


def ask_merge(request: Request) -> Response:
    """What merging this account into another one would do; `?into=7`, or `?q=` to find it."""
    account_id = key(request, "account_id")
    typed = request.query_params.get("q", "").strip()[:100]
    into = number(request, "into")
    with desk_of(request).site.db.read() as conn:
        around = frame(conn, request)
        one = accounts.by_id(conn, account_id, around.visitor.seer)
        other = None if into is None else accounts.by_id(conn, into, around.visitor.seer)
        found = accounts.listing(conn, around.visitor.seer, limit=12, like=typed or one.name[:4])
        moves = None if other is None else account_look.moves(conn, one.id, other.id)
    values: dict[str, Any] = {"account": one, "other": other, "moves": moves, "typed": typed}
    values |= {"found": [row for row in found if row.account.id != one.id]}
    return page(request, "account_merge.html", around, **values)


def merge(request: Request) -> Response:
    """Make two accounts one. The form names the surviving one as `into`."""
    account_id, site = key(request, "account_id"), desk_of(request).site
    given = str(request.state.form.get("into", ""))
    if not given.isascii() or not given.isdigit() or len(given) > 15:
        raise HTTPException(400, "The form does not say which account stays.")
    by = visitor_of(request).person.handle
    with plainly():
        merging.merge(site.db, account_id, int(given), by, site.clock())
    desk_of(request).counts.forget()
    return RedirectResponse(f"/accounts/{given}", 303)


def ask_unmerge(request: Request) -> Response:
    """What taking a merge back would do; the address names the account that went."""
    site, handle = desk_of(request).site, visitor_of(request).person.handle
    with plainly():
        would = merging.rehearse(site.db, key(request, "account_id"), handle, site.clock())
    with site.db.read() as conn:
        around = frame(conn, request)
    return page(request, "account_unmerge.html", around, would=would, merged=would.merged)


def unmerge(request: Request) -> Response:
    """Make one account two again."""
    site, handle = desk_of(request).site, visitor_of(request).person.handle
    account_id = key(request, "account_id")
    with plainly():
        with site.db.read() as conn:
            run = merging.look(conn, account_id).run
        undo(site.db, run, handle, site.clock())
    desk_of(request).counts.forget()
    return RedirectResponse(f"/accounts/{account_id}", 303)
