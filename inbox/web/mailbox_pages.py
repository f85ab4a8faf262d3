"""Mailboxes that are polled: how far each folder is, who polls it, and when it stalled."""

from __future__ import annotations

from datetime import timedelta

from fastapi import Request
from starlette.responses import Response

from inbox.flow.intake.mailbox_state import states
from inbox.store import mailbox_health
from inbox.store.database import Conn
from inbox.web.context import desk_of, frame, page
from inbox.web.desk import Site


def listing(request: Request) -> Response:
    """Every mailbox of the configuration."""
    site = desk_of(request).site
    with site.db.read() as conn:
        around = frame(conn, request)
        found = states(conn, site.settings.imap.mailboxes)
    return page(request, "mailboxes.html", around, found=found)


def stalled(conn: Conn, site: Site) -> tuple[str, ...]:
    """A sentence for each mailbox from which no mail comes any more."""
    imap = site.settings.imap
    if not imap.mailboxes:
        return ()
    names = frozenset(one.name for one in imap.mailboxes)
    silent_for = timedelta(minutes=imap.stalled_minutes)
    return mailbox_health.stalled(conn, names, site.clock(), silent_for)
