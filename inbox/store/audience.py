"""Who belongs to a thread already? What a reply must know before it names anybody."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, union

from inbox.store.database import Conn
from inbox.store.tables import (
    account_domains,
    contact_addresses,
    contacts,
    messages,
    people,
    thread_participants,
)


def known(conn: Conn, account_id: int, thread_id: int, addresses: Collection[str]) -> set[str]:
    """Those of these addresses (lower case) that belong: contacts of the account, people we wrote
    to on the thread, authors on it, addresses at the account's own domains, our own people."""
    wanted = sorted(set(addresses))
    found = conn.scalars(
        union(
            select(contact_addresses.c.address)
            .join(contacts, contacts.c.id == contact_addresses.c.contact_id)
            .where(contacts.c.account_id == account_id, contact_addresses.c.address.in_(wanted)),
            select(thread_participants.c.address).where(
                thread_participants.c.thread_id == thread_id,
                thread_participants.c.address.in_(wanted),
            ),
            select(messages.c.from_address).where(
                messages.c.thread_id == thread_id, messages.c.from_address.in_(wanted)
            ),
            select(people.c.address).where(people.c.active, people.c.address.in_(wanted)),
        )
    )
    owned = set(
        conn.scalars(
            select(account_domains.c.domain).where(account_domains.c.account_id == account_id)
        )
    )
    return set(found) | {one for one in wanted if one.rpartition("@")[2] in owned}


def participants(conn: Conn, thread_id: int) -> frozenset[str]:
    """To whom we wrote on a thread, or whom a person added to it."""
    of = thread_participants.c
    return frozenset(conn.scalars(select(of.address).where(of.thread_id == thread_id)))


def leave(conn: Conn, thread_id: int, address: str) -> None:
    """Take somebody off a thread whom a person added to it."""
    conn.execute(
        thread_participants.delete().where(
            thread_participants.c.thread_id == thread_id,
            thread_participants.c.address == address,
        )
    )


def bounced(conn: Conn, addresses: Collection[str]) -> dict[str, tuple[datetime, str]]:
    """Address -> when mail to it came back for good, and the status it came back with."""
    found = conn.execute(
        select(contact_addresses).where(
            contact_addresses.c.address.in_(sorted(set(addresses))),
            contact_addresses.c.bounced_at.is_not(None),
        )
    )
    return {row.address: (row.bounced_at, row.bounce_status or "") for row in found}
