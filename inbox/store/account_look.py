"""An account as its page shows and changes it: what a merge would move, owners, roles."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import case, delete, false, func, select, update

from inbox.store.accounts import Contact
from inbox.store.database import Conn
from inbox.store.seers import ALL, Seer, role_column
from inbox.store.tables import (
    account_domains,
    account_owners,
    contact_addresses,
    contacts,
    messages,
    thread_ids,
    threads,
)


def no_owner(conn: Conn, account_id: int, team: str) -> None:
    """Let nobody own an account for a team."""
    conn.execute(
        delete(account_owners).where(
            account_owners.c.account_id == account_id, account_owners.c.team == team
        )
    )


def set_role(conn: Conn, contact_id: int, role: str | None) -> None:
    """Say what a contact is at their company."""
    conn.execute(update(contacts).where(contacts.c.id == contact_id).values(role=role))


@dataclass(frozen=True, slots=True)
class Moves:
    """What would go to another account if two became one."""

    threads: int
    messages: int
    contacts: int
    domains: int
    joined: int
    """Pairs of threads that would become one, because they share ids of mails."""


def moves(conn: Conn, source: int, target: int) -> Moves:
    """What merging `source` into `target` would move; changes nothing."""
    left, right = thread_ids.alias("left_ids"), thread_ids.alias("right_ids")
    shared = (
        select(left.c.thread_id, right.c.thread_id)
        .join(right, right.c.mail_id == left.c.mail_id)
        .where(left.c.account_id == source, right.c.account_id == target)
        .distinct()
        .subquery()
    )
    of = [
        select(func.count()).select_from(table).where(table.c.account_id == source)
        for table in (threads, messages, contacts, account_domains)
    ]
    numbers = [*of, select(func.count()).select_from(shared)]
    row = conn.execute(select(*(one.scalar_subquery() for one in numbers))).one()
    return Moves(*(int(one) for one in row))


def contacts_of(conn: Conn, account_id: int, seer: Seer | None = ALL) -> tuple[Contact, ...]:
    """The people of an account with their addresses, in order of first contact. Who came by an
    import of addresses is called as their newest mail says that is not confidential."""
    signed = (
        select(messages.c.from_name)
        .join(threads, threads.c.id == messages.c.thread_id)
        .where(messages.c.contact_id == contacts.c.id, messages.c.from_name != "")
        .where(threads.c.confidential.is_(false()))
        .order_by(messages.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    called = case((contacts.c.name != "", contacts.c.name), else_=func.coalesce(signed, ""))
    columns = (contacts.c.id, contacts.c.account_id, role_column(seer), called.label("name"))
    found = conn.execute(
        select(*columns, contact_addresses.c.address)
        .outerjoin(contact_addresses, contact_addresses.c.contact_id == contacts.c.id)
        .where(contacts.c.account_id == account_id)
        .order_by(contacts.c.id, contact_addresses.c.address)
    )
    people_there: dict[int, Contact] = {}
    for row in found:
        known = people_there.get(row.id)
        addresses = (*(known.addresses if known else ()), *((row.address,) if row.address else ()))
        people_there[row.id] = Contact(row.id, row.account_id, row.name, row.role, addresses)
    return tuple(people_there.values())
