"""Invitations: what calendar parts of mails say is noted, and how an event stands is worked out.

An answer (METHOD:REPLY) belongs to the request with its UID. It counts only for the attendee whose
own mail it is, and a cancellation only from the organizer: anybody can write a calendar part
(RFC 5546 section 6.1). Nothing here answers an invitation or changes a thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from inbox.flow.deciding import verify
from inbox.flow.deciding.enforce import Mail
from inbox.flow.deciding.unit import Unit
from inbox.flow.extras import calendar_json
from inbox.mail.letter import CalendarItem
from inbox.store import invitations
from inbox.store.database import Conn
from inbox.store.invitations import Said
from inbox.store.messages import Message
from inbox.store.threads import Thread

MOST_ITEMS = 10
"""Events of one mail that are noted."""
REQUEST, REPLY, CANCEL, COUNTER = "request", "reply", "cancel", "counter"
_METHODS = {
    "": REQUEST,
    "REQUEST": REQUEST,
    "PUBLISH": REQUEST,
    "ADD": REQUEST,
    "REPLY": REPLY,
    "CANCEL": CANCEL,
    "COUNTER": COUNTER,
}
_KINDS = {
    REQUEST: "invitation",
    REPLY: "invitation-answered",
    CANCEL: "invitation-cancelled",
    COUNTER: "invitation-countered",
}
_STATES = frozenset({"accepted", "declined", "tentative", "delegated", "needs-action"})


@dataclass(slots=True)
class Standing:
    """How an event stands by all that was said."""

    known: bool = False
    """Did a request come (or go out) at all?"""
    sequence: int = 0
    organizer: str = ""
    sender: str = ""
    """Who sent the first request: the organizer, or whoever invites on their behalf."""
    cancelled: bool = False
    attendees: dict[str, str] = field(default_factory=dict)
    """address -> accepted, declined, tentative, delegated or needs-action."""


def standing(said: Sequence[Said]) -> Standing:
    """How an event stands; requests are taken first, so that the order of arrival changes nothing
    but between two answers of one attendee."""
    now = Standing()
    for one in said:
        if one.method != REQUEST or not _renews(one, now):
            continue
        now.sender = now.sender or one.by
        now.known, now.cancelled = True, one.data.get("status") == "CANCELLED"
        now.sequence, now.organizer = one.sequence, _plain(one.data.get("organizer"))
        now.attendees = {
            _plain(each["address"]): _state(each["state"]) for each in one.data.get("attendees", ())
        }
    for one in said:
        if counts(one, now):
            if one.method == REPLY:
                now.attendees[one.by] = _answer(one.data, one.by)
            elif one.method == CANCEL:
                now.cancelled = True
    return now


def _renews(one: Said, now: Standing) -> bool:
    """Is it the first request, or a newer version of whoever sent that or of its organizer? Else
    anybody would make an event their own by a request with its UID, and cancel it."""
    if not one.data.get("believed", True):
        return False
    return not now.known or (one.sequence >= now.sequence and one.by in (now.sender, now.organizer))


def counts(one: Said, now: Standing) -> bool:
    """Is it an answer of an attendee, or the organizer's cancellation, to what stands?"""
    if not now.known or one.sequence < now.sequence or not one.data.get("believed", True):
        return False
    if one.method == REPLY:
        return one.by in now.attendees and bool(_answer(one.data, one.by))
    return one.method == CANCEL and one.by == now.organizer


def _answer(data: Any, attendee: str) -> str:
    for each in data.get("attendees", ()):
        if _plain(each["address"]) == attendee:
            return _state(each["state"])
    return ""


def _plain(address: object) -> str:
    return str(address or "").strip().lower()


def _state(written: object) -> str:
    found = str(written).lower()
    return found if found in _STATES else "needs-action"


def shown(conn: Conn, account_id: int, mails: Sequence[Message]) -> dict[str, Standing]:
    """How the events stand that these messages of an account speak of, by UID."""
    uids = {
        str(item.get("uid", ""))
        for one in mails
        for item in one.extras.get("calendar", ())
        if item.get("uid")
    }
    found = invitations.of_uids(conn, account_id, uids)
    return {
        uid: standing(found[uid[: invitations.LONGEST_UID]])
        for uid in uids
        if uid[: invitations.LONGEST_UID] in found
    }


def note(unit: Unit, mail: Mail, thread: Thread) -> None:
    """Note what a mail's calendar parts say, on the account's timeline and for later."""
    believed = verify.may_join(mail.verdict, mail.letter)
    by = mail.there.author.address.lower()
    for item in mail.letter.calendar[:MOST_ITEMS]:
        method = _METHODS.get(item.method)
        if method is None or not item.uid:
            continue
        uid = item.uid[: invitations.LONGEST_UID]
        data = {**calendar_json(item), "believed": believed}
        sequence = min(max(item.sequence, 0), 1_000_000)
        said = Said(uid, method, sequence, by, data, mail.at, mail.message_id)
        _event(unit, mail, thread, item, said)
        row = {name: getattr(said, name) for name in Said.__slots__}
        row |= {"account_id": mail.there.account_id, "thread_id": thread.id}
        unit.writes.add("invitations", {"id": unit.writes.key("invitations"), **row})


def _event(unit: Unit, mail: Mail, thread: Thread, item: CalendarItem, said: Said) -> None:
    data: dict[str, Any] = {
        name: said.data[name] for name in ("uid", "summary", "start", "end", "organizer")
    }
    if said.method in (REPLY, CANCEL):
        before = invitations.of_uids(unit.conn, mail.there.account_id, [said.uid])
        data["counts"] = counts(said, standing(before.get(said.uid, ())))
    if said.method == REPLY:
        attendee, state = item.attendees[0] if item.attendees else (said.by, "")
        data |= {"attendee": _plain(attendee), "state": _state(state)}
    unit.event(mail.event(thread.id, _KINDS[said.method], data))
