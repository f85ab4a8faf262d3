"""Taking mail whose raw bytes the disk may have lost: one at a time, the ledger row first.

A page that cannot be read fails every statement that touches it, so a batch that holds such a mail
could never be claimed. `intake.claim` is the way for all other mail.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, update

from inbox.store.database import Conn, skip_locked
from inbox.store.intake import DAMAGED, OPEN, Claim, claims_of, lease
from inbox.store.leases import Lease
from inbox.store.tables import ledger

_LOST = (
    update(ledger)
    .where(ledger.c.id == bindparam("the_id"), ledger.c.fence == bindparam("the_fence"))
    .where(ledger.c.state == "pending")
    .values(
        state="quarantined",
        settled_at=bindparam("at"),
        cause=DAMAGED,
        detail=bindparam("more"),
        leased_until=None,
    )
)


def claim_one(conn: Conn, *, owner: str, now: datetime, lease_for: timedelta) -> Lease | None:
    """Take the next pending mail, its attempt counted by this very write; None for none.

    Its raw bytes are not looked at; `claimed` reads them, in a transaction of its own.
    """
    due = conn.execute(skip_locked(conn, OPEN.limit(1)), {"now": now}).first()
    if due is None:
        return None
    lease(conn, [due.id], owner, now + lease_for)
    return due.id, conn.execute(select(ledger.c.fence).where(ledger.c.id == due.id)).scalar_one()


def claimed(conn: Conn, taken: Lease) -> Claim:
    """The mail that was taken. Raises `Damaged` where its raw bytes cannot be read."""
    return claims_of(conn, [taken[0]])[0]


def quarantine_lost(conn: Conn, taken: Lease, detail: str, now: datetime) -> None:
    """Quarantine a mail whose raw bytes cannot be read, with what the database said."""
    number, fence = taken
    conn.execute(_LOST, {"the_id": number, "the_fence": fence, "at": now, "more": detail})
