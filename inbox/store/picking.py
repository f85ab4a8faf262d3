"""The newest mails that customers sent, to pick one of; not a list of threads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from inbox.store.database import Conn
from inbox.store.seers import Seer, messages_seen
from inbox.store.tables import messages


@dataclass(frozen=True, slots=True)
class Pick:
    """One incoming mail, as far as a list of them shows it."""

    id: int
    subject: str
    from_name: str
    from_address: str
    received_at: datetime


_COLUMNS = tuple(messages.c[name] for name in Pick.__slots__)
_NEWEST = select(*_COLUMNS).where(messages.c.direction == "in").order_by(messages.c.id.desc())


def newest_incoming(conn: Conn, seer: Seer | None, *, limit: int = 12) -> tuple[Pick, ...]:
    """The incoming mails that were filed last and are seen, the newest first."""
    found = conn.execute(_NEWEST.where(messages_seen(seer)).limit(limit))
    return tuple(Pick(**row._mapping) for row in found)
