"""Threads made one, parted, or given to another account: which rows move, and which moved.

What moved is returned, so that it can be moved back. Every table with rows of a thread is found by
its foreign key: one that is added later moves along.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table, func, insert, select, update

from inbox.store import urgency
from inbox.store.clock_tables import handoffs, targets
from inbox.store.database import Conn, insert_or_ignore, portions
from inbox.store.draft_tables import deeds, followers, side_mails
from inbox.store.promises import of_threads
from inbox.store.tables import (
    contact_addresses,
    contacts,
    events,
    messages,
    metadata,
    thread_ids,
    thread_links,
    thread_participants,
    threads,
)
from inbox.store.threads import Thread, add_participants, link

PARTED = "parted"
"""Why two threads are linked: a person took them apart, and no mail joins them again."""

_MAIL_EVENTS = (
    *("mail-in", "mail-out", "reply-queued", "mail-uncertain", "mail-bounced"),
    "forwarded-by-colleague",
)


def following() -> tuple[Table, ...]:
    """Every table with rows of a thread that have a number of their own; but deeds, which stay."""
    return tuple(
        table
        for table in metadata.sorted_tables
        if len(table.primary_key.columns) == 1
        and "thread_id" in table.c
        and table is not deeds
        and any(key.column is threads.c.id for key in table.c.thread_id.foreign_keys)
    )


def _key(table: Table) -> ColumnElement[int]:
    """The one column that numbers a table's rows."""
    (column,) = table.primary_key.columns
    return column


@dataclass(frozen=True, slots=True)
class Moved:
    """What went from one thread to another."""

    rows: Mapping[str, Sequence[int]]
    """Table -> numbers of its rows."""
    mail_ids: Sequence[str]
    participants: Sequence[str] = ()
    """Whom the receiving thread had not written to before."""
    followers: Sequence[int] = ()
    links: Sequence[Sequence[Any]] = ()
    """(thread, other, why, instant) of links that the thread had."""
    redirects: Sequence[int] = ()
    """Threads that had been joined into it before."""
    promises: Sequence[Mapping[str, Any]] = ()
    """Targets of both threads as they were."""

    def as_json(self) -> dict[str, Any]:
        """For a deed."""
        return {name: getattr(self, name) for name in Moved.__slots__}


def join(conn: Conn, survivor: int, absorbed: int) -> Moved:
    """Move everything of thread `absorbed` into `survivor` and leave a pointer behind."""
    kept = of_threads(conn, (survivor, absorbed))
    _end_second_offer(conn, survivor, absorbed)
    rows = {table.name: _numbers(conn, table, absorbed) for table in following()}
    mail_ids = _mail_ids(conn, absorbed)
    for table in following():
        conn.execute(update(table).where(table.c.thread_id == absorbed).values(thread_id=survivor))
    for table in (thread_ids, side_mails):
        conn.execute(update(table).where(table.c.thread_id == absorbed).values(thread_id=survivor))
    participants = _join_participants(conn, survivor, absorbed)
    joined = _join_followers(conn, survivor, absorbed)
    links = _join_links(conn, survivor, absorbed)
    redirects = conn.scalars(select(threads.c.id).where(threads.c.merged_into_id == absorbed)).all()
    # What was confidential stays so, wherever it goes.
    was_secret = select(threads.c.id).where(threads.c.id == absorbed, threads.c.confidential)
    kept_secret = update(threads).where(threads.c.id == survivor, was_secret.exists())
    conn.execute(kept_secret.values(confidential=True))
    conn.execute(
        update(threads)
        .where((threads.c.id == absorbed) | (threads.c.merged_into_id == absorbed))
        .values(merged_into_id=survivor, version=threads.c.version + 1)
    )
    urgency.refresh(conn, [survivor])
    return Moved(rows, mail_ids, participants, joined, links, redirects, kept)


def _numbers(conn: Conn, table: Table, thread_id: int) -> list[int]:
    found = select(_key(table)).where(table.c.thread_id == thread_id).order_by(_key(table))
    return list(conn.scalars(found))


def _mail_ids(conn: Conn, thread_id: int) -> list[str]:
    found = select(thread_ids.c.mail_id).where(thread_ids.c.thread_id == thread_id)
    return list(conn.scalars(found.order_by(thread_ids.c.mail_id)))


def _end_second_offer(conn: Conn, survivor: int, absorbed: int) -> None:
    """One thread is on offer once: the absorbed one's ends where both are."""
    offered = (
        select(handoffs.c.id, handoffs.c.thread_id, handoffs.c.offered_at)
        .where(handoffs.c.thread_id.in_((survivor, absorbed)), handoffs.c.state == "offered")
        .order_by(handoffs.c.thread_id == survivor)
    )
    found = conn.execute(offered).all()
    if len(found) == 2:
        ended = {"state": "withdrawn", "settled_at": found[0].offered_at}
        ended["answer"] = "its thread was joined with one that is on offer"
        conn.execute(update(handoffs).where(handoffs.c.id == found[0].id).values(**ended))


