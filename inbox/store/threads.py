"""Threads: found by mail ids, opened, joined, listed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, tuple_, update

from inbox.errors import NotFound
from inbox.store import last_words
from inbox.store.columns import NO_CLOCK
from inbox.store.database import Conn, insert_or_ignore, new_key, portions
from inbox.store.last_words import LastWords
from inbox.store.seers import ALL, Seer, threads_seen
from inbox.store.tables import (
    accounts,
    messages,
    people,
    thread_ids,
    thread_links,
    thread_participants,
    threads,
)


@dataclass(frozen=True, slots=True)
class Thread:
    """Messages joined by their ids, with the team and the person who answer for them."""

    id: int
    account_id: int
    subject: str
    status: str
    team: str
    accountable_id: int
    claimed_at: datetime | None
    decided_by: str
    priority: str
    policy: str | None
    tags: tuple[str, ...]
    opened_at: datetime
    last_message_at: datetime
    last_in_at: datetime | None
    last_out_at: datetime | None
    messages: int
    merged_into_id: int | None
    version: int
    snoozed_until: datetime | None = None
    confidential: bool = False
    due_at: datetime = NO_CLOCK
    """When the first of its clocks runs out; `NO_CLOCK` where none runs."""
    at_risk: bool = False


def _thread(row: Any) -> Thread:
    return Thread(
        id=row.id,
        account_id=row.account_id,
        subject=row.subject,
        status=row.status,
        team=row.team,
        accountable_id=row.accountable_id,
        claimed_at=row.claimed_at,
        decided_by=row.decided_by,
        priority=row.priority,
        policy=row.policy,
        tags=tuple(row.tags),
        opened_at=row.opened_at,
        last_message_at=row.last_message_at,
        last_in_at=row.last_in_at,
        last_out_at=row.last_out_at,
        messages=row.messages,
        merged_into_id=row.merged_into_id,
        version=row.version,
        snoozed_until=row.snoozed_until,
        confidential=row.confidential,
        due_at=row.due_at or NO_CLOCK,
        at_risk=bool(row.at_risk),
    )


_BY_ID = select(threads).where(threads.c.id == bindparam("the_id"))


def by_id(conn: Conn, thread_id: int, seer: Seer | None = ALL) -> Thread:
    """One thread, following joins to the surviving one. Raises `NotFound`, also for one that the
    seer does not see."""
    asked = _BY_ID if seer is ALL else _BY_ID.where(threads_seen(seer))
    seen: set[int] = set()
    wanted = thread_id
    while wanted not in seen:
        seen.add(wanted)
        row = conn.execute(asked, {"the_id": wanted}).first()
        if row is None:
            break
        if row.merged_into_id is None:
            return _thread(row)
        wanted = row.merged_into_id
    raise NotFound(f"there is no thread {thread_id} (`aboard threads` lists them)")


_USERS = select(thread_ids).where(thread_ids.c.mail_id.in_(bindparam("ids", expanding=True)))


def users_of(conn: Conn, ids: Collection[str]) -> dict[str, dict[int, int]]:
    """mail id -> {account: thread that uses the id there}, for ids that anybody uses."""
    found: dict[str, dict[int, int]] = {}
    for some in portions(ids):
        for row in conn.execute(_USERS, {"ids": some}):
            found.setdefault(row.mail_id, {})[row.account_id] = row.thread_id
    return found


_BY_IDS = select(threads).where(threads.c.id.in_(bindparam("ids", expanding=True)))


def by_ids(conn: Conn, thread_numbers: Collection[int]) -> dict[int, Thread]:
    """Threads by number; joins are not followed."""
    found = conn.execute(_BY_IDS, {"ids": sorted(thread_numbers)})
    return {row.id: _thread(row) for row in found}


_WRITTEN_TO = (
    select(threads.c.account_id)
    .join(thread_ids, thread_ids.c.thread_id == threads.c.id)
    .join(thread_participants, thread_participants.c.thread_id == threads.c.id)
    .where(thread_ids.c.mail_id.in_(bindparam("ids", expanding=True)))
    .where(thread_participants.c.address == bindparam("address"))
    .order_by(threads.c.id)
    .limit(1)
)


def account_that_wrote_to(conn: Conn, address: str, ids: Sequence[str]) -> int | None:
    """The account of a thread, among those that use these ids, in which we wrote to `address`."""
    if not ids:
        return None
    found = conn.scalar(_WRITTEN_TO, {"address": address, "ids": list(ids)})
    return None if found is None else int(found)


def add_participants(conn: Conn, thread_id: int, addresses: Sequence[str]) -> None:
    """Note to whom we wrote in this thread."""
    rows = [{"thread_id": thread_id, "address": address} for address in sorted(set(addresses))]
    if rows:
        insert_or_ignore(conn, thread_participants, rows)


def save(conn: Conn, thread_id: int, **values: Any) -> None:
    """Change columns of a thread and raise its version."""
    conn.execute(
        update(threads)
        .where(threads.c.id == thread_id)
        .values(version=threads.c.version + 1, **values)
    )


def link(conn: Conn, thread_id: int, other_id: int, why: str, now: datetime) -> None:
    """Note that two threads are possibly related; they stay apart."""
    if thread_id == other_id:
        return
    first, second = sorted((thread_id, other_id))
    row = {"thread_id": first, "other_id": second, "why": why, "at": now}
    insert_or_ignore(conn, thread_links, row)


def linked(conn: Conn, thread_id: int) -> tuple[tuple[int, str], ...]:
    """(other thread, why) of every link of a thread."""
    found = conn.execute(
        select(thread_links)
        .where((thread_links.c.thread_id == thread_id) | (thread_links.c.other_id == thread_id))
        .order_by(thread_links.c.at)
    )
    return tuple(
        (row.other_id if row.thread_id == thread_id else row.thread_id, row.why) for row in found
    )


def sharing_ids(conn: Conn, one: int, other: int) -> tuple[tuple[int, int], ...]:
    """Pairs of threads of two accounts that use a same mail id."""
    left, right = thread_ids.alias("left_ids"), thread_ids.alias("right_ids")
    found = conn.execute(
        select(left.c.thread_id, right.c.thread_id)
        .join(right, right.c.mail_id == left.c.mail_id)
        .where(left.c.account_id == one, right.c.account_id == other)
        .distinct()
        .order_by(left.c.thread_id, right.c.thread_id)
    )
    return tuple((row[0], row[1]) for row in found)


def opened_beside(conn: Conn, beside: Thread, subject: str, status: str) -> int:
    """Write a thread without messages, with the account, team and person of another; its number."""
    row = {name: getattr(beside, name) for name in Thread.__slots__ if name != "id"}
    row |= {"subject": subject, "status": status, "snoozed_until": None, "messages": 0}
    row |= {"tags": list(beside.tags), "version": 1, "due_at": NO_CLOCK, "at_risk": False}
    return new_key(conn.execute(threads.insert(), row))


def recount(conn: Conn, thread_id: int) -> None:
    """Make a thread's counters and times say what its messages say."""
    row = conn.execute(
        select(
            func.count().label("messages"),
            func.min(messages.c.received_at).label("first"),
            func.max(messages.c.received_at).label("last"),
        ).where(messages.c.thread_id == thread_id)
    ).one()
    latest = {
        direction: conn.scalar(
            select(func.max(messages.c.received_at)).where(
                messages.c.thread_id == thread_id, messages.c.direction == direction
            )
        )
        for direction in ("in", "out")
    }
    if row.messages:
        save(
            conn,
            thread_id,
            messages=row.messages,
            opened_at=row.first,
            last_message_at=row.last,
            last_in_at=latest["in"],
            last_out_at=latest["out"],
        )


