"""What a message carries beside text and files (delivery report, calendar, forward), as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from inbox.clock import iso
from inbox.mail.authentication import UNKNOWN, Verdict
from inbox.mail.letter import AutomaticKind, Letter

SIDE = "side"
"""In a message's extras: a side mail of a thread, or the answer to one; no part of what the
customer reads."""


class _Carries(Protocol):
    @property
    def extras(self) -> Mapping[str, Any]: ...


def is_aside(mail: _Carries) -> bool:
    """Is this message (or what was just filed) one that the customer is no part of?"""
    return SIDE in mail.extras


def files_of(letter: Letter) -> list[dict[str, Any]]:
    """The rows of a letter's attachments."""
    return [
        {
            "path": one.path,
            "name": one.name,
            "content_type": one.content_type[:200],
            "size": one.size,
            "sha256": one.sha256,
            "inline": one.inline,
            "content_id": one.content_id,
        }
        for one in letter.attachments
    ]


def of_letter(letter: Letter) -> dict[str, Any]:
    """The special parts of a letter that has any; an empty mapping for ordinary mail."""
    found: dict[str, Any] = {}
    if letter.automatic.kind is not AutomaticKind.NONE:
        found["automatic_reason"] = letter.automatic.reason
    if letter.automatic.return_on:
        found["return_on"] = letter.automatic.return_on.isoformat()
    if letter.bounce is not None:
        found["bounce"] = {
            "original_message_id": letter.bounce.original_message_id,
            "recipients": [
                {
                    "address": one.address,
                    "action": one.action,
                    "status": one.status,
                    "diagnostic": one.diagnostic,
                }
                for one in letter.bounce.recipients
            ],
        }
    if letter.calendar:
        found["calendar"] = [calendar_json(one) for one in letter.calendar]
    if letter.forwarded is not None:
        sender = letter.forwarded.sender
        found["forwarded"] = {
            "from": sender.address if sender else None,
            "name": sender.name if sender else "",
            "subject": letter.forwarded.subject,
            "sent_at": iso(letter.forwarded.sent_at) if letter.forwarded.sent_at else None,
            "how": letter.forwarded.how,
        }
    return found


def of_verdict(verdict: Verdict) -> dict[str, Any]:
    """What verification found, where it looked at all."""
    return {} if verdict.result == UNKNOWN else {"verification": verdict.as_json()}


def calendar_json(item: Any) -> dict[str, Any]:
    """A calendar item in the JSON shape of docs/INTERFACES.md."""

    def moment(value: Any) -> str | None:
        if value is None:
            return None
        return iso(value) if isinstance(value, datetime) else str(value.isoformat())

    return {
        "method": item.method,
        "uid": item.uid,
        "summary": item.summary,
        "start": moment(item.start),
        "end": moment(item.end),
        "organizer": item.organizer,
        "attendees": [{"address": one[0], "state": one[1]} for one in item.attendees],
        "location": item.location,
        "status": item.status,
    }
