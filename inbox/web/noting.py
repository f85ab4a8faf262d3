"""Who took data away, and who did what an admin does, from a page: into the audit log."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from inbox.store import audit_log
from inbox.store.audit_log import Entry
from inbox.web.desk import desk_of
from inbox.web.visitors import visitor_of, whence


def note(request: Request, kind: str, subject: str, **data: Any) -> None:
    """Note a deed of the visitor; `kind` is one of docs/INTERFACES.md, `subject` on what it was."""
    site, person = desk_of(request).site, visitor_of(request).person
    actor, address = f"person:{person.handle}", whence(request).address
    with site.db.write() as conn:
        audit_log.add(
            conn, Entry(site.clock(), kind, actor, subject, person.id, address, dict(data))
        )