def _join_participants(conn: Conn, survivor: int, absorbed: int) -> list[str]:
    written = thread_participants.c
    before = set(conn.scalars(select(written.address).where(written.thread_id == survivor)))
    addresses = set(conn.scalars(select(written.address).where(written.thread_id == absorbed)))
    add_participants(conn, survivor, sorted(addresses - before))
    return sorted(addresses - before)


def _join_followers(conn: Conn, survivor: int, absorbed: int) -> list[int]:
    of = followers.c
    before = set(conn.scalars(select(of.person_id).where(of.thread_id == survivor)))
    rows = conn.execute(select(followers).where(of.thread_id == absorbed)).all()
    fresh = [row for row in rows if row.person_id not in before]
    for row in fresh:
        conn.execute(insert(followers).values({**row._mapping, "thread_id": survivor}))
    return [row.person_id for row in fresh]


def _join_links(conn: Conn, survivor: int, absorbed: int) -> list[list[Any]]:
    mine = (thread_links.c.thread_id == absorbed) | (thread_links.c.other_id == absorbed)
    rows = conn.execute(select(thread_links).where(mine)).all()
    for row in rows:
        other = row.other_id if row.thread_id == absorbed else row.thread_id
        link(conn, survivor, other, row.why, row.at)
    conn.execute(thread_links.delete().where(mine))
    return [[row.thread_id, row.other_id, row.why, row.at] for row in rows]


def unjoin(conn: Conn, survivor: int, absorbed: int, moved: Moved) -> None:
    """Move back what a join moved, as far as it is still there; both are threads again."""
    _send(conn, moved, survivor, absorbed)
    for number in (absorbed, *moved.redirects):
        into = None if number == absorbed else absorbed
        conn.execute(update(threads).where(threads.c.id == number).values(merged_into_id=into))
    for address in moved.participants:
        conn.execute(
            thread_participants.delete().where(
                thread_participants.c.thread_id == survivor,
                thread_participants.c.address == address,
            )
        )
    conn.execute(
        followers.delete().where(
            followers.c.thread_id == survivor, followers.c.person_id.in_(list(moved.followers))
        )
    )
    for first, second, why, at in moved.links:
        other = second if first == absorbed else first
        unlink(conn, survivor, other, at)
        row = {"thread_id": first, "other_id": second, "why": why, "at": at}
        insert_or_ignore(conn, thread_links, row)


def mails_on(conn: Conn, thread_id: int, moved: Moved) -> tuple[int, int]:
    """How many of the mails that moved are on a thread now, and how many others."""
    there = set(conn.scalars(select(messages.c.id).where(messages.c.thread_id == thread_id)))
    came = there & set(moved.rows["messages"])
    return len(came), len(there - came)


def unlink(conn: Conn, one: int, other: int, at: Any) -> None:
    """Take a link away that was made at that instant."""
    first, second = sorted((one, other))
    conn.execute(
        thread_links.delete().where(
            thread_links.c.thread_id == first,
            thread_links.c.other_id == second,
            thread_links.c.at == at,
        )
    )


def _send(conn: Conn, moved: Moved, from_id: int, to_id: int) -> None:
    """Rows that moved go where `to_id` says, those of them that are still with `from_id`."""
    by_name = {table.name: table for table in following()}
    for name, numbers in moved.rows.items():
        table = by_name[name]
        for some in portions(numbers):
            conn.execute(
                update(table)
                .where(_key(table).in_(some), table.c.thread_id == from_id)
                .values(thread_id=to_id)
            )
    for ids in portions(moved.mail_ids):
        conn.execute(
            update(thread_ids)
            .where(thread_ids.c.thread_id == from_id, thread_ids.c.mail_id.in_(ids))
            .values(thread_id=to_id)
        )
    items = list(moved.rows.get("outbox", ()))
    conn.execute(
        update(side_mails)
        .where(side_mails.c.thread_id == from_id, side_mails.c.item_id.in_(items))
        .values(thread_id=to_id)
    )
    urgency.refresh(conn, [from_id, to_id])


def part(conn: Conn, thread_id: int, fresh: int, message_ids: Collection[int]) -> Moved:
    """Move these messages of a thread into `fresh`, with all that is about them, and the ids that
    only they use."""
    kept = of_threads(conn, (thread_id,))
    numbers = sorted(message_ids)
    rows: dict[str, list[int]] = {"messages": numbers}
    rows["events"] = list(
        conn.scalars(
            select(events.c.id)
            .where(events.c.message_id.in_(numbers), events.c.thread_id == thread_id)
            .where(events.c.kind.in_(_MAIL_EVENTS))
            .order_by(events.c.id)
        )
    )
    rows["targets"] = list(
        conn.scalars(
            select(targets.c.id).where(
                targets.c.thread_id == thread_id, targets.c.cycle.in_(rows["events"])
            )
        )
    )
    for table in following():
        # Who decided about the thread stays with the thread; the rest goes with its message.
        if "message_id" in table.c and table.name not in ("assignments", "events"):
            wanted = select(_key(table)).where(table.c.message_id.in_(numbers))
            rows[table.name] = list(conn.scalars(wanted.where(table.c.thread_id == thread_id)))
    moved = Moved(rows, _own_ids(conn, thread_id, numbers), promises=kept)
    _send(conn, moved, thread_id, fresh)
    first, second = sorted((thread_id, fresh))
    conn.execute(
        thread_links.delete().where(
            thread_links.c.thread_id == first, thread_links.c.other_id == second
        )
    )
    return moved


