"""The JSON shapes of `aboard mail parse` and `aboard mail threads`; no database is touched."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from inbox.clock import iso
from inbox.flow.extras import calendar_json
from inbox.mail.joining import Components, everything_bracketed, ids_of
from inbox.mail.letter import Address, Bounce, Letter
from inbox.mail.limits import LimitExceeded
from inbox.mail.mbox import name_of
from inbox.mail.parse import parse_letter


def _addresses(found: tuple[Address, ...]) -> list[dict[str, str]]:
    return [{"name": one.name, "address": one.address} for one in found]


def _bounce(found: Bounce | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "recipients": [
            {
                "address": one.address,
                "action": one.action,
                "status": one.status,
                "diagnostic": one.diagnostic,
            }
            for one in found.recipients
        ],
        "original_message_id": found.original_message_id,
    }


def read(raw: bytes) -> tuple[Letter | None, str]:
    """The letter, or None with the cause why it would be quarantined."""
    try:
        return parse_letter(raw), ""
    except LimitExceeded as refusal:
        return None, refusal.cause


_EMPTY = Letter("", (), (), (), (), (), None, None, (), (), "", "", None, (), ())


def parsed(path: Path, index: int, raw: bytes) -> dict[str, Any]:
    """One mail; one that cannot be read within limits has its cause among the defects."""
    found, refused = read(raw)
    letter = found or _EMPTY
    return {
        "path": name_of(path),
        "index": index,
        "subject": letter.subject,
        "from": _addresses(letter.from_),
        "reply_to": _addresses(letter.reply_to),
        "to": _addresses(letter.to),
        "cc": _addresses(letter.cc),
        "date": iso(letter.date) if letter.date else None,
        "message_id": letter.message_id,
        "in_reply_to": list(letter.in_reply_to),
        "references": list(letter.references),
        "text": letter.text,
        "visible_text": letter.visible_text,
        "html": letter.html,
        "attachments": [
            {
                "name": one.name,
                "content_type": one.content_type,
                "size": one.size,
                "sha256": one.sha256,
                "inline": one.inline,
                "content_id": one.content_id,
            }
            for one in letter.attachments
        ],
        "automatic": {
            "kind": letter.automatic.kind.value,
            "may_answer": letter.automatic.may_answer,
            "return_on": letter.automatic.return_on.isoformat()
            if letter.automatic.return_on
            else None,
        },
        "bounce": _bounce(letter.bounce),
        "calendar": [calendar_json(one) for one in letter.calendar],
        "defects": [*letter.defects, *([refused] if refused else [])],
    }


def thread_rows(
    mails: Iterable[tuple[Path, int, bytes]], *, as_filed: bool = False
) -> list[dict[str, Any]]:
    """One row a message, with the thread that it is in when all have been read.

    Everything in brackets is an id, as it is for the programs and label files that this is held
    against; `as_filed` leaves out the addresses of people, as filing does.
    """
    reading = ids_of if as_filed else everything_bracketed
    components = Components()
    rows: list[dict[str, Any]] = []
    firsts: list[int | str] = []
    for path, index, raw in mails:
        letter, _ = read(raw)
        ids = reading(letter) if letter else ()
        number = components.add(ids)
        firsts.append(ids[0] if ids else number)
        own = letter.message_id if letter else None
        rows.append({"message_id": own, "path": name_of(path), "index": index})
    for row, first in zip(rows, firsts, strict=True):
        # Ask again at the end: a later mail may have joined two threads.
        number = components.thread_of(first) or 0 if isinstance(first, str) else first
        row["thread"] = str(number)
    return rows
