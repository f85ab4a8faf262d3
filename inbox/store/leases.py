"""Ending leases from outside: of workers that died, and of processes that are no more.

Taking a lease, and giving it back by its holder, is in `intake.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import bindparam, or_, select, update

from inbox.store.database import Conn, portions
from inbox.store.tables import ledger

Lease = tuple[int, int]
"""(ledger number, fence): one claim of one mail. Once somebody else claimed the mail, the fence is
another and nothing here touches it."""

_MOMENT = timedelta(microseconds=1)
_HELD = (
    update(ledger)
    .where(ledger.c.id == bindparam("the_id"), ledger.c.fence == bindparam("the_fence"))
    .where(ledger.c.state == "pending")
)
_CHARGE = _HELD.where(ledger.c.leased_until.is_not(None)).values(
    leased_until=bindparam("over"), detail=bindparam("why")
)
_FORGIVE = _HELD.where(ledger.c.leased_until.is_not(None)).values(
    leased_until=bindparam("over"), attempts=ledger.c.attempts - 1
)
_EXHAUSTED = _HELD.where(ledger.c.attempts >= bindparam("most")).values(
    state="quarantined", settled_at=bindparam("at"), cause=bindparam("why"), leased_until=None
)


def release_dead(
    conn: Conn,
    *,
    begun: Iterable[Lease],
    untouched: Iterable[Lease],
    now: datetime,
    detail: str,
) -> None:
    """End the leases of a worker that died, so that its mails can be claimed at once.

    Mails that it held but had not begun get their attempt back: they did nothing wrong.
    """
    over = now - _MOMENT
    for number, fence in begun:
        how = {"the_id": number, "the_fence": fence, "over": over, "why": detail}
        conn.execute(_CHARGE, how)
    for number, fence in untouched:
        conn.execute(_FORGIVE, {"the_id": number, "the_fence": fence, "over": over})


def quarantine_exhausted(
    conn: Conn, *, begun: Iterable[Lease], most: int, now: datetime, cause: str
) -> int:
    """Quarantine those of `begun` whose last allowed attempt ended with its worker; how many."""
    how = {"most": most, "at": now, "why": cause}
    return sum(
        int(conn.execute(_EXHAUSTED, how | {"the_id": number, "the_fence": fence}).rowcount)
        for number, fence in begun
    )


def owners(conn: Conn) -> tuple[str, ...]:
    """Everybody who holds a lease on a mail that is not settled."""
    return tuple(
        conn.scalars(
            select(ledger.c.leased_by)
            .where(ledger.c.state == "pending", ledger.c.leased_by.is_not(None))
            .where(ledger.c.leased_until.is_not(None))
            .distinct()
        )
    )


def release_owners(conn: Conn, gone: Sequence[str], now: datetime) -> int:
    """End the leases of owners that are no more; how many.

    The attempts stay counted, so each of these mails is filed alone: if one of them brought its
    node down, it can bring down one worker now.
    """
    statement = (
        update(ledger)
        .where(ledger.c.state == "pending", ledger.c.leased_until.is_not(None))
        .values(leased_until=now - _MOMENT, leased_by=None)
    )
    return sum(
        int(conn.execute(statement.where(ledger.c.leased_by.in_(some))).rowcount)
        for some in portions(gone)
    )


def quarantine_repeated(conn: Conn, *, attempts: int, now: datetime, detail: str) -> int:
    """Quarantine what nobody holds and was attempted that often all the same; how many.

    A mail that brings down the whole node is charged by nobody who is still there to judge it.
    """
    result = conn.execute(
        update(ledger)
        .where(ledger.c.state == "pending", ledger.c.attempts >= attempts)
        .where(or_(ledger.c.leased_until.is_(None), ledger.c.leased_until < now))
        .values(
            state="quarantined",
            settled_at=now,
            cause="over-limit",
            detail=detail,
            leased_until=None,
        )
    )
    return int(result.rowcount)