def _own_ids(conn: Conn, thread_id: int, numbers: Sequence[int]) -> list[str]:
    """The mail ids that only these messages of a thread have or refer to."""
    theirs: set[str] = set()
    others: set[str] = set()
    rows = conn.execute(
        select(messages.c.id, messages.c.mail_id, messages.c.parents).where(
            messages.c.thread_id == thread_id
        )
    )
    own: set[str] = set()
    for row in rows:
        ids = {*row.parents, *([row.mail_id] if row.mail_id else [])}
        if row.id in numbers:
            theirs |= ids
            own |= {row.mail_id} if row.mail_id else set()
        else:
            others |= ids - {row.mail_id}
            others |= {row.mail_id} if row.mail_id else set()
    # An own id follows its message even where a mail that stays refers to it.
    return sorted(own | (theirs - others))


def parted(conn: Conn, thread_numbers: Collection[int]) -> frozenset[tuple[int, int]]:
    """Pairs (lower number first) of these threads that a person took apart."""
    listed = sorted(thread_numbers)
    found = conn.execute(
        select(thread_links.c.thread_id, thread_links.c.other_id).where(
            thread_links.c.why == PARTED,
            thread_links.c.thread_id.in_(listed),
            thread_links.c.other_id.in_(listed),
        )
    )
    return frozenset((row.thread_id, row.other_id) for row in found)


# --- To another account ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rehoused:
    """What went to another account with a thread."""

    mail_ids: Sequence[str]
    """Ids that stayed behind nowhere: the other account uses them on a thread of its own."""
    others: Sequence[int]
    """The threads there that use them."""
    contacts: Sequence[int]
    """People who wrote on no other thread, and went along."""


def rehouse(conn: Conn, thread: Thread, account_id: int, contact_ids: Sequence[int]) -> Rehoused:
    """Give a thread to another account: its messages, events, ids and these contacts."""
    mine = thread_ids.c.thread_id == thread.id
    clash = conn.execute(
        select(thread_ids.c.mail_id, thread_ids.c.thread_id).where(
            thread_ids.c.account_id == account_id,
            thread_ids.c.mail_id.in_(select(thread_ids.c.mail_id).where(mine)),
        )
    ).all()
    given_up = [row.mail_id for row in clash]
    conn.execute(thread_ids.delete().where(mine, thread_ids.c.mail_id.in_(given_up)))
    conn.execute(update(thread_ids).where(mine).values(account_id=account_id))
    _give(conn, thread.id, account_id, contact_ids)
    return Rehoused(sorted(given_up), sorted({row.thread_id for row in clash}), list(contact_ids))


def rehouse_back(conn: Conn, thread: Thread, account_id: int, done: Rehoused) -> None:
    """Give it back to the account that it was with."""
    mine = thread_ids.c.thread_id == thread.id
    conn.execute(update(thread_ids).where(mine).values(account_id=account_id))
    rows = [
        {"account_id": account_id, "mail_id": one, "thread_id": thread.id} for one in done.mail_ids
    ]
    if rows:
        insert_or_ignore(conn, thread_ids, rows)
    _give(conn, thread.id, account_id, done.contacts)


def _give(conn: Conn, thread_id: int, account_id: int, contact_ids: Sequence[int]) -> None:
    for table in following():
        if "account_id" in table.c:
            mine = table.c.thread_id == thread_id
            if table is events:  # how the account came to be is told on that account
                mine &= events.c.kind != "account-created"
            conn.execute(update(table).where(mine).values(account_id=account_id))
    conn.execute(update(threads).where(threads.c.id == thread_id).values(account_id=account_id))
    conn.execute(
        update(contacts).where(contacts.c.id.in_(list(contact_ids))).values(account_id=account_id)
    )


def writers(conn: Conn, thread: Thread) -> dict[int, tuple[str, int]]:
    """The account's contacts who wrote on a thread: number -> (name or address, on how many other
    threads they wrote)."""
    here = select(messages.c.contact_id).where(
        messages.c.thread_id == thread.id, messages.c.contact_id.is_not(None)
    )
    elsewhere = (
        select(func.count(messages.c.thread_id.distinct()))
        .where(messages.c.contact_id == contacts.c.id, messages.c.thread_id != thread.id)
        .correlate(contacts)
        .scalar_subquery()
    )
    address = (
        select(func.min(contact_addresses.c.address))
        .where(contact_addresses.c.contact_id == contacts.c.id)
        .correlate(contacts)
        .scalar_subquery()
    )
    found = conn.execute(
        select(contacts.c.id, contacts.c.name, address, elsewhere)
        .where(contacts.c.id.in_(here), contacts.c.account_id == thread.account_id)
        .order_by(contacts.c.id)
    )
    return {row[0]: (row[1] or row[2] or "", int(row[3])) for row in found}
