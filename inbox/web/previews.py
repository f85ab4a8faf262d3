"""Attachments that can be looked at without saving them: pictures, and PDF after a click.

Only raster pictures whose bytes say so, and PDF whose bytes say so; each served from here under a
policy of its own, never sniffed. Everything else is saved (`downloads`).
"""

from __future__ import annotations

from fastapi import HTTPException, Request
from starlette.responses import Response

from inbox.mail.limits import LimitExceeded
from inbox.mail.opened import OpenedMail
from inbox.store import ledger, messages
from inbox.web import markup
from inbox.web.context import desk_of
from inbox.web.keys import key
from inbox.web.noting import note, note_look
from inbox.web.visitors import visitor_of

MOST_PICTURE, MOST_PDF = 8 * 1024 * 1024, 25 * 1024 * 1024
PICTURE_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
PDF_POLICY = (
    "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"
)
"""A browser's own viewer does not run in a sandbox; it is a process of its own, without our
origin's cookies or pages. Nothing else may be loaded by the answer."""


def preview(request: Request) -> Response:
    """The picture or PDF itself; 415 for what is neither, or too large, to be looked at."""
    attachment_id = key(request, "attachment_id")
    with desk_of(request).site.db.read() as conn:
        seer = visitor_of(request).seer
        stored = messages.attachment(conn, attachment_id, seer)
        if stored.size > MOST_PDF:
            raise HTTPException(415, "This file is too large to be looked at here. Download it.")
        raw = ledger.raw_bytes(conn, messages.by_id(conn, stored.message_id, seer).raw_id)
    try:
        content = OpenedMail(raw).file(stored.path)
    except (KeyError, LimitExceeded) as error:
        raise HTTPException(
            404, "This part cannot be taken out of its mail. Download the mail instead."
        ) from error
    named = f"attachment {attachment_id} of message {stored.message_id}"
    kind = markup.raster_type(content)
    if kind is not None and len(content) <= MOST_PICTURE:
        note_look(request, "picture", named)
        return _shown(content, kind, PICTURE_POLICY)
    if content.startswith(b"%PDF-"):
        note(request, "attachment", named)
        return _shown(content, "application/pdf", PDF_POLICY)
    raise HTTPException(415, "Only pictures and PDF are looked at here. Download this file.")


def _shown(content: bytes, kind: str, policy: str) -> Response:
    headers = {
        "content-type": kind,
        "content-disposition": "inline",
        "content-security-policy": policy,
        "referrer-policy": "no-referrer",
    }
    return Response(content, headers=headers)
