"""Proposals on a thread's page: applied or declined by one click."""

from __future__ import annotations

from fastapi import HTTPException, Request
from starlette.responses import RedirectResponse, Response

from inbox.errors import AboardError, NotFound
from inbox.store import proposals, threads
from inbox.web.composer import Extra
from inbox.web.context import desk_of
from inbox.web.keys import key
from inbox.web.thread_pages import shown
from inbox.web.visitors import visitor_of


def settle(request: Request) -> Response:
    """Apply or decline the proposal as the acting person, as the form's `answer` says."""
    site = desk_of(request).site
    proposal_id = key(request, "proposal_id")
    answer = str(request.state.form.get("answer", ""))
    with site.db.read() as conn:
        made = proposals.by_id(conn, proposal_id)
        threads.by_id(conn, made.thread_id, visitor_of(request).seer)
    person = visitor_of(request).person
    if site.proposals is None:
        raise HTTPException(403, "This site settles no proposals.")
    if answer not in ("apply", "decline"):
        raise HTTPException(400, "The form does not say whether to apply or to decline it.")
    deed = site.proposals.apply if answer == "apply" else site.proposals.decline
    said = "applied" if answer == "apply" else "declined"
    try:
        deed(proposal_id, person.handle, site.clock())
    except NotFound:
        raise
    except AboardError as reason:
        desk_of(request).counts.forget()
        return shown(request, made.thread_id, Extra(problem=f"Not done: {reason}."), status=409)
    desk_of(request).counts.forget()
    return RedirectResponse(f"/threads/{made.thread_id}?said={said}", 303)
