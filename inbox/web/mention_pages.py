"""Where one was named in a note and has not looked since."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from inbox.store import followers
from inbox.web.context import desk_of, frame, page
from inbox.web.visitors import Visitor, visitor_of


def listing(request: Request) -> Response:
    """The newest first; opening the thread marks them as read."""
    with desk_of(request).site.db.read() as conn:
        around = frame(conn, request)
        found = followers.unread(conn, visitor_of(request).seer)
    return page(request, "mentions.html", around, found=found)


def all_read(request: Request) -> Response:
    """Take all of them as read."""
    site, visitor = desk_of(request).site, visitor_of(request)
    with site.db.write() as conn:
        followers.read(conn, None, visitor.person.id, site.clock())
    return RedirectResponse("/mentions", 303)


def looked(request: Request, visitor: Visitor, thread_id: int) -> None:
    """This person has the thread before them."""
    site = desk_of(request).site
    with site.db.write() as conn:
        followers.read(conn, thread_id, visitor.person.id, site.clock())
