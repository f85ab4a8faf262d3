"""One message: as it stands on its thread, and alone with its whole text."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request
from starlette.responses import Response

from inbox.flow.intake import invitations
from inbox.store import (
    accounts,
    messages,
)
from inbox.store.messages import Message, StoredAttachment
from inbox.web import words
from inbox.web.context import Frame, desk_of, frame, page
from inbox.web.keys import key
from inbox.web.text import Shown, shown

MESSAGES = 60
"""Messages of one thread on one page."""
CHARACTERS = 48_000
"""Of all texts on one page together; older messages beyond it show their first line only."""
ONE_TEXT = 24_000
WHOLE_TEXT = 300_000


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message as the thread page shows it."""

    message: Message
    files: tuple[StoredAttachment, ...]
    text: Shown | None
    """None where the page's room for text is used up."""
    open: bool
    label: str
    """What kind of automatic mail, or empty."""
    height: str
    """A guess at how tall the frame of its HTML has to be."""


def views_of(
    found: tuple[Message, ...], files: dict[int, tuple[StoredAttachment, ...]]
) -> tuple[MessageView, ...]:
    """Messages as a thread shows them, as far as the page's room for text goes.

    Open is the newest that is no automatic mail of ours: nobody comes to read those.
    """
    room = CHARACTERS
    views: list[MessageView] = []
    told = [one.id for one in found if one.direction == "in" or one.automatic == "none"]
    newest = (told or [one.id for one in found] or [0])[-1]
    for message in reversed(found):
        text = shown(message.text, ONE_TEXT) if room > 0 else None
        room -= min(len(message.text), ONE_TEXT)
        views.append(view(message, files.get(message.id, ()), text, is_open=message.id == newest))
    return tuple(reversed(views))


def view(
    message: Message, files: tuple[StoredAttachment, ...], text: Shown | None, *, is_open: bool
) -> MessageView:
    """One message with everything that its fragment asks for."""
    label = "" if message.automatic == "none" else words.automatic(message.automatic)
    lines = message.text.count("\n") + len(message.text) // 90
    height = "short" if lines < 12 else "middle" if lines < 40 else "tall"
    return MessageView(message, files, text, is_open, label, height)


def message(request: Request) -> Response:
    """One message with its whole text."""
    message_id = key(request, "message_id")
    with desk_of(request).site.db.read() as conn:
        around: Frame = frame(conn, request)
        seer = around.visitor.seer
        one = messages.by_id(conn, message_id, seer)
        files = messages.attachments_of(conn, [message_id], seer).get(message_id, ())
        account = accounts.by_id(conn, one.account_id, seer)
        standing = invitations.shown(conn, one.account_id, [one])
    shown_whole = view(one, files, shown(one.text, WHOLE_TEXT), is_open=True)
    values = {"view": shown_whole, "account": account, "invitations": standing}
    return page(request, "message.html", around, **values)
