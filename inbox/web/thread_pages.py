"""One thread: its messages, why it is here and whose it is, what can be done, and the composer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from inbox.flow.intake import invitations
from inbox.store import (
    accounts,
    assignments,
    followers,
    handoffs,
    messages,
    pages,
    people,
    proposals,
    threads,
    timeline,
    views,
)
from inbox.store.database import Conn
from inbox.store.handoffs import Handoff
from inbox.store.people import Person
from inbox.store.threads import Thread
from inbox.web import words
from inbox.web.clock_words import METRICS, chip
from inbox.web.composer import CLOSED, MODES, Extra, composer
from inbox.web.context import desk_of, frame, page
from inbox.web.inbox_pages import MESSAGES, views_of
from inbox.web.keys import key, number, place, place_of
from inbox.web.list_pages import pane
from inbox.web.mention_pages import looked
from inbox.web.visitors import visitor_of
from inbox.web.why import as_whom, why

SAID = {
    "claimed": "It is yours now.",
    "released": "Given back to the team.",
    "given": "Given to a colleague.",
    "closed": "Closed.",
    "opened": "Open again.",
    "waiting": "It waits for the customer.",
    "snoozed": "Put aside.",
    "tagged": "Tags changed.",
    "priority": "Priority changed.",
    "followed": "You follow it.",
    "unfollowed": "You follow it no more.",
    "offered": "Offered to the other team. You answer for it until they accept.",
    "accepted": "Accepted: it is yours now.",
    "declined": "Declined: it stays where it was.",
    "withdrawn": "The offer is taken back.",
    "merged": "Merged. The old address leads here.",
    "split": "Split: these messages have a thread of their own now.",
    "moved-account": "Moved to the other account.",
    "moved-team": "Moved to the other team; the classifier learns from it.",
    "noted": "Noted. Whom you named is told.",
    "sent": "In the outbox.",
    "forwarded": "Asked aside; the customer is no part of it.",
    "discarded": "Draft thrown away.",
    "saved": "Draft saved.",
    "restored": "An earlier version is the draft again.",
    "attached": "Attached.",
    "detached": "Taken away.",
}
"""What a page says after a deed; the key stands in its address."""


@dataclass(frozen=True, slots=True)
class Hands:
    """What one person can do on a thread at this time."""

    person: Person
    mine: bool
    owned: bool
    team: tuple[Person, ...]
    """To whom it can be given: the people of its team."""
    offer: Handoff | None
    accepts: bool
    """May this person answer the offer?"""
    follows: bool
    followers: tuple[Person, ...]


def hands(conn: Conn, one: Thread, person: Person, everybody: dict[int, Person]) -> Hands:
    """What this person can do. Who may is decided in `flow`; here only what is worth offering."""
    members = people.members(conn, one.team)
    following = followers.of_thread(conn, one.id)
    offer = handoffs.open_of(conn, one.id)
    lead = person.role in ("lead", "admin")
    receivers = people.members(conn, offer.to_team) if offer else frozenset()
    return Hands(
        person=person,
        mine=one.claimed_at is not None and one.accountable_id == person.id,
        owned=one.claimed_at is not None,
        team=tuple(
            each
            for each in sorted(everybody.values(), key=lambda each: each.name)
            if each.active and each.handle in members
        ),
        offer=offer,
        accepts=offer is not None and (lead or person.handle in receivers),
        follows=person.id in following,
        followers=tuple(everybody[each] for each in following if each in everybody),
    )


def thread(request: Request) -> Response:
    """One thread: its messages oldest first, the newest open, and beside them why it is here."""
    mode = request.query_params.get("compose", "")
    extra = Extra(mode=mode if mode in (*MODES, CLOSED) else "", draft_id=number(request, "draft"))
    return shown(request, key(request, "thread_id"), extra)


def shown(request: Request, thread_id: int, extra: Extra, *, status: int = 200) -> Response:
    """The page of a thread, as it is or as a form that was not carried out comes back."""
    before = place_of(request, "earlier")
    site, visitor = desk_of(request).site, visitor_of(request)
    with site.db.read() as conn:
        one = threads.by_id(conn, thread_id, visitor.seer)
        if one.id != thread_id and status == 200:
            return RedirectResponse(f"/threads/{one.id}", 308)
        around = frame(conn, request)
        found = pages.newest_messages(conn, one.id, limit=MESSAGES + 1, before=before)
        everybody = people.everybody(conn)
        filters, listed = pane(conn, request, visitor.seer)
        values: dict[str, Any] = {
            "listed": listed,
            "account": accounts.by_id(conn, one.account_id, visitor.seer),
            "people": everybody,
            "proposed": proposals.listing(conn, thread_id=one.id),
            "linked": pages.linked_threads(conn, one.id, visitor.seer),
            "events": timeline.of_thread(conn, one.id, timeline.Span(limit=40), visitor.seer),
            "why": why(assignments.of_thread(conn, one.id), one.team, everybody),
            "hands": hands(conn, one, visitor.person, everybody),
        }
        kept = found[-MESSAGES:]
        files = messages.attachments_of(conn, [message.id for message in kept], visitor.seer)
        values["invitations"] = invitations.shown(conn, one.account_id, kept)
        values["clock"] = views.clocks(conn, [one.id], site.clock()).get(one.id)
        values["writing"] = composer(conn, one, visitor, extra, site.clock(), site)
    if around.waiting.named:
        looked(request, visitor, one.id)
    values["earlier"] = place(kept[0].received_at, kept[0].id) if len(found) > MESSAGES else None
    values |= {"thread": one, "views": views_of(kept, files), "filters": filters}
    values["chip"] = chip(values["clock"], site.clock())
    answer = page(
        request,
        "thread.html",
        around,
        current=one.id,
        statuses=words.STATUSES,
        metrics=METRICS,
        as_whom=as_whom(request),
        said=request.query_params.get("said", ""),
        told=SAID.get(request.query_params.get("said", ""), ""),
        run=request.query_params.get("run", "")[:40],
        **values,
    )
    answer.status_code = status
    return answer


def back(thread_id: int, said: str, run: str = "", where: str = "") -> Response:
    """Go to the thread, which says what was done and how to undo it."""
    undo = f"&run={run}" if run else ""
    return RedirectResponse(f"/threads/{thread_id}?said={said}{undo}{where}", 303)
