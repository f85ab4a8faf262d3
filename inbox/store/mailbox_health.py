"""How mailboxes that are polled are doing: said once when one stalls, and once when it recovered.

Every function is called in a transaction that holds the mailbox's row (`mailboxes.hold`), or takes
it; so of two nodes one says it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from inbox.store.database import Conn, insert_or_ignore
from inbox.store.mailbox_tables import imap_mailboxes, imap_stalls

MOST_ERROR = 500


@dataclass(frozen=True, slots=True)
class Health:
    """A mailbox, who polls it, and how that goes."""

    name: str
    owner: str | None
    leased_until: datetime | None
    fence: int
    last_ok_at: datetime | None
    failing_since: datetime | None
    cause: str | None
    error: str | None
    error_at: datetime | None


@dataclass(frozen=True, slots=True)
class Stall:
    """A time in which a mailbox could not be polled."""

    id: int
    mailbox: str
    since: datetime
    said_at: datetime
    error: str
    recovered_at: datetime | None


def went_well(conn: Conn, mailbox: str, now: datetime) -> datetime | None:
    """A round went well; since when the mailbox had stalled, where it just recovered."""
    conn.execute(
        update(imap_mailboxes)
        .where(imap_mailboxes.c.name == mailbox)
        .values(last_ok_at=now, failing_since=None, cause=None, error=None, error_at=None)
    )
    since: datetime | None = conn.scalar(
        select(imap_stalls.c.since).where(
            imap_stalls.c.mailbox == mailbox, imap_stalls.c.recovered_at.is_(None)
        )
    )
    if since is None:
        return None
    conn.execute(
        update(imap_stalls)
        .where(imap_stalls.c.mailbox == mailbox, imap_stalls.c.recovered_at.is_(None))
        .values(recovered_at=now)
    )
    return since


def goes_on(conn: Conn, mailbox: str, now: datetime) -> None:
    """Mail comes, in a round that is not over yet: years of history take hours."""
    conn.execute(
        update(imap_mailboxes).where(imap_mailboxes.c.name == mailbox).values(last_ok_at=now)
    )


def failed(
    conn: Conn, mailbox: str, trouble: tuple[str, str], now: datetime, stalled_after: timedelta
) -> datetime | None:
    """A round failed for (cause, error); since when the mailbox stalls, where that is news."""
    cause, error = trouble
    insert_or_ignore(conn, imap_mailboxes, {"name": mailbox, "fence": 0})
    row = conn.execute(select(imap_mailboxes).where(imap_mailboxes.c.name == mailbox)).one()
    since: datetime = row.failing_since or now
    conn.execute(
        update(imap_mailboxes)
        .where(imap_mailboxes.c.name == mailbox)
        .values(failing_since=since, cause=cause, error=error[:MOST_ERROR], error_at=now)
    )
    if now - since < stalled_after:
        return None
    said = {"mailbox": mailbox, "since": since, "said_at": now, "error": error[:MOST_ERROR]}
    return since if insert_or_ignore(conn, imap_stalls, said) == 1 else None


def all_health(conn: Conn) -> tuple[Health, ...]:
    """Every mailbox that was ever polled, in name order."""
    rows = conn.execute(select(imap_mailboxes).order_by(imap_mailboxes.c.name))
    return tuple(Health(**row._mapping) for row in rows)


def stalls(conn: Conn, *, limit: int = 20) -> tuple[Stall, ...]:
    """The latest times in which mailboxes could not be polled, newest first."""
    rows = conn.execute(select(imap_stalls).order_by(imap_stalls.c.id.desc()).limit(limit))
    return tuple(Stall(**row._mapping) for row in rows)


def stalled(
    conn: Conn, names: frozenset[str], now: datetime, silent_for: timedelta
) -> tuple[str, ...]:
    """A sentence for each of these mailboxes that nobody polls with success any more.

    Also where no process is there to say so: nothing went well for `silent_for`. For everybody to
    see, so without what a server said.
    """
    said = []
    for one in all_health(conn):
        since = one.failing_since or one.last_ok_at
        if one.name in names and since is not None and now - since >= silent_for:
            why = one.cause or "nobody polls it"
            said.append(f"mailbox {one.name}: no mail since {since:%Y-%m-%d %H:%M} UTC ({why})")
    return tuple(said)
