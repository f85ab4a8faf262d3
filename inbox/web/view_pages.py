"""Saved views: made from the list that is open, changed, shared, put in order, deleted."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import HTTPException, Request
from starlette.responses import RedirectResponse, Response

from inbox.store import asking, views
from inbox.store.view_tables import SHARING
from inbox.store.views import DUE, Named
from inbox.web.context import desk_of
from inbox.web.keys import key
from inbox.web.list_address import SORTS
from inbox.web.refused import plainly
from inbox.web.visitors import visitor_of


def _named(request: Request) -> Named:
    form = request.state.form
    audience, _, team = str(form.get("shared", "me")).partition(":")
    sort = str(form.get("sort", DUE))
    if audience not in SHARING or sort not in SORTS:
        raise HTTPException(400, "The form is not one of ours.")
    if team and team not in visitor_of(request).seer.teams:
        raise HTTPException(400, "A view is shared with a team of your own.")
    query = str(form.get("query", ""))
    if len(query) > asking.MOST_TYPED:
        raise HTTPException(400, f"A view asks for at most {asking.MOST_TYPED} characters.")
    return Named(str(form.get("name", ""))[:200], query, sort, audience, team or None)


def create(request: Request) -> Response:
    """Save what is asked under a name, and show it."""
    new, site = _named(request), desk_of(request).site
    with plainly(), site.db.write() as conn:
        number = views.save(conn, visitor_of(request).seer, new, site.clock())
    desk_of(request).counts.forget()
    return _shown(f"v{number}")


def change(request: Request) -> Response:
    """Rename, ask otherwise, share; or delete, or move up or down, as the button says."""
    number = key(request, "view_id")
    seer = visitor_of(request).seer
    deed = str(request.state.form.get("deed", "save"))
    with plainly(), desk_of(request).site.db.write() as conn:
        if deed == "delete":
            views.remove(conn, seer, number)
        elif deed in ("up", "down"):
            views.move(conn, seer, number, up=deed == "up")
        else:
            views.change(conn, seer, number, _named(request))
    desk_of(request).counts.forget()
    return RedirectResponse("/threads", 303) if deed == "delete" else _shown(f"v{number}")


def _shown(name: str) -> Response:
    return RedirectResponse(f"/threads?{urlencode({'view': name})}", 303)
