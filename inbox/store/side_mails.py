"""Side mails: mails of a thread to somebody outside of it, which the customer never sees."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from inbox.store.database import Conn
from inbox.store.draft_tables import side_mails
from inbox.store.outbox_tables import outbox


def add(conn: Conn, item_id: int, thread_id: int, addresses: Collection[str]) -> None:
    """Note that an outbox item is a side mail of a thread to these addresses (lower case)."""
    rows = [{"item_id": item_id, "thread_id": thread_id, "address": one} for one in addresses]
    conn.execute(side_mails.insert(), rows)


def is_side(conn: Conn, item_id: int) -> bool:
    """Is this item a side mail?"""
    return (
        conn.scalar(select(side_mails.c.item_id).where(side_mails.c.item_id == item_id)) is not None
    )


def addresses(conn: Conn, thread_id: int) -> frozenset[str]:
    """To whom side mails of a thread went."""
    return frozenset(
        conn.scalars(select(side_mails.c.address).where(side_mails.c.thread_id == thread_id))
    )


def answered(
    conn: Conn, mail_ids: Collection[str], authors: Collection[str]
) -> dict[tuple[str, str], int]:
    """(mail id of ours, address) -> thread, of side mails that went to one of these authors."""
    if not mail_ids or not authors:
        return {}
    found = conn.execute(
        select(outbox.c.mail_id, side_mails.c.address, side_mails.c.thread_id)
        .join(side_mails, side_mails.c.item_id == outbox.c.id)
        .where(outbox.c.mail_id.in_(list(mail_ids)), side_mails.c.address.in_(list(authors)))
    )
    return {(row.mail_id, row.address): row.thread_id for row in found}
