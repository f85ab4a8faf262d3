"""Signing in and out: by password, by one-time token, and in the demo with one click."""

from __future__ import annotations

from typing import Any

from fastapi import HTTPException, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from inbox.errors import NotFound
from inbox.flow.people import access
from inbox.flow.people.access import Opened, Refused
from inbox.passwords import Busy, WeakPassword
from inbox.store import pages, people
from inbox.web import csrf
from inbox.web.desk import desk_of
from inbox.web.visitors import (
    cookie_of,
    found_visitor,
    give_cookie,
    lasts,
    own_path,
    source,
    take_cookie,
    visitor_of,
    whence,
)

WRONG = "Name and password do not go together."


def _bare(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    """A page without the frame of the inbox; its forms belong to a visit, or to a session."""
    desk = desk_of(request)
    signed_in = found_visitor(request) is not None
    visit = csrf.visit_of(request) or csrf.new_visit()
    token = csrf.of_session(request) if signed_in else csrf.token(visit)
    body = desk.renderer.render(template, token=token, demo=desk.site.demo, **values)
    response = HTMLResponse(body, status, {"cache-control": "no-store"})
    if not signed_in and csrf.visit_of(request) is None:
        csrf.give_visit(request, response, visit)
    return response


def _by_click(request: Request) -> bool:
    """May anybody who asks sign in as anybody? In a demo on this very machine only: never where
    anything on the way forwarded the request."""
    site = desk_of(request).site
    return site.demo and site.settings.web.listen.loopback and source(request).local


def ask(request: Request) -> Response:
    """The sign-in page; who is signed in already goes on."""
    onward = own_path(request.query_params.get("next", ""))
    if found_visitor(request) is not None:
        return RedirectResponse(onward, 303)
    return _ask(request, onward)


def _ask(
    request: Request, onward: str, status: int = 200, said: str = "", name: str = ""
) -> Response:
    by_click: dict[str, Any] = {}
    if _by_click(request):
        with desk_of(request).site.db.read() as conn:
            there = people.everybody(conn).values()
            titles = pages.team_titles(conn)
            teams = {title: people.members(conn, name) for name, title in titles.items()}
        by_click = {
            "persons": sorted((one for one in there if one.active), key=lambda one: one.id),
            "teams_of": lambda one: [name for name in teams if one.handle in teams[name]],
        }
    return _bare(
        request, "sign_in.html", status, onward=onward, said=said, name=name, by_click=by_click
    )


def sign_in(request: Request) -> Response:
    """Sign in by handle or mail address and password; one answer to all who do not come in."""
    form = request.state.form
    onward = own_path(str(form.get("next", "")))
    name, password = str(form.get("name", "")), str(form.get("password", ""))
    site = desk_of(request).site
    try:
        found = access.sign_in(
            site.db, name, password, whence(request), lasts(request), site.clock()
        )
    except Busy as error:
        return _ask(request, onward, 503, str(error), name[:320])
    if isinstance(found, Refused):
        if not found.wait:
            return _ask(request, onward, 403, WRONG, name[:320])
        said = f"That failed too often. Try again in {_long(found.wait)}."
        answer = _ask(request, onward, 429, said, name[:320])
        answer.headers["retry-after"] = str(found.wait)
        return answer
    return _enter(request, found, onward)


def _long(seconds: int) -> str:
    if seconds < 90:
        return f"{seconds} seconds"
    return f"{-(-seconds // 60)} minutes"


def _enter(request: Request, opened: Opened, onward: str) -> Response:
    """Go on as who was let in. The cookie is a new one; a session from before ends."""
    before = found_visitor(request)
    if before is not None:
        site = desk_of(request).site
        access.sign_out(site.db, before.person, before.session.id, whence(request), site.clock())
    response = RedirectResponse(onward, 303)
    give_cookie(request, response, opened.cookie)
    return response


def by_click(request: Request) -> Response:
    """In the demo: sign in as the person whom the form names."""
    if not _by_click(request):
        raise HTTPException(403, "Signing in with one click is for a demo on this machine only.")
    form = request.state.form
    site = desk_of(request).site
    try:
        opened = access.sign_in_by_click(
            site.db, str(form.get("handle", "")), whence(request), lasts(request), site.clock()
        )
    except NotFound as error:
        raise HTTPException(400, "There is no such person in this demo.") from error
    return _enter(request, opened, own_path(str(form.get("next", ""))))


def ask_once(request: Request) -> Response:
    """The page behind a one-time link. Looking at it uses nothing up: scanners look at links."""
    return _ask_once(request, request.query_params.get("token", "")[:100])


def _ask_once(request: Request, once: str, status: int = 200, said: str = "") -> Response:
    site = desk_of(request).site
    person = access.token_of(site.db, once, site.clock())
    if person is None:
        status = 404 if status == 200 else status
    return _bare(request, "once.html", status, once=once, person=person, said=said)


def redeem(request: Request) -> Response:
    """Set the password and go in; the token opens nothing from then on."""
    form = request.state.form
    once, password = str(form.get("once", ""))[:100], str(form.get("password", ""))
    if password != str(form.get("again", "")):
        return _ask_once(request, once, 400, "The two passwords are not the same.")
    site = desk_of(request).site
    try:
        opened = access.redeem(
            site.db, once, password, whence(request), lasts(request), site.clock()
        )
    except (access.NotYours, WeakPassword, Busy) as error:
        return _ask_once(request, once, 400, str(error))
    return _enter(request, opened, "/")


def sign_out(request: Request) -> Response:
    """End the session, in the browser and here."""
    visitor = visitor_of(request)
    site = desk_of(request).site
    access.sign_out(site.db, visitor.person, visitor.session.id, whence(request), site.clock())
    response = RedirectResponse("/sign-in", 303)
    if cookie_of(request) is not None:
        take_cookie(request, response)
    return response
