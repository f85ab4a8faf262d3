"""The audit log: who did what as an admin, and who took data away. Rows are added, never changed:
the database refuses anything else (`append_only`).

It is not the timeline: that tells the team what happened to a customer, this tells an admin what
people did with the system.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select

from inbox.store.access_tables import audit_log
from inbox.store.database import Conn


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that somebody did; `kind` says what (docs/INTERFACES.md lists the kinds)."""

    at: datetime
    kind: str
    actor: str
    """`person:HANDLE`, `command`, or `unknown:WHAT WAS TYPED`."""
    subject: str
    """On what: `message 12`, `person maya`."""
    person_id: int | None = None
    address: str = ""
    """From where, as far as it can be believed."""
    data: Mapping[str, Any] = field(default_factory=dict)
    refused: bool = False
    id: int = 0


def add(conn: Conn, entry: Entry) -> None:
    """Write one entry."""
    conn.execute(
        audit_log.insert(),
        {
            "at": entry.at,
            "kind": entry.kind,
            "person_id": entry.person_id,
            "actor": entry.actor[:120],
            "address": entry.address[:64],
            "subject": entry.subject[:400],
            "data": dict(entry.data),
            "refused": entry.refused,
        },
    )


def looked(conn: Conn, entry: Entry, since: datetime) -> bool:
    """Has this person looked at this since then?"""
    same = (
        select(audit_log.c.id)
        .where(audit_log.c.person_id == entry.person_id, audit_log.c.at >= since)
        .where(audit_log.c.kind == entry.kind, audit_log.c.subject == entry.subject)
        .limit(1)
    )
    return conn.scalar(same) is not None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which part of the log: newest first, below the number `before`."""

    kind: str = ""
    person_id: int | None = None
    before: int | None = None
    limit: int = 100


def listing(conn: Conn, wanted: Wanted) -> tuple[Entry, ...]:
    """Entries, the newest first."""
    statement = select(audit_log).order_by(audit_log.c.id.desc()).limit(wanted.limit)
    if wanted.kind:
        statement = statement.where(audit_log.c.kind == wanted.kind)
    if wanted.person_id is not None:
        statement = statement.where(audit_log.c.person_id == wanted.person_id)
    if wanted.before is not None:
        statement = statement.where(audit_log.c.id < wanted.before)
    return tuple(Entry(**row._mapping) for row in conn.execute(statement))