@dataclass(frozen=True, slots=True)
class ThreadRow:
    """One line of the list of threads."""

    thread: Thread
    account_name: str
    accountable: str
    accountable_name: str
    last: LastWords


@dataclass(frozen=True, slots=True)
class Page:
    """Which threads a list shows: filters, and where the last page ended."""

    account_id: int | None = None
    team: str | None = None
    status: str | None = None
    before: tuple[datetime, int] | None = None
    """(last_message_at, id) of the last line already shown."""
    limit: int = 50


def listing(conn: Conn, page: Page, seer: Seer | None = ALL) -> tuple[ThreadRow, ...]:
    """Threads, the one with the newest message first; a fixed number of statements."""
    wanted = [threads.c.merged_into_id.is_(None), threads_seen(seer)]
    if page.account_id is not None:
        wanted.append(threads.c.account_id == page.account_id)
    if page.team is not None:
        wanted.append(threads.c.team == page.team)
    if page.status is not None:
        wanted.append(threads.c.status == page.status)
    if page.before is not None:
        newest = tuple_(threads.c.last_message_at, threads.c.id)
        wanted.append(newest < tuple_(*page.before))
    order = (threads.c.last_message_at.desc(), threads.c.id.desc())
    return lines(conn, wanted, order, page.limit)


def lines(
    conn: Conn, wanted: Sequence[Any], order: Sequence[Any], limit: int
) -> tuple[ThreadRow, ...]:
    """Threads for which all of these conditions hold, in this order, as lines of a list."""
    statement = (
        select(
            threads,
            accounts.c.name.label("account_name"),
            people.c.handle.label("accountable"),
            people.c.name.label("accountable_name"),
        )
        .join(accounts, accounts.c.id == threads.c.account_id)
        .join(people, people.c.id == threads.c.accountable_id)
        .where(*wanted)
        .order_by(*order)
        .limit(limit)
    )
    rows = conn.execute(statement).all()
    last = last_words.of_threads(conn, [row.id for row in rows])
    return tuple(
        ThreadRow(
            thread=_thread(row),
            account_name=row.account_name,
            accountable=row.accountable,
            accountable_name=row.accountable_name,
            last=last.get(row.id, LastWords()),
        )
        for row in rows
    )


def counts(conn: Conn, *, confidential: bool | None = None) -> dict[str, dict[str, int]]:
    """How many threads each team has in each status: {team: {status: n}}; only those that are
    confidential, or are not, where it is said."""
    statement = select(threads.c.team, threads.c.status, func.count()).where(
        threads.c.merged_into_id.is_(None)
    )
    if confidential is not None:
        statement = statement.where(threads.c.confidential == confidential)
    return _by_team(conn, statement)


def counts_of_confidential(conn: Conn, seer: Seer) -> dict[str, dict[str, int]]:
    """The same for the confidential threads that somebody sees; through their own small index."""
    statement = select(threads.c.team, threads.c.status, func.count()).where(
        threads.c.merged_into_id.is_(None), threads.c.confidential, threads_seen(seer)
    )
    return _by_team(conn, statement)


def _by_team(conn: Conn, statement: Any) -> dict[str, dict[str, int]]:
    result: dict[str, dict[str, int]] = {}
    for team, status, count in conn.execute(statement.group_by(threads.c.team, threads.c.status)):
        result.setdefault(team, {})[status] = count
    return result
