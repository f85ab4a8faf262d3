"""How somebody likes their pages, and whose pictures they let in. Everybody's own, viewers' too."""

from __future__ import annotations

import re

from fastapi import HTTPException, Request
from starlette.responses import RedirectResponse, Response

from inbox.store import agent_notices, messages, preferences
from inbox.web import zones
from inbox.web.context import frame, page
from inbox.web.desk import desk_of
from inbox.web.keys import key
from inbox.web.visitors import visitor_of

CHOICES = {
    "theme": ("system", "light", "dark"),
    "keys": ("on", "off"),
    "hints": ("on", "off"),
}
"""Preference -> what may be chosen, the first being what everybody begins with."""
NOTICES = "notices"
"""Whether notices come by mail; kept with the notices, as commands set it too."""
_OWN_PAGE = re.compile(r"https?://[^/]+(/(?![/\\])[^\\\s]{0,1000})")


def page_of_mine(request: Request) -> Response:
    """The page of one's own choices."""
    visitor = visitor_of(request)
    with desk_of(request).site.db.read() as conn:
        around = frame(conn, request)
        senders = preferences.senders(conn, visitor.person.id)
        by_mail = agent_notices.by_mail(conn, visitor.person.id)
    chosen = {name: around.likes.get(name, values[0]) for name, values in CHOICES.items()}
    chosen[NOTICES] = "on" if by_mail else "off"
    return page(
        request,
        "preferences.html",
        around,
        choices={**CHOICES, NOTICES: ("on", "off")},
        chosen=chosen,
        senders=senders,
        zones=zones.offered(),
        zone=around.likes.get(zones.CHOICE, ""),
        usual=next((one for one in zones.said_for(request) if one in zones.known()), "UTC"),
    )


def choose(request: Request) -> Response:
    """Keep one choice of the person who asks; a form goes back to the page it stood on."""
    form = request.state.form
    name, value = str(form.get("name", "")), str(form.get("value", ""))
    if value not in _may_be(name):
        raise HTTPException(400, "There is no such choice.")
    site, person = desk_of(request).site, visitor_of(request).person
    with site.db.write() as conn:
        if name == NOTICES:
            agent_notices.choose(conn, person.id, value == "on", site.clock())
        else:
            preferences.choose(conn, person.id, name, value)
    return _back(request)


def _may_be(name: str) -> tuple[str, ...]:
    if name == zones.CHOICE:
        return ("", *zones.offered())
    return ("on", "off") if name == NOTICES else CHOICES.get(name, ())


def let_in(request: Request) -> Response:
    """Always show this person the pictures of a message's sender, in mail proven to be theirs."""
    message_id = key(request, "message_id")
    visitor = visitor_of(request)
    site = desk_of(request).site
    with site.db.write() as conn:
        message = messages.by_id(conn, message_id, visitor.seer)
        if message.verified != "pass":
            said = "Nothing proves who sent this mail. Show its pictures once instead."
            raise HTTPException(400, said)
        preferences.let_in(conn, visitor.person.id, message.from_address, site.clock())
    return RedirectResponse(f"/threads/{message.thread_id}?status=all#m{message_id}", 303)


def keep_out(request: Request) -> Response:
    """Ask again for a sender's pictures."""
    address = str(request.state.form.get("address", ""))
    with desk_of(request).site.db.write() as conn:
        preferences.keep_out(conn, visitor_of(request).person.id, address)
    return RedirectResponse("/preferences", 303)


def _back(request: Request) -> Response:
    """To the page whose form asked, or nothing where a script did."""
    if request.headers.get("sec-fetch-dest", "") == "empty":
        return Response(status_code=204)
    came = _OWN_PAGE.fullmatch(request.headers.get("referer", ""))
    return RedirectResponse(came[1] if came else "/preferences", 303)
