"""What leaves: the outbox with its states, and the follow-ups that are planned."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from fastapi import HTTPException, Request
from starlette.responses import RedirectResponse, Response

from inbox.errors import AboardError
from inbox.flow.admin.stored_sets import in_force
from inbox.flow.leaving import outbox_deeds
from inbox.flow.leaving.compose import lifetimes
from inbox.flow.promises import planning
from inbox.store import accounts, outbox_desk, planned, thread_lists
from inbox.store.database import Conn
from inbox.store.seers import Seer
from inbox.web.context import desk_of, frame, page
from inbox.web.keys import key, number
from inbox.web.refused import plainly
from inbox.web.visitors import own_path, visitor_of
from inbox.web.zones import zone_of

ROWS = 50
STATES = {
    "": "All",
    "held": "Held",
    "queued": "Queued",
    "sending": "Sending",
    "sent": "Sent",
    "uncertain": "Uncertain",
    "failed": "Failed",
    "expired": "Expired",
    "cancelled": "Cancelled",
}
PLANNED = {"": "All", "planned": "Planned", "paused": "Paused"}


def outbox(request: Request) -> Response:
    """Items, newest first, by state."""
    state = request.query_params.get("state", "")
    if state not in STATES:
        raise HTTPException(400, "No item can be in such a state.")
    with desk_of(request).site.db.read() as conn:
        around = frame(conn, request)
        wanted = outbox_desk.Page(
            state=state or None, before=number(request, "before"), limit=ROWS + 1
        )
        found = outbox_desk.listing(conn, wanted, around.visitor.seer)
        counts = outbox_desk.open_counts(conn, around.visitor.seer)
    return page(
        request,
        "outbox.html",
        around,
        found=found[:ROWS],
        older=found[ROWS - 1].id if len(found) > ROWS else None,
        states=STATES,
        state=state,
        counts=counts,
        carries=bool(desk_of(request).site.settings.send.host),
        said=request.query_params.get("did", ""),
    )


def item(request: Request) -> Response:
    """Release, try again or cancel one item, as the button says."""
    item_id, site = key(request, "item_id"), desk_of(request).site
    form = request.state.form
    deed, now = str(form.get("deed", "")), site.clock()
    handle = visitor_of(request).person.handle
    with plainly(409):
        with site.db.read() as conn:
            outbox_desk.seen(conn, item_id, visitor_of(request).seer)
        if deed == "cancel":
            outbox_deeds.cancel(site.db, item_id, now, handle)
        elif deed in ("release", "retry"):
            if deed == "release" and not site.settings.send.host:
                raise AboardError("nobody carries mail: an operator sets `send.host` first")
            change = outbox_deeds.release if deed == "release" else outbox_deeds.retry
            change(site.db, item_id, now, lifetimes(site.settings), handle)
        else:
            raise HTTPException(400, "The form does not say what to do.")
    back = own_path(str(form.get("back", "/outbox")))
    return RedirectResponse(back, 303)


def follow_ups(request: Request) -> Response:
    """Everything automatic that is coming, the next first."""
    state = request.query_params.get("state", "")
    if state not in PLANNED:
        raise HTTPException(400, "A follow-up that is coming is planned or paused.")
    with desk_of(request).site.db.read() as conn:
        around = frame(conn, request)
        seer = around.visitor.seer
        found = planned.coming(
            conn, seer, state=state, after=number(request, "after") or 0, limit=ROWS + 1
        )
        names = accounts.by_ids(conn, {one.account_id for one in found})
    return page(
        request,
        "followups.html",
        around,
        found=found[:ROWS],
        names=names,
        states=PLANNED,
        state=state,
        more=len(found) > ROWS,
        after=(number(request, "after") or 0) + ROWS,
    )


def follow_up(request: Request) -> Response:
    """Pause, let go on, cancel or change one follow-up, as the button says."""
    planned_id, site = key(request, "planned_id"), desk_of(request).site
    form, now = request.state.form, site.clock()
    planner = planning.Planner(site.db, visitor_of(request).person.handle)
    deed = str(form.get("deed", ""))
    with plainly(409):
        with site.db.read() as conn:
            planned.seen(conn, planned_id, visitor_of(request).seer)
        if deed in ("pause", "resume", "cancel"):
            {"pause": planner.pause, "resume": planner.resume, "cancel": planner.cancel}[deed](
                planned_id, now
            )
        elif deed == "edit":
            subject, body = str(form.get("subject", "")), str(form.get("body", ""))
            planner.edit(
                planned_id, subject, body, _instant(str(form.get("at", "")), zone_of(request)), now
            )
        else:
            raise HTTPException(400, "The form does not say what to do.")
    return RedirectResponse(own_path(str(form.get("back", "/followups"))), 303)


def coming_of(
    conn: Conn, account_id: int, now: datetime, seer: Seer
) -> tuple[planning.Coming, ...]:
    """What is coming for an account on threads that are seen, with the steps of ladders."""
    files = in_force(conn)
    found = () if files is None else planning.coming(conn, files, account_id, now)
    if seer.sees_all or not found:
        return found
    there = thread_lists.seen_among(conn, {one.thread_id for one in found}, seer)
    return tuple(one for one in found if one.thread_id in there)


def _instant(given: str, zone: tzinfo) -> datetime | None:
    """What a field for a day and a time gives, read in the zone of who typed it."""
    if not given:
        return None
    try:
        return datetime.fromisoformat(given).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise HTTPException(400, f"`{given}` is no time.") from error
