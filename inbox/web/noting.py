"""Who took data away, and who did what an admin does, from a page: into the audit log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fastapi import Request

from inbox.store import audit_log
from inbox.store.audit_log import Entry
from inbox.web.desk import desk_of
from inbox.web.visitors import visitor_of, whence

LOOK = timedelta(hours=1)
"""What somebody looks at again within this time is one look."""


def note(request: Request, kind: str, subject: str, **data: Any) -> None:
    """Note a deed of the visitor; `kind` is one of docs/INTERFACES.md, `subject` on what it was."""
    with desk_of(request).site.db.write() as conn:
        audit_log.add(conn, _entry(request, kind, subject, **data))


def note_look(request: Request, kind: str, subject: str) -> None:
    """Note that the visitor looked at something; once an hour, as a page shows it again and
    again."""
    entry, db = _entry(request, kind, subject), desk_of(request).site.db
    with db.read() as conn:
        known = audit_log.looked(conn, entry, entry.at - LOOK)
    if not known:
        with db.write() as conn:
            audit_log.add(conn, entry)


def _entry(request: Request, kind: str, subject: str, **data: Any) -> Entry:
    site, person = desk_of(request).site, visitor_of(request).person
    actor, address = f"person:{person.handle}", whence(request).address
    return Entry(site.clock(), kind, actor, subject, person.id, address, dict(data))
