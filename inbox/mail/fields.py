"""Reads the header of a mail into values, each field once, and says what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from inbox.mail import ids
from inbox.mail.address import parse_addresses
from inbox.mail.clean import clean_line
from inbox.mail.dates import read_date
from inbox.mail.letter import Address
from inbox.mail.tree import Part
from inbox.mail.words import field_text, unfolded

_ONCE = (
    "from",
    "subject",
    "date",
    "message-id",
    "to",
    "cc",
    "reply-to",
    "in-reply-to",
    "references",
)
"""Fields that RFC 5322 section 3.6 allows once."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The header of a mail as values; see `Letter` for their meaning."""

    headers: tuple[tuple[str, str], ...]
    subject: str
    from_: tuple[Address, ...]
    sender: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    date: datetime | None
    message_id: str | None
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]


def read_fields(root: Part, defects: dict[str, None]) -> Fields:
    """The header of the mail whose outermost part is `root`; what was wrong goes into `defects`."""
    raw: dict[str, list[bytes]] = {}
    charset = root.parameters.get("charset")
    headers = []
    for name, value in root.fields:
        raw.setdefault(name, []).append(value)
        headers.append((name, clean_line(field_text(value, charset))))
    for name in _ONCE:
        if len(raw.get(name, ())) > 1:
            defects[f"{name}-repeated"] = None
    named = dict(reversed(headers))  # the first of several counts, as mail programs show it

    def addresses(name: str) -> tuple[Address, ...]:
        found: list[Address] = []
        for value in raw.get(name, ()):
            read = parse_addresses(unfolded(value, charset))
            found.extend(read.addresses)
            for defect in read.defects:
                defects[f"{name}-{defect}"] = None
            if name == "from" and read.grouped:
                defects["from-group"] = None
        return tuple(found)

    def first(name: str) -> str:
        return unfolded(raw[name][0]) if name in raw else ""

    reply_ids = ids.in_reply_to(first("in-reply-to"))
    fields = Fields(
        headers=tuple(headers),
        subject=named.get("subject", ""),
        from_=addresses("from"),
        sender=addresses("sender"),
        reply_to=addresses("reply-to"),
        to=addresses("to"),
        cc=addresses("cc"),
        date=read_date(first("date")) if "date" in raw else None,
        message_id=ids.message_id(first("message-id")) if "message-id" in raw else None,
        in_reply_to=reply_ids,
        references=tuple(
            one for one in ids.references(first("references")) if one not in reply_ids
        ),
    )
    _judge(fields, raw, defects)
    return fields


def _judge(fields: Fields, raw: dict[str, list[bytes]], defects: dict[str, None]) -> None:
    """List what is missing or cannot be read."""
    if "from" not in raw:
        defects["from-missing"] = None
    elif not any(one.domain for one in fields.from_):
        defects["from-unusable"] = None
    elif len(fields.from_) > 1:
        defects["from-several"] = None
    for name, value in (("date", fields.date), ("message-id", fields.message_id)):
        if name not in raw:
            defects[f"{name}-missing"] = None
        elif value is None:
            defects[f"{name}-unusable"] = None
