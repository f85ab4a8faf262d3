"""How somebody likes their pages, and whose pictures they let in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, select

from inbox.store.database import Conn, upsert
from inbox.store.live_tables import picture_senders, preferences

_OF = select(preferences.c.name, preferences.c.value).where(
    preferences.c.person_id == bindparam("person")
)
_LET_IN = (
    select(picture_senders.c.address)
    .where(picture_senders.c.person_id == bindparam("person"))
    .where(picture_senders.c.address == bindparam("sender"))
)


def of(conn: Conn, person_id: int) -> dict[str, Any]:
    """Everything that somebody has chosen."""
    return {row.name: row.value for row in conn.execute(_OF, {"person": person_id})}


def choose(conn: Conn, person_id: int, name: str, value: Any) -> None:
    """Put a choice in the place of the last one."""
    row = {"person_id": person_id, "name": name, "value": value}
    upsert(conn, preferences, row, key=("person_id", "name"), set_={"value": value})


def lets_in(conn: Conn, person_id: int, address: str) -> bool:
    """Does somebody always want the pictures of this sender?"""
    values = {"person": person_id, "sender": address.lower()}
    return conn.execute(_LET_IN, values).first() is not None


def let_in(conn: Conn, person_id: int, address: str, now: datetime) -> None:
    """Always show the pictures of this sender to this person."""
    row = {"person_id": person_id, "address": address.lower(), "at": now}
    upsert(conn, picture_senders, row, key=("person_id", "address"), set_={"at": now})


def keep_out(conn: Conn, person_id: int, address: str) -> None:
    """Ask again for this sender's pictures."""
    conn.execute(
        delete(picture_senders)
        .where(picture_senders.c.person_id == person_id)
        .where(picture_senders.c.address == address.lower())
    )


def senders(conn: Conn, person_id: int) -> tuple[str, ...]:
    """Whose pictures somebody always lets in, by address."""
    query = select(picture_senders.c.address).where(picture_senders.c.person_id == person_id)
    return tuple(conn.scalars(query.order_by(picture_senders.c.address)))
