"""The list of threads, and one message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import HTTPException, Request
from starlette.responses import Response

from inbox.flow import invitations
from inbox.store import (
    accounts,
    messages,
    pages,
    threads,
)
from inbox.store.database import Conn
from inbox.store.messages import Message, StoredAttachment
from inbox.store.seers import Seer
from inbox.store.threads import Page, ThreadRow
from inbox.web import words
from inbox.web.context import Frame, desk_of, fragment, frame, page
from inbox.web.keys import key, number, place, place_of
from inbox.web.text import Shown, shown

ROWS = 50
MESSAGES = 60
"""Messages of one thread on one page."""
CHARACTERS = 48_000
"""Of all texts on one page together; older messages beyond it show their first line only."""
ONE_TEXT = 24_000
WHOLE_TEXT = 300_000


@dataclass(frozen=True, slots=True)
class Filters:
    """Which threads a list shows, as it stands in its address."""

    team: str | None = None
    status: str | None = "open"
    account: int | None = None

    def query(self, **other: Any) -> str:
        """The query part of an address: these filters, with some changed."""
        values: dict[str, Any] = {"team": self.team, "account": self.account}
        if self.status != "open":
            values["status"] = self.status or "all"
        values |= {
            name: None if name == "status" and value == "open" else value
            for name, value in other.items()
        }
        given = {name: value for name, value in values.items() if value is not None}
        return f"?{urlencode(given)}" if given else ""


def filters_of(request: Request) -> Filters:
    """The filters in an address; what names no status is refused."""
    status = request.query_params.get("status") or "open"
    if status not in words.STATUSES:
        raise HTTPException(400, "There is no such status.")
    team = (request.query_params.get("team") or "")[:80] or None
    return Filters(team, None if status == "all" else status, number(request, "account"))


@dataclass(frozen=True, slots=True)
class Listed:
    """Threads of a list, and the address of the next ones."""

    rows: tuple[ThreadRow, ...]
    older: str | None
    automatic: frozenset[int]
    """Threads whose newest message no person wrote: they ask for no answer."""


def listed_for(conn: Conn, request: Request, filters: Filters, seer: Seer) -> Listed:
    wanted = Page(
        account_id=filters.account,
        team=filters.team,
        status=filters.status,
        before=place_of(request),
        limit=ROWS + 1,
    )
    rows = threads.listing(conn, wanted, seer)
    kinds = pages.automatic_kinds(conn, [row.thread.id for row in rows])
    automatic = frozenset(number for number, kind in kinds.items() if kind != "none")
    if len(rows) <= ROWS:
        return Listed(rows, None, automatic)
    last = rows[ROWS - 1].thread
    return Listed(rows[:ROWS], place(last.last_message_at, last.id), automatic)


def inbox(request: Request) -> Response:
    """The list of threads; `?fragment=rows` gives the rows alone, for the live refresh."""
    filters = filters_of(request)
    with desk_of(request).site.db.read() as conn:
        around = frame(conn, request)
        listed = listed_for(conn, request, filters, around.visitor.seer)
        account = accounts.by_id(conn, filters.account) if filters.account else None
    if filters.team is not None and filters.team not in around.teams:
        raise HTTPException(404, "There is no such team.")
    values = {"listed": listed, "filters": filters, "account": account, "current": None}
    if request.query_params.get("fragment") == "rows":
        return fragment(request, "_fragments/thread_rows.html", around, **values)
    values |= {"statuses": words.STATUSES, "mailboxes": desk_of(request).site.settings.mailboxes}
    first = not request.query_params.get("before")
    return page(request, "threads.html", around, first=first, **values)


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
    """Messages as a thread shows them, the newest open, as far as the page's room for text goes."""
    room = CHARACTERS
    views: list[MessageView] = []
    for back, message in enumerate(reversed(found)):
        text = shown(message.text, ONE_TEXT) if room > 0 else None
        room -= min(len(message.text), ONE_TEXT)
        views.append(view(message, files.get(message.id, ()), text, is_open=back == 0))
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
        account = accounts.by_id(conn, one.account_id)
        standing = invitations.shown(conn, one.account_id, [one])
    shown_whole = view(one, files, shown(one.text, WHOLE_TEXT), is_open=True)
    values = {"view": shown_whole, "account": account, "invitations": standing}
    return page(request, "message.html", around, **values)
