"""What leaves as a file: raw mail, attachments. Always saved, never shown in our own pages.

Names are rebuilt from what the sender wrote, types come from an allow-list (RFC 6266, RFC 8187).
"""

from __future__ import annotations

import base64
import re
import unicodedata
from html import escape
from urllib.parse import quote

from fastapi import HTTPException, Request
from starlette.responses import HTMLResponse, Response

from inbox.mail.limits import LimitExceeded
from inbox.mail.opened import OpenedMail, TooMuchHtml
from inbox.store import ledger, messages, preferences
from inbox.store.messages import StoredAttachment
from inbox.web import markup
from inbox.web.context import desk_of
from inbox.web.keys import key
from inbox.web.noting import note
from inbox.web.visitors import visitor_of

TYPES = frozenset(
    (
        "application/pdf",
        "application/zip",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/webp",
        "text/calendar",
        "text/csv",
        "text/plain",
    )
)
"""Every other type is served as application/octet-stream."""
LONGEST_NAME = 150
MOST_INLINE_BYTES = 8 * 1024 * 1024
MOST_INLINE_PARTS = 40

_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
_UNSAFE = re.compile(r'[<>:"|?*%]')


def file_name(given: str, fallback: str) -> str:
    """A name that is only a name: no path, no control or direction marks, no device."""
    last = given.replace("\\", "/").rpartition("/")[2]
    kept = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in last)
    plain = " ".join(_UNSAFE.sub("_", kept).split()).strip(". ")
    if len(plain) > LONGEST_NAME:
        stem, dot, ending = plain.rpartition(".")
        short = dot and len(ending) <= 10
        plain = f"{stem[: LONGEST_NAME - 12]}.{ending}" if short else plain[:LONGEST_NAME]
    if not plain:
        return fallback
    return f"_{plain}" if _RESERVED.fullmatch(plain) else plain


