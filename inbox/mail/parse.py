"""Raw mail in, `Letter` out: the only door to mail-parser, and the order in which a mail is read.

It never raises on what people send; only a mail that breaks a limit of `inbox.mail.limits` raises
`LimitExceeded`, and belongs in quarantine with that cause.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email.message import Message

from mailparser import MailParser

from inbox.mail import fields as header_fields
from inbox.mail.auto import AutomaticInput, classify_automatic
from inbox.mail.bodies import Bodies, Leaf, part_bytes, read_leaf, select_bodies
from inbox.mail.calendar import read_calendars
from inbox.mail.clean import clean_file_name, clean_line, clean_text
from inbox.mail.dsn import BounceParts, read_bounce
from inbox.mail.fields import Fields
from inbox.mail.forward import forwarded_original
from inbox.mail.html import html_to_text
from inbox.mail.ids import message_id, read_ids
from inbox.mail.letter import (
    Attachment,
    AutomaticKind,
    Bounce,
    CalendarItem,
    ForwardedOriginal,
    Letter,
)
from inbox.mail.limits import LimitExceeded, check_limits
from inbox.mail.packages import may_be_packed, unpacked
from inbox.mail.tree import Part, Tree, read_tree
from inbox.mail.visible import visible_text

_CALENDARS = frozenset({"text/calendar", "application/ics"})
_REPORTED_MAIL = frozenset(
    {
        "message/rfc822",
        "text/rfc822-headers",
        "message/global",
        "message/rfc822-headers",
        "message/global-headers",
    }
)
_STATUS = frozenset(
    {"message/delivery-status", "message/global-delivery-status", "message/feedback-report"}
)
_ENDINGS = {
    "application/pdf": ".pdf", "image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif",
    "text/plain": ".txt", "text/html": ".html", "text/calendar": ".ics", "message/rfc822": ".eml",
    "application/zip": ".zip", "text/csv": ".csv", "message/delivery-status": ".txt",
}  # fmt: skip


@dataclass(slots=True)
class _Reading:
    """A mail half-way: its tree, its decoded leaves, and what was wrong so far."""

    tree: Tree
    fields: Fields
    leaves: list[Leaf]
    bodies: Bodies
    text: str
    html: str | None
    defects: dict[str, None]
    packed: dict[str, tuple[Attachment, ...]] = field(default_factory=dict)
    """Files inside those of its files that are packages (winmail.dat), by path."""


def parse_letter(raw: bytes, *, envelope_from: str | None = None) -> Letter:
    """Read one mail. `raw` as received; `envelope_from` the reverse-path of SMTP, where known.

    Raises LimitExceeded for a mail outside the limits of `inbox.mail.limits`, nothing else.
    """
    check_limits(raw)
    reading = _read(raw)
    fields = reading.fields
    calendar = _calendar(reading)
    visible = visible_text(reading.text)
    report = _report_type(reading.tree.root)
    bounce = _bounce(reading, report)
    automatic = classify_automatic(
        AutomaticInput(
            headers=fields.headers,
            subject=fields.subject,
            visible_text=visible,
            from_address=_first_sender(fields),
            envelope_from=envelope_from,
            report_type=report,
            has_calendar=bool(calendar),
            sent_on=fields.date.date() if fields.date else None,
            is_bounce=bounce is not None,
        )
    )
    forwarded = _inline_original(reading) or _attached_original(reading, report)
    return Letter(
        subject=fields.subject,
        from_=fields.from_,
        sender=fields.sender,
        reply_to=fields.reply_to,
        to=fields.to,
        cc=fields.cc,
        date=fields.date,
        message_id=fields.message_id,
        in_reply_to=fields.in_reply_to,
        references=fields.references,
        text=reading.text,
        visible_text=visible,
        html=reading.html,
        attachments=tuple(_attachments(reading)),
        headers=fields.headers,
        automatic=automatic,
        bounce=bounce,
        calendar=calendar,
        forwarded=forwarded,
        reported_id=_complained_about(reading) if automatic.kind is ABUSE else None,
        content_hash=_content_hash(fields, reading.leaves),
        defects=tuple(reading.defects),
    )


def _read(raw: bytes) -> _Reading:
    tree = read_tree(raw)
    defects = dict.fromkeys(tree.defects)
    fields = header_fields.read_fields(tree.root, defects)
    leaves = [read_leaf(tree, part, defects) for part in tree.leaves()]
    _name_files(leaves)
    bodies = select_bodies(tree.root, {leaf.path: leaf for leaf in leaves})
    text = "\n".join(filter(None, map(_readable, bodies.plain)))
    pages = [leaf for leaf in bodies.html if leaf.content_type == "text/html"]
    html = "\n".join(leaf.text or "" for leaf in pages) if pages else None
    reading = _Reading(tree, fields, leaves, bodies, text, html, defects)
    _unpack(reading)
    return reading


def _unpack(reading: _Reading) -> None:
    """Put the files in a winmail.dat in its place, and its text where the mail has none."""
    parts = {part.path: part for part in reading.tree.leaves()}
    for leaf in list(reading.bodies.files):
        if not may_be_packed(leaf.content_type, leaf.name):
            continue
        wanted = not reading.text.strip()
        found = unpacked(leaf.path, part_bytes(reading.tree, parts[leaf.path])[0], texts=wanted)
        if found is None:
            continue
        if found.files or found.text:
            reading.packed[leaf.path] = found.files
        if found.defect:
            reading.defects[found.defect] = None
        if wanted:
            reading.text = clean_text(found.text)


def _readable(leaf: Leaf) -> str:
    text = leaf.text or ""
    if leaf.content_type == "text/html":
        text = html_to_text(text)
    return clean_text(text)


def _name_files(leaves: list[Leaf]) -> None:
    """Let mail-parser read the file names; ours is kept where it finds none or leaves it encoded.

    It is shown the MIME fields and the decoded text of the leaves only: the attached messages
    stay closed, trace fields are not read twice, and its own charset choices do not matter.
    """
    named = [leaf for leaf in leaves if leaf.name or leaf.disposition == "attachment"]
    if not named:
        return
    whole = Message()
    whole["Content-Type"] = "multipart/mixed"
    whole.set_payload([_shadow(leaf, mark) for mark, leaf in enumerate(named)])
    for seen in MailParser(whole).attachments:
        leaf = named[int(seen["content-id"])]
        name = str(seen["filename"])
        if leaf.name and name and "=?" not in name and name.isprintable() and "\ufffd" not in name:
            leaf.name = name


def _shadow(leaf: Leaf, mark: int) -> Message:
    """A leaf as mail-parser is to see it; the mark comes back as its Content-ID."""
    shadow = Message()
    for name, value in leaf.fields:
        shadow[name] = value
    shadow["Content-ID"] = str(mark)
    shadow.set_payload("")
    return shadow


def _attachment(leaf: Leaf) -> Attachment:
    name = clean_file_name(leaf.name)
    return Attachment(
        path=leaf.path,
        name=name or f"part-{leaf.path}{_ENDINGS.get(leaf.content_type, '')}",
        content_type=leaf.content_type,
        size=leaf.size,
        sha256=leaf.sha256,
        inline=leaf.disposition != "attachment"
        and (leaf.disposition == "inline" or leaf.content_id is not None),
        content_id=clean_line(leaf.content_id) if leaf.content_id else None,
    )


def _attachments(reading: _Reading) -> Iterator[Attachment]:
    for leaf in reading.bodies.files:
        yield from reading.packed.get(leaf.path) or (_attachment(leaf),)


def _calendar(reading: _Reading) -> tuple[CalendarItem, ...]:
    items, defect = read_calendars(
        [
            (leaf.text, leaf.method)
            for leaf in reading.leaves
            if leaf.content_type in _CALENDARS and leaf.text
        ]
    )
    if defect:
        reading.defects[defect] = None
    return items


def _first_sender(fields: Fields) -> str:
    """The first author's address, or the bare name (`MAILER-DAEMON`) that stands in its place."""
    return (fields.from_[0].address or fields.from_[0].name) if fields.from_ else ""


