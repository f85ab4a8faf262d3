"""What the wall shows: who waits longest, what is due next or was broken, where the work lies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, select, text

from inbox.store.clock_tables import targets
from inbox.store.database import Conn
from inbox.store.finding import Eyes
from inbox.store.seers import threads_seen
from inbox.store.tables import accounts, people, threads
from inbox.store.view_tables import LIVE

RESPONSES = ("first_response", "next_response")


@dataclass(frozen=True, slots=True)
class Due:
    """A running promise with its thread."""

    thread_id: int
    subject: str
    account_name: str
    team: str
    accountable_name: str
    claimed: bool
    metric: str
    opened_at: datetime
    due_at: datetime | None
    at_risk: bool


def _running(eyes: Eyes) -> Any:
    return (
        select(
            threads.c.id,
            threads.c.subject,
            accounts.c.name.label("account_name"),
            threads.c.team,
            people.c.name.label("accountable_name"),
            threads.c.claimed_at,
            targets.c.metric,
            targets.c.opened_at,
            targets.c.due_at,
            threads.c.at_risk,
        )
        .select_from(targets)
        .join(threads, threads.c.id == targets.c.thread_id)
        .join(accounts, accounts.c.id == threads.c.account_id)
        .join(people, people.c.id == threads.c.accountable_id)
        .where(text("targets.state = 'open'"), threads_seen(eyes.seer))
    )


def _listed(conn: Conn, statement: Any) -> tuple[Due, ...]:
    return tuple(
        Due(
            row.id,
            row.subject,
            row.account_name,
            row.team,
            row.accountable_name,
            row.claimed_at is not None,
            row.metric,
            row.opened_at,
            row.due_at,
            bool(row.at_risk),
        )
        for row in conn.execute(statement)
    )


def waiting_longest(conn: Conn, eyes: Eyes, most: int = 8) -> tuple[Due, ...]:
    """Threads whose customer waits for an answer, the longest wait first."""
    wanted = _running(eyes).where(targets.c.metric.in_(RESPONSES))
    return _listed(conn, wanted.order_by(targets.c.opened_at, targets.c.id).limit(most))


def next_due(conn: Conn, eyes: Eyes, most: int = 8) -> tuple[Due, ...]:
    """Promises that are due next; what is late already is not among them."""
    wanted = _running(eyes).where(targets.c.due_at > eyes.now)
    return _listed(conn, wanted.order_by(targets.c.due_at, targets.c.id).limit(most))


@dataclass(frozen=True, slots=True)
class Load:
    """What a team has to do at one stage."""

    team: str
    stage: str
    threads: int
    unclaimed: int
    at_risk: int


def loads(conn: Conn, eyes: Eyes) -> tuple[Load, ...]:
    """The work that is not done, by team and stage of the account: open or waiting threads."""
    free = func.sum(case((threads.c.claimed_at.is_(None), 1), else_=0))
    risk = func.sum(case((threads.c.at_risk, 1), else_=0))
    by_account = (
        select(
            threads.c.team,
            threads.c.account_id,
            func.count().label("threads"),
            free.label("unclaimed"),
            risk.label("at_risk"),
        )
        .where(*(text(f"threads.{part}") for part in LIVE.split(" AND ")), threads_seen(eyes.seer))
        .group_by(threads.c.team, threads.c.account_id)
        .subquery()
    )
    sums = [func.sum(by_account.c[name]) for name in ("threads", "unclaimed", "at_risk")]
    stage = func.coalesce(accounts.c.stage, "")
    found = conn.execute(
        select(by_account.c.team, stage, *sums)
        .join(accounts, accounts.c.id == by_account.c.account_id)
        .group_by(by_account.c.team, stage)
    )
    return tuple(Load(row[0], row[1], int(row[2]), int(row[3]), int(row[4])) for row in found)


def broken_since(conn: Conn, eyes: Eyes, since: datetime) -> int:
    """How many promises were broken since then."""
    wanted = (
        select(func.count())
        .select_from(targets)
        .join(threads, threads.c.id == targets.c.thread_id)
        .where(and_(targets.c.breached_at >= since, targets.c.breached_at <= eyes.now))
        .where(threads_seen(eyes.seer))
    )
    return int(conn.scalar(wanted) or 0)
