"""An account as its page shows and changes it: what a merge would move, owners, roles."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, func, select, update

from inbox.store.database import Conn
from inbox.store.tables import (
    account_domains,
    account_owners,
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
