"""Doctor: one mail's whole story, from its first byte to where it lies now."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from inbox.clock import iso
from inbox.errors import NotFound
from inbox.mail.ids import message_id
from inbox.mail.words import unfolded
from inbox.store import accounts, assignments, ledger, messages, threads, timeline
from inbox.store.database import Conn
from inbox.store.ledger import LedgerRow
from inbox.store.messages import Message

_LEDGER = re.compile("ledger:([0-9]{1,18})")
"""No more digits than a key of the database can have."""
MOST_UNFILED, HEAD_BYTES, MOST_FIELDS = 2_000, 64 * 1024, 5
"""Mails that are looked into, how far, and fields of each: a mail in quarantine may be a bomb."""
_BLANK = re.compile(rb"\r?\n\r?\n")
_MESSAGE_ID = re.compile(rb"(?im)^message-id[ \t]*:([^\n]{0,2000}(?:\n[ \t][^\n]{0,2000}){0,3})")


@dataclass(frozen=True, slots=True)
class Story:
    """Every delivery of a mail, and the message it became where it became one."""

    deliveries: tuple[LedgerRow, ...]
    message: Message | None
    account: str = ""
    thread: threads.Thread | None = None
    decision: assignments.Assignment | None = None
    events: tuple[timeline.Event, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The JSON shape of docs/INTERFACES.md."""
        message = self.message
        return {
            "deliveries": [delivery_json(row) for row in self.deliveries],
            "message": None
            if message is None
            else {
                "id": str(message.id),
                "message_id": message.mail_id,
                "subject": message.subject,
                "from": message.from_address,
                "received_at": iso(message.received_at),
                "automatic": message.automatic,
                "verified": message.verified,
                "defects": list(message.defects),
            },
            "account": self.account or None,
            "thread": None if self.thread is None else str(self.thread.id),
            "team": None if self.thread is None else self.thread.team,
            "decision": None if self.decision is None else dict(self.decision.decision),
            "events": [
                {"at": iso(one.at), "kind": one.kind, "actor": one.actor, "data": dict(one.data)}
                for one in self.events
            ],
        }


def delivery_json(row: LedgerRow) -> dict[str, Any]:
    """A ledger row in the JSON shape of docs/INTERFACES.md."""
    return {
        "ledger": str(row.id),
        "sha256": row.sha256,
        "size": row.size,
        "source": row.source,
        "peer": row.peer,
        "reverse_path": row.reverse_path,
        "forward_paths": list(row.forward_paths),
        "accepted_at": iso(row.accepted_at),
        "state": row.state,
        "settled_at": iso(row.settled_at) if row.settled_at else None,
        "attempts": row.attempts,
        "cause": row.cause,
        "detail": row.detail,
    }


def stories(conn: Conn, wanted: str) -> tuple[Story, ...]:
    """The stories of all mails with this Message-ID, SHA-256 or `ledger:NUMBER`.

    Raises `NotFound`.
    """
    text = wanted.strip().strip("<>").strip()
    numbered = _LEDGER.fullmatch(text)
    if numbered is not None:
        row = ledger.by_id(conn, int(numbered[1]))
        if row.message_id is None:
            return (Story((row,), None),)
        return (_story(conn, messages.by_id(conn, row.message_id)),)
    found = messages.by_mail_id(conn, text)
    if found:
        return tuple(_story(conn, one) for one in found)
    if len(text) == 64:
        rows = ledger.of_sha256(conn, text.lower())
        known = {row.message_id for row in rows if row.message_id is not None}
        if known:
            return tuple(_story(conn, messages.by_id(conn, one)) for one in sorted(known))
        if rows:
            return (Story(rows, None),)
    unfiled = _unfiled(conn, text)
    if unfiled:
        return tuple(Story((row,), None) for row in unfiled)
    raise NotFound(
        f"no mail with Message-ID <{text}> was filed, and none of the newest {MOST_UNFILED:,} that"
        " wait or are in quarantine is called so by its header (`aboard mail quarantine list`):"
        " give its SHA-256, or ledger:NUMBER. Else it never reached this system"
    )


def _unfiled(conn: Conn, mail_id: str) -> tuple[LedgerRow, ...]:
    """Mails that wait or are in quarantine and bear this Message-ID: nobody has read them yet, so
    their headers are looked at here, their beginnings alone."""
    heads = ledger.heads_of_unfiled(conn, MOST_UNFILED, HEAD_BYTES)
    numbers = [number for number, head in heads if mail_id in _ids_in(head)]
    return tuple(ledger.by_id(conn, number) for number in sorted(numbers))


def _ids_in(head: bytes) -> set[str]:
    """What the Message-ID fields at the beginning of a mail say."""
    header = _BLANK.split(head, maxsplit=1)[0]
    values = _MESSAGE_ID.findall(header)[:MOST_FIELDS]
    return {found for one in values if (found := message_id(unfolded(one))) is not None}


def _story(conn: Conn, message: Message) -> Story:
    thread = threads.by_id(conn, message.thread_id)
    happened = timeline.of_thread(conn, thread.id, timeline.Span(limit=1000))
    about = [row.event for row in happened if row.event.message_id in (message.id, None)]
    return Story(
        deliveries=ledger.of_message(conn, message.id),
        message=message,
        account=accounts.by_id(conn, message.account_id).name,
        thread=thread,
        decision=assignments.of_message(conn, message.id),
        events=tuple(reversed(about)),
    )
