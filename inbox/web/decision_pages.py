"""Clicks on a thread's page: whose mail a forward is, a linked thread joined, and the way back."""

from __future__ import annotations

import re
from collections.abc import Callable

from fastapi import HTTPException, Request
from starlette.responses import RedirectResponse, Response

from inbox.errors import AboardError, NotFound
from inbox.store import messages, threads
from inbox.web.composer import Extra
from inbox.web.desk import Decided, Decisions, desk_of
from inbox.web.keys import key
from inbox.web.thread_pages import shown
from inbox.web.visitors import visitor_of


def _acting(request: Request) -> tuple[Decisions, str]:
    site = desk_of(request).site
    if site.decisions is None:
        raise HTTPException(403, "This site offers no corrections.")
    return site.decisions, visitor_of(request).person.handle


def _field(request: Request, name: str) -> str:
    return str(request.state.form.get(name, ""))[:600]


def _answer(request: Request, thread_id: int, deed: Callable[[], Decided]) -> Response:
    """Do it, and go to the thread that it is about now; what cannot be is said there, and why."""
    try:
        done = deed()
    except NotFound:
        raise
    except AboardError as reason:
        return shown(request, thread_id, Extra(problem=f"Not done: {reason}."), status=409)
    desk_of(request).counts.forget()
    return RedirectResponse(f"/threads/{done.thread_id}?said=done&run={done.run}", 303)


def correct(request: Request) -> Response:
    """Make a forward somebody else's mail; no sender in the form: the colleague's own."""
    decisions, handle = _acting(request)
    message_id, sender = key(request, "message_id"), _field(request, "sender").strip()
    with desk_of(request).site.db.read() as conn:
        thread_id = messages.by_id(conn, message_id, visitor_of(request).seer).thread_id
    if _field(request, "answer") == "sender" and not sender:
        raise HTTPException(400, "The form does not say whose mail it is.")
    sender = sender if _field(request, "answer") == "sender" else ""
    now = desk_of(request).site.clock()
    return _answer(request, thread_id, lambda: decisions.correct(message_id, sender, handle, now))


def join(request: Request) -> Response:
    """Join the thread and the linked one that the form names."""
    decisions, handle = _acting(request)
    thread_id, other = key(request, "thread_id"), _field(request, "other")
    if not re.fullmatch(r"[0-9]{1,15}", other):
        raise HTTPException(400, "The form does not name a thread.")
    with desk_of(request).site.db.read() as conn:
        for one in (thread_id, int(other)):
            threads.by_id(conn, one, visitor_of(request).seer)
    now = desk_of(request).site.clock()
    return _answer(request, thread_id, lambda: decisions.join(thread_id, int(other), handle, now))
