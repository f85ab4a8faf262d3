"""Queries that only pages and lists for people ask: counts of the frame, links, search hits.

Each is one statement, whatever it finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select, tuple_

from inbox.store import followers
from inbox.store.database import Conn
from inbox.store.messages import Message
from inbox.store.model_tables import labels
from inbox.store.seers import Seer, threads_seen, whole_messages
from inbox.store.set_tables import active_sets
from inbox.store.tables import (
    accounts,
    ledger,
    messages,
    teams,
    thread_links,
    threads,
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Mail that is not in anybody's list: still to be filed, or in quarantine; and where somebody
    was named and has not looked."""

    pending: int
    quarantined: int
    named: int


def waiting(conn: Conn, seer: Seer) -> Waiting:
    """All three counts, each through a partial index of its own."""
    pending = select(func.count()).select_from(ledger).where(ledger.c.state == "pending")
    held = select(func.count()).select_from(ledger).where(ledger.c.state == "quarantined")
    row = conn.execute(
        select(
            pending.scalar_subquery().label("pending"),
            held.scalar_subquery().label("held"),
            followers.unread_count(seer).scalar_subquery().label("named"),
        )
    ).one()
    return Waiting(int(row.pending), int(row.held), int(row.named))


def team_titles(conn: Conn) -> dict[str, str]:
    """name -> title of every active team, in the order of the titles."""
    found = conn.execute(
        select(teams.c.name, teams.c.title).where(teams.c.active.is_(True)).order_by(teams.c.title)
    )
    return {row.name: row.title for row in found}


def refused_files(conn: Conn) -> tuple[str, ...]:
    """The problems of newer files that were refused while older ones stayed in force."""
    found = conn.scalars(select(active_sets.c.problems).order_by(active_sets.c.kind))
    texts = [_problem(problem) for problems in found for problem in problems]
    return tuple(dict.fromkeys(texts))


def _problem(problem: dict[str, object]) -> str:
    line = problem.get("line", 0)
    place = str(problem.get("file", "")) + (f":{line}" if line else "")
    return f"{place}: {problem.get('message', '')}"


@dataclass(frozen=True, slots=True)
class LinkedThread:
    """A thread that is possibly related to another one."""

    thread_id: int
    subject: str
    account_name: str
    why: str


def linked_threads(
    conn: Conn, thread_id: int, seer: Seer | None, *, limit: int = 20
) -> tuple[LinkedThread, ...]:
    """The threads linked with one, as far as they are seen, oldest link first."""
    forward = thread_links.c.thread_id == thread_id
    other = case((forward, thread_links.c.other_id), else_=thread_links.c.thread_id)
    found = conn.execute(
        select(threads.c.id, threads.c.subject, accounts.c.name, thread_links.c.why)
        .select_from(thread_links)
        .join(threads, threads.c.id == other)
        .join(accounts, accounts.c.id == threads.c.account_id)
        .where(forward | (thread_links.c.other_id == thread_id), threads_seen(seer))
        .order_by(thread_links.c.at, threads.c.id)
        .limit(limit)
    )
    return tuple(LinkedThread(row.id, row.subject, row.name, row.why) for row in found)


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that a search found, with enough of its text to show where."""

    message_id: int
    thread_id: int
    account_id: int
    account_name: str
    subject: str
    from_name: str
    from_address: str
    direction: str
    received_at: datetime
    text: str
    team: str
    status: str


def hits(
    conn: Conn, message_ids: Sequence[int], seer: Seer | None, *, characters: int = 20_000
) -> tuple[Hit, ...]:
    """The messages with these numbers that are seen whole, in this order; texts are cut at
    `characters`. The index knows the names of files, too: who may not see one of a message may not
    find the message by it."""
    found = conn.execute(
        select(
            messages.c.id,
            messages.c.thread_id,
            messages.c.account_id,
            accounts.c.name.label("account_name"),
            messages.c.subject,
            messages.c.from_name,
            messages.c.from_address,
            messages.c.direction,
            messages.c.received_at,
            func.substr(messages.c.text, 1, characters).label("text"),
            threads.c.team,
            threads.c.status,
        )
        .join(threads, threads.c.id == messages.c.thread_id)
        .join(accounts, accounts.c.id == messages.c.account_id)
        .where(messages.c.id.in_(message_ids), whole_messages(seer))
    )
    by_number = {
        row.id: Hit(**{("message_id" if k == "id" else k): v for k, v in row._mapping.items()})
        for row in found
    }
    return tuple(by_number[number] for number in message_ids if number in by_number)


def newest_messages(
    conn: Conn, thread_id: int, *, limit: int, before: tuple[datetime, int] | None = None
) -> tuple[Message, ...]:
    """The newest messages of a thread, or the newest of those older than `before` (received_at,
    number); in reading order, oldest first."""
    statement = select(messages).where(messages.c.thread_id == thread_id)
    if before is not None:
        statement = statement.where(tuple_(messages.c.received_at, messages.c.id) < tuple_(*before))
    rows = conn.execute(
        statement.order_by(messages.c.received_at.desc(), messages.c.id.desc()).limit(limit)
    ).all()
    return tuple(
        Message(**{**row._mapping, "parents": tuple(row.parents), "defects": tuple(row.defects)})
        for row in reversed(rows)
    )


def label_at(conn: Conn, thread_id: int, at: datetime) -> int | None:
    """The number of the label that a correction of a thread left at that instant, if it stands."""
    found = conn.scalar(
        select(labels.c.id)
        .join(messages, messages.c.id == labels.c.message_id)
        .where(messages.c.thread_id == thread_id, labels.c.at == at)
        .where(labels.c.undone_at.is_(None))
        .order_by(labels.c.id.desc())
        .limit(1)
    )
    return None if found is None else int(found)
