"""What the clock demands now: steps of targets that are due, threads whose nap is over; claimed, so
that no two nodes do one thing twice, and passed over where somebody works on the account.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update

from inbox.store import holding
from inbox.store.clock_tables import targets
from inbox.store.database import Conn, for_update, skip_locked
from inbox.store.tables import accounts, threads
from inbox.store.targets import StoredTarget, stored


@dataclass(frozen=True, slots=True)
class DueTarget:
    """A target of which a step is due, with the thread that it is on."""

    target: StoredTarget
    account_id: int
    thread_team: str
    accountable_id: int
    claimed_at: datetime | None
    priority: str
    tags: tuple[str, ...]
    subject: str


_DUE = (
    select(targets.c.id)
    .where(targets.c.state == "open")
    .where(targets.c.next_at.is_not(None))
    .where(targets.c.next_at <= bindparam("now"))
    .order_by(targets.c.next_at, targets.c.id)
    .limit(bindparam("most"))
)
_FREE = select(accounts.c.id).where(accounts.c.id.in_(bindparam("ids", expanding=True)))
_ACCOUNTS = (
    select(threads.c.account_id).join(targets, targets.c.thread_id == threads.c.id).distinct()
)
_WITH_THREAD = (
    select(
        targets,
        threads.c.account_id,
        threads.c.team.label("thread_team"),
        threads.c.accountable_id,
        threads.c.claimed_at,
        threads.c.priority,
        threads.c.tags,
        threads.c.subject,
    )
    .join(threads, threads.c.id == targets.c.thread_id)
    .order_by(targets.c.next_at, targets.c.id)
)


def claim(conn: Conn, now: datetime, most: int) -> tuple[DueTarget, ...]:
    """Targets of which a step is due, held until the transaction ends.

    What another node holds is passed over, and so is a target whose account is held by somebody
    who files or answers just now: it waits for nobody, so nobody can wait for it in a ring.
    """
    ids = list(conn.scalars(skip_locked(conn, _DUE), {"now": now, "most": most}))
    free = holding.held(conn, conn.scalars(_ACCOUNTS.where(targets.c.id.in_(ids))))
    # Read once the accounts are held: what somebody did to a thread until then is seen.
    claimed = conn.execute(_WITH_THREAD.where(targets.c.id.in_(ids)))
    return tuple(_due(row) for row in claimed if row.account_id in free)


def any_due(conn: Conn, now: datetime) -> bool:
    """Is a step of any target due?"""
    return conn.scalar(_DUE, {"now": now, "most": 1}) is not None


def postpone(conn: Conn, target_id: int, until: datetime) -> None:
    """Look at a running target again only then."""
    conn.execute(
        update(targets)
        .where(targets.c.id == target_id, targets.c.state == "open")
        .where(targets.c.next_at.is_not(None))
        .values(next_at=until)
    )


def hold(conn: Conn, target_id: int, now: datetime) -> DueTarget | None:
    """One target, held until the transaction ends; None where nothing of it is due any more."""
    wanted = _WITH_THREAD.where(targets.c.id == target_id)
    row = conn.execute(wanted).first()
    if row is None:
        return None
    # The account first, as whoever files and answers does.
    conn.execute(for_update(conn, _FREE), {"ids": [row.account_id]})
    still = wanted.where(targets.c.state == "open", targets.c.next_at <= now)
    row = conn.execute(for_update(conn, still.with_only_columns(targets.c.id))).first()
    again = None if row is None else conn.execute(wanted).first()
    return None if again is None else _due(again)


def _due(row: Any) -> DueTarget:
    return DueTarget(
        stored(row),
        row.account_id,
        row.thread_team,
        row.accountable_id,
        row.claimed_at,
        row.priority,
        tuple(row.tags),
        row.subject,
    )


_WAKING = (
    select(threads.c.id, threads.c.account_id)
    .where(threads.c.snoozed_until.is_not(None))
    .where(threads.c.snoozed_until <= bindparam("now"))
    .where(threads.c.status == "snoozed")
    .order_by(threads.c.snoozed_until, threads.c.id)
    .limit(bindparam("most"))
)


def any_waking(conn: Conn, now: datetime) -> bool:
    """Has the time of any snoozed thread come?"""
    return conn.execute(_WAKING, {"now": now, "most": 1}).first() is not None


def waking(conn: Conn, now: datetime, most: int) -> tuple[tuple[int, int], ...]:
    """(thread, account) of snoozed threads whose time has come, held with their accounts; what
    others hold is passed over, as in `claim`."""
    found = conn.execute(skip_locked(conn, _WAKING), {"now": now, "most": most}).all()
    free = holding.held(conn, (row.account_id for row in found))
    return tuple((row.id, row.account_id) for row in found if row.account_id in free)
