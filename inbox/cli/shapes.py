"""The JSON shapes of accounts, threads, messages and events (docs/INTERFACES.md).

Ids are texts, times ISO 8601 in UTC; later versions only add keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from inbox.clock import iso
from inbox.flow.promises.planning import Coming
from inbox.store.absences import Absence
from inbox.store.accounts import AccountSummary
from inbox.store.finding import Place
from inbox.store.handoffs import Handoff
from inbox.store.loops import Loop
from inbox.store.messages import Message, StoredAttachment
from inbox.store.notes import NoteHit
from inbox.store.pages import Hit
from inbox.store.people import Person
from inbox.store.proposals import Proposal
from inbox.store.threads import Thread, ThreadRow
from inbox.store.timeline import TimelineRow


def _moment(value: datetime | None) -> str | None:
    return None if value is None else iso(value)


def account(row: AccountSummary) -> dict[str, Any]:
    """A line of `aboard accounts`."""
    return {
        "id": str(row.account.id),
        "kind": row.account.kind,
        "name": row.account.name,
        "tier": row.account.tier,
        "stage": row.account.stage,
        "tags": list(row.account.tags),
        "provisional": row.account.provisional,
        "domains": list(row.domains),
        "threads": row.threads,
        "open_threads": row.open_threads,
        "created_at": iso(row.account.created_at),
        "last_event_at": iso(row.account.last_event_at),
    }


def thread(found: Thread, accountable: str, account_name: str) -> dict[str, Any]:
    """A thread without its messages."""
    return {
        "id": str(found.id),
        "account_id": str(found.account_id),
        "account": account_name,
        "subject": found.subject,
        "status": found.status,
        "team": found.team,
        "accountable": accountable,
        "claimed_at": _moment(found.claimed_at),
        "decided_by": found.decided_by,
        "priority": found.priority,
        "policy": found.policy,
        "tags": list(found.tags),
        "messages": found.messages,
        "opened_at": iso(found.opened_at),
        "last_message_at": iso(found.last_message_at),
        "last_in_at": _moment(found.last_in_at),
        "last_out_at": _moment(found.last_out_at),
        "snoozed_until": _moment(found.snoozed_until),
    }


def thread_row(row: ThreadRow) -> dict[str, Any]:
    """A line of `aboard threads`."""
    shape = thread(row.thread, row.accountable, row.account_name)
    return shape | {
        "last_from": {"name": row.last.from_name, "address": row.last.from_address},
        "preview": row.last.preview,
        "attachments": row.last.attachments,
    }


def hit(place: Place, found: Hit | NoteHit) -> dict[str, Any]:
    """A mail or a note that a search found; one of the two numbers is null."""
    return {
        "thread_id": str(place.thread_id),
        "message_id": None if place.message_id is None else str(place.message_id),
        "note_id": None if place.event_id is None else str(place.event_id),
        "at": iso(place.at),
        "account": found.account_name,
        "subject": found.subject,
        "team": found.team,
        "status": found.status,
        "text": found.text[:500],
    }


def message(found: Message, files: tuple[StoredAttachment, ...]) -> dict[str, Any]:
    """A message with its attachments."""
    return {
        "id": str(found.id),
        "thread_id": str(found.thread_id),
        "direction": found.direction,
        "message_id": found.mail_id,
        "subject": found.subject,
        "from": {"name": found.from_name, "address": found.from_address},
        "recipients": {
            field: [{"name": name, "address": address} for name, address in listed]
            for field, listed in found.recipients.items()
        },
        "sent_at": _moment(found.sent_at),
        "received_at": iso(found.received_at),
        "size": found.size,
        "text": found.text,
        "visible_text": found.visible_text,
        "language": found.language,
        "automatic": found.automatic,
        "may_answer": found.may_answer,
        "verified": found.verified,
        "extras": dict(found.extras),
        "defects": list(found.defects),
        "attachments": [
            {
                "id": str(one.id),
                "name": one.name,
                "content_type": one.content_type,
                "size": one.size,
                "sha256": one.sha256,
                "inline": one.inline,
            }
            for one in files
        ],
    }


def event(row: TimelineRow) -> dict[str, Any]:
    """A line of a timeline."""
    one = row.event
    return {
        "id": str(one.id),
        "at": iso(one.at),
        "kind": one.kind,
        "actor": one.actor,
        "account_id": str(one.account_id),
        "thread_id": None if one.thread_id is None else str(one.thread_id),
        "message_id": None if one.message_id is None else str(one.message_id),
        "subject": row.subject,
        "from": {"name": row.from_name, "address": row.from_address} if row.from_address else None,
        "preview": row.preview,
        "data": dict(one.data),
    }


def person(
    found: Person,
    teams: Sequence[str],
    duty: Sequence[str],
    owned: int,
    away: Sequence[Absence],
) -> dict[str, Any]:
    """A line of `aboard people`."""
    return {
        "handle": found.handle,
        "name": found.name,
        "address": found.address,
        "role": found.role,
        "teams": list(teams),
        "duty": list(duty),
        "owned_threads": owned,
        "absences": [
            {"from": iso(one.from_at), "until": _moment(one.until_at), "note": one.note}
            for one in away
        ],
    }


def handoff(found: Handoff, handles: Mapping[int, str]) -> dict[str, Any]:
    """A line of `aboard handoff list`."""
    return {
        "id": str(found.id),
        "thread_id": str(found.thread_id),
        "from_team": found.from_team,
        "to_team": found.to_team,
        "by": handles[found.by_id],
        "giver": handles[found.giver_id],
        "reason": found.reason,
        "summary": found.summary,
        "asks": list(found.asks),
        "state": found.state,
        "offered_at": iso(found.offered_at),
        "settled_at": _moment(found.settled_at),
        "settled_by": None if found.settled_by_id is None else handles[found.settled_by_id],
        "answer": found.answer,
    }


def loop(found: Loop) -> dict[str, Any]:
    """A line of `aboard mail loops list`."""
    return {
        "id": str(found.id),
        "mailbox": found.mailbox,
        "address": found.address,
        "thread_id": str(found.thread_id),
        "count": found.count,
        "hour_at": iso(found.hour_at),
        "stopped_at": _moment(found.stopped_at),
        "released_at": _moment(found.released_at),
    }


def proposal(found: Proposal, handles: Mapping[int, str]) -> dict[str, Any]:
    """A line of `aboard proposals list`."""
    return {
        "id": str(found.id),
        "kind": found.kind,
        "what": found.what,
        "state": found.state,
        "account_id": str(found.account_id),
        "thread_id": str(found.thread_id),
        "message_id": None if found.message_id is None else str(found.message_id),
        "data": dict(found.data),
        "made_at": iso(found.made_at),
        "settled_at": _moment(found.settled_at),
        "settled_by": None if found.settled_by_id is None else handles[found.settled_by_id],
    }


def coming(one: Coming) -> dict[str, Any]:
    """An automatic mail that is planned."""
    return {
        "id": None if one.id is None else str(one.id),
        "due_at": iso(one.at),
        "state": one.state,
        "template": one.template,
        "sequence": one.sequence,
        "step": one.step,
        "thread_id": str(one.thread_id),
        "to": one.to,
        "edited": one.edited,
        "why": one.why,
    }
