"""Marking a thread or an attachment confidential from a page."""

from __future__ import annotations

from fastapi import HTTPException, Request
from starlette.responses import RedirectResponse, Response

from inbox.flow.people.confidential import Confidential, NotAllowed
from inbox.web.desk import desk_of
from inbox.web.keys import key
from inbox.web.visitors import visitor_of, whence


def _wanted(request: Request) -> bool:
    given = str(request.state.form.get("confidential", ""))
    if given not in ("yes", "no"):
        raise HTTPException(400, "The form does not say whether it is confidential.")
    return given == "yes"


def _marked(request: Request, what: str, number: int) -> Response:
    site, by = desk_of(request).site, visitor_of(request).person.handle
    marks = Confidential(site.db)
    mark = marks.thread if what == "thread" else marks.attachment
    try:
        on = _wanted(request)
        thread_id = mark(number, by, on, whence(request).address, site.clock())
    except NotAllowed as error:
        raise HTTPException(403, str(error)) from error
    desk_of(request).counts.forget()
    return RedirectResponse(f"/threads/{thread_id}?status=all", 303)


def thread(request: Request) -> Response:
    """Mark the thread, or lift it, as the form's `confidential` says (`yes`, `no`)."""
    return _marked(request, "thread", key(request, "thread_id"))


def attachment(request: Request) -> Response:
    """The same for one attachment."""
    return _marked(request, "attachment", key(request, "attachment_id"))