def _report_type(root: Part) -> str | None:
    """The `report-type` of a multipart/report (RFC 6522), in lower case."""
    if root.content_type != "multipart/report":
        return None
    return root.parameters.get("report-type", "").strip().lower() or None


def _bounce(reading: _Reading, report: str | None) -> Bounce | None:
    fields = reading.fields
    return read_bounce(
        BounceParts(
            subject=fields.subject,
            from_address=_first_sender(fields),
            headers=fields.headers,
            text=reading.text,
            delivery_status=tuple(
                clean_text(leaf.text)
                for leaf in reading.leaves
                if leaf.content_type in _STATUS and leaf.text
            ),
            original_headers=tuple(_reported(reading)),
            report_type=report,
        )
    )


ABUSE = AutomaticKind.ABUSE_REPORT
_MESSAGE_ID = re.compile(r"(?im)^message-id:[ \t]*(\S[^\r\n]{0,998})")


def _complained_about(reading: _Reading) -> str | None:
    """The id of the mail that an abuse report carries or quotes."""
    for text in (*_reported(reading), reading.text[:65_536]):
        found = _MESSAGE_ID.search(text)
        if found is not None:
            return message_id(found[1])
    return None


def _reported(reading: _Reading) -> Iterator[str]:
    """The headers, or the beginning, of the mails that this one carries."""
    for leaf in reading.leaves:
        if leaf.content_type in _REPORTED_MAIL and leaf.text:
            yield clean_text(leaf.text)


