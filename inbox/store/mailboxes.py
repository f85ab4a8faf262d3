"""Mailboxes that are polled: who may poll, and how far each folder is accounted for.

One process polls a mailbox, under a lease with a fence. Whoever takes the lease raises the fence;
`hold` in the transaction that accepts mail makes a former holder, who was only frozen, fail there.
What became of each UID is in `mailbox_uids.py`, health in `mailbox_health.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from inbox.store.database import Conn, for_update, insert_or_ignore
from inbox.store.mailbox_tables import imap_folders, imap_mailboxes


class PollerFenced(Exception):
    """Somebody else polls this mailbox now; what this process has fetched is not accepted."""


@dataclass(frozen=True, slots=True)
class Held:
    """The right to poll a mailbox."""

    mailbox: str
    owner: str
    fence: int


@dataclass(frozen=True, slots=True)
class Folder:
    """How far a folder is accounted for."""

    id: int
    mailbox: str
    folder: str
    uidvalidity: int
    last_uid: int
    """This UID and all below are accounted for."""
    rescan_to: int
    careful_to: int
    archive_before: datetime
    archive_to: int
    seen_at: datetime
    looked_at: datetime | None
    reconciled_at: datetime | None


# --- Leases ----------------------------------------------------------------------------------


def take(
    conn: Conn,
    mailbox: str,
    owner: str,
    now: datetime,
    lease_for: timedelta,
    is_gone: Callable[[str], bool] = lambda owner: False,
) -> Held | None:
    """The lease of a mailbox that nobody holds, or whose holder `is_gone`; None where one does."""
    insert_or_ignore(conn, imap_mailboxes, {"name": mailbox, "fence": 0})
    row = conn.execute(
        for_update(conn, select(imap_mailboxes).where(imap_mailboxes.c.name == mailbox))
    ).one()
    taken = row.owner is not None and row.leased_until is not None and row.leased_until > now
    if taken and row.owner != owner and not is_gone(row.owner):
        return None
    held = Held(mailbox, owner, row.fence + 1)
    _write(conn, mailbox, owner=owner, fence=held.fence, leased_until=now + lease_for)
    return held


def hold(conn: Conn, held: Held, until: datetime | None = None) -> None:
    """Make sure that the lease is still ours until this transaction ends, and renew it.

    Raises `PollerFenced`. A lease that ran out and was taken by nobody is still ours.
    """
    fence = conn.scalar(
        for_update(
            conn, select(imap_mailboxes.c.fence).where(imap_mailboxes.c.name == held.mailbox)
        )
    )
    if fence != held.fence:
        raise PollerFenced(f"mailbox {held.mailbox}: another process has begun to poll it")
    if until is not None:
        _write(conn, held.mailbox, leased_until=until)


def release(conn: Conn, held: Held) -> None:
    """Give the lease back, where it is still ours."""
    conn.execute(
        update(imap_mailboxes)
        .where(imap_mailboxes.c.name == held.mailbox, imap_mailboxes.c.fence == held.fence)
        .values(leased_until=None, owner=None)
    )


def _write(conn: Conn, mailbox: str, **values: Any) -> None:
    conn.execute(update(imap_mailboxes).where(imap_mailboxes.c.name == mailbox).values(**values))


# --- Folders ---------------------------------------------------------------------------------


def folder_of(conn: Conn, mailbox: str, folder: str) -> Folder | None:
    """A folder that was opened before."""
    row = conn.execute(
        select(imap_folders).where(
            imap_folders.c.mailbox == mailbox, imap_folders.c.folder == folder
        )
    ).first()
    return None if row is None else Folder(**row._mapping)


def folders(conn: Conn) -> tuple[Folder, ...]:
    """Every folder that was ever opened, in name order."""
    rows = conn.execute(
        select(imap_folders).order_by(imap_folders.c.mailbox, imap_folders.c.folder)
    )
    return tuple(Folder(**row._mapping) for row in rows)


def meet(
    conn: Conn, mailbox: str, folder: str, uidvalidity: int, last: int, now: datetime,
    archive_before: datetime,
) -> Folder:  # fmt: skip
    """The folder as it is to be looked into; `last` is the highest UID that it can hold now.

    Where the UIDVALIDITY is another, all of it is looked through again: nothing that a UID meant
    before holds any more (RFC 9051 section 2.3.1.1).
    """
    known = folder_of(conn, mailbox, folder)
    if known is not None and known.uidvalidity == uidvalidity:
        return known
    if known is None:
        row = {
            "mailbox": mailbox,
            "folder": folder,
            "uidvalidity": uidvalidity,
            "last_uid": 0,
            "rescan_to": 0,
            "careful_to": 0,
            "archive_before": archive_before,
            "archive_to": last,
            "seen_at": now,
            "reconciled_at": now,
        }
        insert_or_ignore(conn, imap_folders, row)
    else:
        again = {"uidvalidity": uidvalidity, "last_uid": 0, "rescan_to": last, "careful_to": 0}
        change(conn, known.id, **again, archive_to=last, reconciled_at=now)
    found = folder_of(conn, mailbox, folder)
    assert found is not None
    return found


def change(conn: Conn, folder_id: int, **values: Any) -> None:
    """Set columns of a folder."""
    conn.execute(update(imap_folders).where(imap_folders.c.id == folder_id).values(**values))


def advance(conn: Conn, folder: Folder, uid: int) -> None:
    """All UIDs up to this one are accounted for; never backwards."""
    conn.execute(
        update(imap_folders)
        .where(imap_folders.c.id == folder.id, imap_folders.c.uidvalidity == folder.uidvalidity)
        .where(imap_folders.c.last_uid < uid)
        .values(last_uid=uid)
    )


def reconcile_soon(conn: Conn, folder_id: int) -> None:
    """Let whoever polls this folder compare it with the server at the next round."""
    change(conn, folder_id, reconciled_at=None)


def reconcile_all_soon(conn: Conn, mailbox: str) -> None:
    """As `reconcile_soon`, for every folder of a mailbox."""
    conn.execute(
        update(imap_folders).where(imap_folders.c.mailbox == mailbox).values(reconciled_at=None)
    )