def disposition(name: str) -> str:
    """The value of Content-Disposition: an ASCII name for old readers and the true one."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    ascii_name = re.sub(r"[^\w .,()+=@-]", "_", ascii_name).strip() or "file"
    return f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}"


def _saved(content: bytes, name: str, media_type: str) -> Response:
    return Response(
        content,
        headers={
            "content-type": media_type,
            "content-disposition": disposition(name),
            "content-security-policy": "default-src 'none'; sandbox",
        },
    )


def saved_file(content: bytes, name: str, kind: str) -> Response:
    """A file to be saved under a rebuilt name, with a type of the allow-list."""
    media_type = kind.lower() if kind.lower() in TYPES else "application/octet-stream"
    return _saved(content, file_name(name, "file"), media_type)


def raw_message(request: Request) -> Response:
    """The raw mail of a message, byte for byte."""
    message_id = key(request, "message_id")
    seer = visitor_of(request).seer
    with desk_of(request).site.db.read() as conn:
        # The raw mail holds every attachment: it is there for who sees them all.
        one = messages.by_id(conn, message_id, seer, whole=True)
        raw = ledger.raw_bytes(conn, one.raw_id)
    note(request, "raw-mail", f"message {message_id}")
    return _saved(raw, f"message-{message_id}.eml", "message/rfc822")


def raw_quarantined(request: Request) -> Response:
    """The raw mail of a ledger row, byte for byte, whatever became of it."""
    ledger_id = key(request, "ledger_id")
    seer = visitor_of(request).seer
    with desk_of(request).site.db.read() as conn:
        row = ledger.by_id(conn, ledger_id)
        if row.message_id is not None:
            messages.by_id(conn, row.message_id, seer, whole=True)
        raw = ledger.raw_bytes(conn, row.raw_id)
    note(request, "raw-mail", f"mail {ledger_id}")
    return _saved(raw, f"mail-{ledger_id}.eml", "message/rfc822")


def attachment(request: Request) -> Response:
    """One attachment, cut out of its raw mail."""
    attachment_id = key(request, "attachment_id")
    with desk_of(request).site.db.read() as conn:
        seer = visitor_of(request).seer
        stored = messages.attachment(conn, attachment_id, seer)
        raw = ledger.raw_bytes(conn, messages.by_id(conn, stored.message_id, seer).raw_id)
    try:
        content = OpenedMail(raw).file(stored.path)
    except (KeyError, LimitExceeded) as error:
        raise HTTPException(
            404, "This part cannot be taken out of its mail. Download the mail instead."
        ) from error
    note(request, "attachment", f"attachment {attachment_id} of message {stored.message_id}")
    kind = stored.content_type.lower()
    media_type = kind if kind in TYPES else "application/octet-stream"
    return _saved(content, file_name(stored.name, f"attachment-{attachment_id}"), media_type)


def message_html(request: Request) -> Response:
    """The HTML of a message, cleaned, for the sandboxed frame; its own policy goes with it.

    Pictures of other servers are let in where this person asked for them, in the frame of our own
    page, or always wants this sender's and the mail is proven to be theirs (DESIGN I6).
    """
    message_id = key(request, "message_id")
    visitor = visitor_of(request)
    with desk_of(request).site.db.read() as conn:
        seer = visitor.seer
        message = messages.by_id(conn, message_id, seer)
        lets_in = message.verified == "pass" and preferences.lets_in(
            conn, visitor.person.id, message.from_address
        )
        files = messages.attachments_of(conn, [message_id], seer).get(message_id, ())
        raw = ledger.raw_bytes(conn, message.raw_id)
    asked = request.query_params.get("pictures") == "shown" and _in_our_frame(request)
    try:
        clean = _cleaned(raw, files, asked or lets_in)
    except (markup.TooWild, TooMuchHtml) as error:
        said = f"This message is not shown as sent: {error}. Its text is in the thread."
        clean = markup.Clean(escape(said), 0)
    policy = markup.PICTURES_POLICY if asked or lets_in else markup.FRAME_POLICY
    headers = {"content-security-policy": policy, "referrer-policy": "no-referrer"}
    return HTMLResponse(markup.document(clean), headers=headers)


def _cleaned(raw: bytes, files: tuple[StoredAttachment, ...], pictures: bool) -> markup.Clean:
    """The HTML of a mail, cleaned. Raises `TooWild`, `TooMuchHtml`; 404 where it has none."""
    try:
        opened = OpenedMail(raw)
    except LimitExceeded as error:
        raise HTTPException(404, "This mail cannot be taken apart. Download it instead.") from error
    html = opened.html()
    if html is None:
        raise HTTPException(404, "This message has no HTML.")
    return markup.safe_html(html, _Pictures(opened, files).url, pictures=pictures)


def _in_our_frame(request: Request) -> bool:
    """Was it our page's frame that asked, as far as the browser says? A link in a mail to this very
    address opens a page of its own, and shows no pictures there."""
    headers = request.headers
    site = headers.get("sec-fetch-site", "same-origin")
    return headers.get("sec-fetch-dest", "iframe") == "iframe" and site == "same-origin"


class _Pictures:
    """The pictures of one mail, as `data:` URLs, within bounds; other mails' are out of reach."""

    def __init__(self, opened: OpenedMail, files: tuple[StoredAttachment, ...]) -> None:
        self._opened = opened
        self._files: dict[str, StoredAttachment] = {}
        for one in files:
            if one.content_id:
                self._files.setdefault(one.content_id.strip("<>"), one)
        self._left = MOST_INLINE_BYTES
        self._parts = MOST_INLINE_PARTS
        self._made: dict[str, str | None] = {}

    def url(self, content_id: str) -> str | None:
        """The `data:` URL of a Content-ID; None for what is no picture, or too much.

        Every use counts: ten thousand references to one picture would make it gigabytes.
        """
        if content_id not in self._made:
            self._made[content_id] = self._make(content_id)
        made = self._made[content_id]
        if made is None or len(made) > self._left:
            return None
        self._left -= len(made)
        return made

    def _make(self, content_id: str) -> str | None:
        stored = self._files.get(content_id)
        if stored is None or stored.size > self._left or not self._parts:
            return None
        self._parts -= 1
        try:
            content = self._opened.file(stored.path)
        except KeyError:
            return None
        kind = markup.raster_type(content)
        if kind is None:
            return None
        return f"data:{kind};base64,{base64.b64encode(content).decode()}"