def _attached_original(reading: _Reading, report: str | None) -> ForwardedOriginal | None:
    """The first attached mail of a mail that is no report and no digest."""
    root = reading.tree.root
    if report or root.content_type in ("multipart/report", "multipart/digest"):
        return None
    part = next(
        (part for part in reading.tree.leaves() if part.content_type == "message/rfc822"), None
    )
    if part is None or part is root:
        return None
    try:
        inner = _read(part_bytes(reading.tree, part)[0])
    except LimitExceeded:
        reading.defects["attached-message-over-limits"] = None
        return None
    return ForwardedOriginal(
        sender=inner.fields.from_[0] if inner.fields.from_ else None,
        subject=inner.fields.subject,
        sent_at=inner.fields.date,
        text=inner.text,
        how="attached",
        ids=tuple(dict.fromkeys(_ids_of(inner.fields))),
    )


def _ids_of(fields: Fields) -> Iterator[str]:
    if fields.message_id:
        yield fields.message_id
    yield from fields.references
    yield from fields.in_reply_to


def _inline_original(reading: _Reading) -> ForwardedOriginal | None:
    """The mail forwarded in the text; some programs name its id in a field of their own."""
    found = forwarded_original(reading.text, reading.fields.subject)
    if found is None:
        return None
    named = [value for name, value in reading.fields.headers if name == "x-forwarded-message-id"]
    return replace(found, ids=tuple(one for value in named[:1] for one in read_ids(value)))


def _content_hash(fields: Fields, leaves: list[Leaf]) -> str:
    """SHA-256 over From, To, Cc, Date, Subject and the decoded leaves, in a form without doubt.

    Trace fields, folding, transfer encodings and line ends do not count: the same mail that came
    by two ways has one hash.
    """
    digest = hashlib.sha256()
    people = (fields.from_, fields.to, fields.cc)
    said = [
        fields.date.isoformat() if fields.date else "",
        fields.subject,
        *("\n".join(f"{one.name}\t{one.address}" for one in group) for group in people),
    ]
    for text in said:
        data = text.encode("utf-8", "replace")
        digest.update(len(data).to_bytes(8, "big") + data)
    for leaf in leaves:
        digest.update(leaf.content_type.encode("utf-8", "replace") + b"\0" + leaf.digest)
    return digest.hexdigest()
