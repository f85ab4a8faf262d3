"""Two accounts made one, and parted again: which rows move, and which moved.

What hangs on a thread goes where its thread goes, also what came after the merge; the rest by its
number. Every table with rows of an account is listed: a test finds one that is missing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table, func, or_, select, update

from inbox.store.accounts import Account, by_ids
from inbox.store.database import Conn, insert_or_ignore, portions
from inbox.store.hygiene_tables import invitations, proposals
from inbox.store.outbox_tables import outbox, sequences
from inbox.store.tables import (
    account_domains,
    account_owners,
    accounts,
    contacts,
    events,
    messages,
    people,
    thread_ids,
    threads,
)

NUMBERED = (contacts, threads, messages, events, proposals, invitations, outbox, sequences)
"""Tables whose rows have a number of their own."""
OF_ACCOUNT = (thread_ids, account_owners, account_domains, *NUMBERED)

_BORN = "account-created"
"""The event that stays with its account, wherever its thread goes."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What went from one account to another."""

    rows: Mapping[str, Sequence[int]]
    """Table -> numbers of its rows; of what hangs on a thread only what does not go with it."""
    domains: Sequence[str]
    owners: Mapping[str, int]
    """Team -> who owned the account for it, and now owns the other one."""
    owners_gone: Mapping[str, int]
    """The same, where the other one had an owner for the team, who stays."""
    gave_way: Mapping[str, int]
    """Ids of mails that the other account uses as well -> the thread that used them here."""
    redirects: Sequence[int]
    """Accounts that had been merged into it before."""
    astray: Sequence[int]
    """Threads of it that had been joined into one of another account: they lead there."""
    leading: Sequence[int]
    """Threads of the other one that had been joined into one of its."""
    newest: Mapping[str, int]
    """Table -> its highest number then: what is above came since."""

    def as_json(self) -> dict[str, Any]:
        """For a deed."""
        return {name: getattr(self, name) for name in Moved.__slots__}


def move_all(conn: Conn, source: int, target: int) -> Moved:
    """Give everything of account `source` to `target` and leave a pointer; ids that both know
    stay with `target` (the caller joins the threads they name)."""
    moved = _picture(conn, source, target)
    conn.execute(
        thread_ids.delete().where(
            thread_ids.c.account_id == source,
            thread_ids.c.mail_id.in_(
                select(thread_ids.c.mail_id).where(thread_ids.c.account_id == target)
            ),
        )
    )
    conn.execute(
        account_owners.delete().where(
            account_owners.c.account_id == source,
            account_owners.c.team.in_(
                select(account_owners.c.team).where(account_owners.c.account_id == target)
            ),
        )
    )
    for table in OF_ACCOUNT:
        conn.execute(update(table).where(table.c.account_id == source).values(account_id=target))
    conn.execute(
        update(accounts)
        .where(or_(accounts.c.id == source, accounts.c.merged_into_id == source))
        .values(merged_into_id=target)
    )
    return moved


def _picture(conn: Conn, source: int, target: int) -> Moved:
    rows = {}
    for table in NUMBERED:
        mine = table.c.account_id == source
        if "thread_id" in table.c:
            mine &= _alone(table)
        rows[table.name] = list(conn.scalars(select(table.c.id).where(mine).order_by(table.c.id)))
    both = thread_ids.alias()
    gave_way = conn.execute(
        select(thread_ids.c.mail_id, thread_ids.c.thread_id)
        .join(both, both.c.mail_id == thread_ids.c.mail_id)
        .where(thread_ids.c.account_id == source, both.c.account_id == target)
    )
    owned, theirs = (_owners(conn, one) for one in (source, target))
    domains = select(account_domains.c.domain).where(account_domains.c.account_id == source)
    before = select(accounts.c.id).where(accounts.c.merged_into_id == source)
    there = roots(conn, (source, target))
    of_source = set(rows["threads"])
    return Moved(
        rows=rows,
        domains=sorted(conn.scalars(domains)),
        owners={team: one for team, one in owned.items() if team not in theirs},
        owners_gone={team: one for team, one in owned.items() if team in theirs},
        gave_way={row.mail_id: row.thread_id for row in gave_way},
        redirects=sorted(conn.scalars(before)),
        astray=sorted(one for one in of_source if there[one] not in of_source),
        leading=sorted(
            one for one, root in there.items() if one not in of_source and root in of_source
        ),
        newest={
            table.name: int(conn.scalar(select(func.max(table.c.id))) or 0)
            for table in (contacts, threads, messages)
        },
    )


def _owners(conn: Conn, account_id: int) -> dict[str, int]:
    found = conn.execute(select(account_owners).where(account_owners.c.account_id == account_id))
    return {row.team: row.person_id for row in found}


