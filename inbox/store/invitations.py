"""What calendar parts said about events, by account and UID."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from inbox.store.database import Conn
from inbox.store.hygiene_tables import invitations

LONGEST_UID = 255


@dataclass(frozen=True, slots=True)
class Said:
    """One calendar item of one mail."""

    uid: str
    method: str
    """request, reply, cancel or counter."""
    sequence: int
    by: str
    """Who wrote the mail, in lower case."""
    data: Mapping[str, Any]
    at: datetime
    message_id: int


_OF = (
    select(invitations)
    .where(invitations.c.account_id == bindparam("account_id"))
    .where(invitations.c.uid.in_(bindparam("uids", expanding=True)))
    .order_by(invitations.c.at, invitations.c.id)
)


def of_uids(conn: Conn, account_id: int, uids: Collection[str]) -> dict[str, list[Said]]:
    """All that was said about these events of an account, the oldest first; reads nothing where no
    UID is given."""
    found: dict[str, list[Said]] = {}
    if not uids:
        return found
    asked = {"account_id": account_id, "uids": sorted({one[:LONGEST_UID] for one in uids})}
    for row in conn.execute(_OF, asked):
        said = Said(*(getattr(row, name) for name in Said.__slots__))
        found.setdefault(row.uid, []).append(said)
    return found
