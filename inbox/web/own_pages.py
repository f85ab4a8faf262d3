"""One's own account: another password, and where one is signed in."""

from __future__ import annotations

from fastapi import HTTPException, Request
from starlette.responses import RedirectResponse, Response

from inbox.flow.people import access
from inbox.passwords import Busy, WeakPassword
from inbox.store import credentials, sessions
from inbox.web.context import frame, page
from inbox.web.desk import desk_of
from inbox.web.visitors import lasts, visitor_of, whence

SAID = ("changed", "ended")


def show(request: Request) -> Response:
    """One's password and sessions."""
    return _show(request)


def _show(request: Request, wrong: str = "") -> Response:
    site, visitor = desk_of(request).site, visitor_of(request)
    with site.db.read() as conn:
        around = frame(conn, request)
        own = sessions.of_person(conn, visitor.person.id, site.clock(), lasts(request).idle)
        since = credentials.holders(conn).get(visitor.person.id)
    said = request.query_params.get("said", "")
    answer = page(
        request,
        "me.html",
        around,
        sessions=own,
        since=since,
        said=said if said in SAID else "",
        wrong=wrong,
    )
    answer.status_code = 400 if wrong else 200
    return answer


def change_password(request: Request) -> Response:
    """Set another password; all other sessions end."""
    site, visitor, form = desk_of(request).site, visitor_of(request), request.state.form
    old, new, again = (str(form.get(name, "")) for name in ("old", "new", "again"))
    if new != again:
        return _show(request, "The two new passwords are not the same.")
    try:
        access.change_password(
            site.db, visitor.person, visitor.session.id, old, new, whence(request), site.clock()
        )
    except (access.NotYours, WeakPassword, Busy) as error:
        return _show(request, str(error))
    return RedirectResponse("/me?said=changed", 303)


def end_sessions(request: Request) -> Response:
    """End the session that the form names, of one's own; `others` for all but this one."""
    site, visitor = desk_of(request).site, visitor_of(request)
    given = str(request.state.form.get("session", ""))
    where = whence(request)
    if given == "others":
        but = visitor.session.id
        access.end_sessions(site.db, visitor.person, visitor.person, where, site.clock(), but=but)
    elif given.isascii() and given.isdigit() and len(given) < 16:
        only = int(given)
        access.end_sessions(site.db, visitor.person, visitor.person, where, site.clock(), only=only)
    else:
        raise HTTPException(400, "The form does not name a session.")
    return RedirectResponse("/me?said=ended", 303)