def roots(conn: Conn, account_ids: Collection[int]) -> dict[int, int]:
    """Thread of these accounts -> the thread that it is part of now, itself where it stands."""
    found = conn.execute(
        select(threads.c.id, threads.c.merged_into_id).where(threads.c.account_id.in_(account_ids))
    )
    into = {row.id: row.merged_into_id for row in found}

    def root(one: int) -> int:
        seen = {one}
        while (after := into.get(one)) is not None and after not in seen:
            seen.add(after)
            one = after
        return one

    return {one: root(one) for one in into}


def _alone(table: Table) -> ColumnElement[bool]:
    """Rows that do not go where a thread goes."""
    alone: ColumnElement[bool] = table.c.thread_id.is_(None)
    return or_(alone, table.c.kind == _BORN) if table is events else alone


def give_back(
    conn: Conn,
    apart: tuple[int, int],
    moved: Moved,
    going: Mapping[int, int],
    contact_ids: Collection[int],
) -> None:
    """Of the accounts `apart` (the merged one, the surviving one): the first is an account again,
    with these threads (each with the one that it is part of), with what hangs on them, and these
    contacts."""
    source, target = apart
    for some in portions(going):
        _send(conn, threads, threads.c.id.in_(some), apart)
        for table in OF_ACCOUNT:
            if "thread_id" not in table.c:
                continue
            with_thread: ColumnElement[bool] = table.c.thread_id.in_(some)
            if table is events:
                with_thread &= events.c.kind != _BORN
            _send(conn, table, with_thread, apart)
    for some in portions(contact_ids):
        _send(conn, contacts, contacts.c.id.in_(some), apart)
    for table in NUMBERED:
        if "thread_id" in table.c:
            for some in portions(moved.rows[table.name]):
                _send(conn, table, table.c.id.in_(some) & _alone(table), apart)
    for names in portions(moved.domains):
        _send(conn, account_domains, account_domains.c.domain.in_(names), apart)
    _give_ids(conn, source, moved, going)
    _give_owners(conn, apart, moved)
    conn.execute(update(accounts).where(accounts.c.id == source).values(merged_into_id=None))
    led = accounts.c.id.in_(list(moved.redirects)) & (accounts.c.merged_into_id == target)
    conn.execute(update(accounts).where(led).values(merged_into_id=source))


def _send(conn: Conn, table: Table, which: ColumnElement[bool], apart: tuple[int, int]) -> None:
    source, target = apart
    theirs = table.c.account_id == target
    conn.execute(update(table).where(which, theirs).values(account_id=source))


def _give_ids(conn: Conn, source: int, moved: Moved, going: Mapping[int, int]) -> None:
    """Ids that both accounts used are with both again."""
    rows = [
        {"account_id": source, "mail_id": mail_id, "thread_id": going[thread_id]}
        for mail_id, thread_id in moved.gave_way.items()
        if thread_id in going
    ]
    if rows:
        insert_or_ignore(conn, thread_ids, rows)


def _give_owners(conn: Conn, apart: tuple[int, int], moved: Moved) -> None:
    """Who owned the account owns it again, if they are still here; and no more the other one."""
    source, target = apart
    of = account_owners.c
    for team, person_id in moved.owners.items():
        came_along = (of.account_id == target) & (of.team == team) & (of.person_id == person_id)
        conn.execute(account_owners.delete().where(came_along))
    owned = {**moved.owners, **moved.owners_gone}
    here = select(people.c.id).where(people.c.active, people.c.id.in_(list(owned.values())))
    active = set(conn.scalars(here))
    rows = [
        {"account_id": source, "team": team, "person_id": person_id}
        for team, person_id in owned.items()
        if person_id in active
    ]
    if rows:
        insert_or_ignore(conn, account_owners, rows)


def merged_named(conn: Conn, name: str) -> Account | None:
    """The account of this name (any case) that was merged into another one last."""
    found = conn.execute(
        select(accounts)
        .where(func.lower(accounts.c.name) == name.lower(), accounts.c.merged_into_id.is_not(None))
        .order_by(accounts.c.id.desc())
        .limit(1)
    ).first()
    return None if found is None else by_ids(conn, [found.id])[found.id]


def run_of(conn: Conn, source: int) -> str:
    """The name under which an account was merged last; empty where none was kept."""
    into = select(accounts.c.merged_into_id).where(accounts.c.id == source).scalar_subquery()
    found = conn.execute(
        select(events.c.data)
        .where(events.c.account_id == into, events.c.kind == "accounts-merged")
        .order_by(events.c.at.desc(), events.c.id.desc())
    )
    runs = (row.data.get("run", "") for row in found if row.data.get("merged") == str(source))
    return next(runs, "")
