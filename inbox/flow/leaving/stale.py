"""Is a reply stale? What happened on a thread that its writer had not before them.

Whoever sends over something newer says so twice: a customer must not get an answer to a question
that they have withdrawn, nor two answers from two colleagues.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inbox.errors import NotFound
from inbox.store import outbox_desk, people, timeline
from inbox.store.database import Conn
from inbox.store.messages import Message
from inbox.store.outbox_desk import Item
from inbox.store.threads import Thread
from inbox.store.timeline import Event

TELLING = (
    *("owner-changed", "assigned", "handoff-accepted", "status-changed", "note"),
    *("threads-merged", "thread-split", "account-changed"),
)
"""Events, beside mail, that make a reply stale where a colleague brought them about."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What somebody had before them as they wrote."""

    by: str
    """Their handle: what they did themselves is no news to them."""
    message_id: int | None = None
    event_id: int | None = None


def newer(conn: Conn, thread: Thread, mails: Sequence[Message], seen: Seen) -> tuple[str, ...]:
    """What they had not seen, in words, oldest first; and who else is about to answer.

    Raises `NotFound` where the thread has no such message.
    """
    waiting = outbox_desk.open_of_thread(conn, thread.id)
    found = [_other(one) for one in waiting if one.by != seen.by]
    if seen.event_id is not None:
        happened = timeline.since(conn, thread.id, seen.event_id, TELLING)
        names = {one.handle: one.name for one in people.everybody(conn).values()}
        own = f"person:{seen.by}"
        told = [one for one in happened if one.actor.startswith("person:") and one.actor != own]
        found += [_words(one, names) for one in told]
    if seen.message_id is None:
        return tuple(found)
    last = next((one for one in mails if one.id == seen.message_id), None)
    if last is None:
        raise NotFound(f"thread {thread.id} has no message {seen.message_id}")
    later = unseen(mails, last)
    return (*found, *(_arrived(one) for one in later))


def unseen(mails: Sequence[Message], last: Message) -> list[Message]:
    """The messages after the last one that somebody saw, in order of arrival or of time."""
    return [
        one
        for one in mails
        if one.id > last.id or (one.received_at, one.id) > (last.received_at, last.id)
    ]


def _arrived(one: Message) -> str:
    way = "arrived" if one.direction == "in" else "was sent"
    who = one.from_name or one.from_address
    return f"message {one.id} of {who} {way} on {one.received_at:%Y-%m-%d %H:%M} UTC"


def _other(one: Item) -> str:
    return f"{one.by or 'somebody'} is answering too: outbox item {one.id} waits to be sent"


def _words(one: Event, names: Mapping[str, str]) -> str:
    handle = one.actor.removeprefix("person:")
    who = names.get(handle, handle)
    data: Mapping[str, Any] = one.data
    if one.kind == "owner-changed":
        to = names.get(str(data.get("to")), str(data.get("to")))
        return f"{who} changed whose it is: {to} answers for it now"
    if one.kind in ("assigned", "handoff-accepted"):
        return f"{who} moved it to team {data.get('team')}"
    if one.kind == "status-changed":
        return f"{who} made it {data.get('status')}"
    if one.kind == "note":
        return f"{who} wrote a note: {str(data.get('text'))[:200]}"
    return f"{who} regrouped it ({one.kind.replace('-', ' ')})"
