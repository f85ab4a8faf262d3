"""What became of every UID of a folder that is polled."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, select, update

from inbox.store.database import Conn, portions
from inbox.store.mailbox_tables import imap_folders, imap_uids
from inbox.store.mailboxes import Folder
from inbox.store.tables import ledger

ACCEPTED, KNOWN, GONE = "accepted", "known", "gone"
TOO_LARGE, REFUSED = "too-large", "refused"
MOST_DETAIL = 500


@dataclass(frozen=True, slots=True)
class Noted:
    """What became of one UID."""

    uid: int
    outcome: str
    size: int = 0
    sha256: str | None = None
    ledger_id: int | None = None
    to_move: bool = False
    attempts: int = 1
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Left:
    """A mail that is still on the server and not with us."""

    uid: int
    outcome: str
    size: int
    attempts: int
    detail: str | None


_PRESENT = and_(
    imap_folders.c.id == imap_uids.c.folder_id,
    imap_folders.c.uidvalidity == imap_uids.c.uidvalidity,
)


def note(conn: Conn, folder: Folder, noted: Sequence[Noted], now: datetime) -> None:
    """Write what became of UIDs, over what was written of them before."""
    rows = [
        {
            "folder_id": folder.id,
            "uidvalidity": folder.uidvalidity,
            "uid": one.uid,
            "outcome": one.outcome,
            "ledger_id": one.ledger_id,
            "sha256": one.sha256,
            "size": one.size,
            "noted_at": now,
            "attempts": one.attempts,
            "to_move": one.to_move,
            "detail": one.detail and one.detail[:MOST_DETAIL],
        }
        for one in noted
    ]
    for some in portions(one.uid for one in noted):
        conn.execute(delete(imap_uids).where(_here(folder), imap_uids.c.uid.in_(some)))
    if rows:
        conn.execute(imap_uids.insert(), rows)


def numbers_of(conn: Conn, origins: Sequence[str]) -> dict[str, int]:
    """Intake position -> ledger number, of those that are in the ledger."""
    found: dict[str, int] = {}
    for some in portions(origins):
        rows = conn.execute(select(ledger.c.origin, ledger.c.id).where(ledger.c.origin.in_(some)))
        found.update((row.origin, row.id) for row in rows)
    return found


def known_contents(conn: Conn, folder: Folder, hashes: Sequence[str]) -> dict[str, int]:
    """SHA-256 -> ledger number, of mail that this folder held under an earlier UIDVALIDITY."""
    found: dict[str, int] = {}
    for some in portions(hashes):
        rows = conn.execute(
            select(imap_uids.c.sha256, func.min(imap_uids.c.ledger_id))
            .where(imap_uids.c.folder_id == folder.id, imap_uids.c.sha256.in_(some))
            .where(imap_uids.c.uidvalidity != folder.uidvalidity)
            .where(imap_uids.c.ledger_id.is_not(None))
            .group_by(imap_uids.c.sha256)
        )
        found.update((row[0], row[1]) for row in rows)
    return found


def accounted(conn: Conn, folder: Folder) -> set[int]:
    """All UIDs of the folder, under its present UIDVALIDITY, of which it is known what became."""
    return set(conn.scalars(select(imap_uids.c.uid).where(_here(folder))))


def settled_above(conn: Conn, folder: Folder) -> set[int]:
    """UIDs above the cursor of which it is known what became, and that are not to be asked for."""
    return set(
        conn.scalars(
            select(imap_uids.c.uid).where(
                _here(folder),
                imap_uids.c.uid > folder.last_uid,
                imap_uids.c.outcome != REFUSED,
            )
        )
    )


def left(conn: Conn, folder: Folder) -> tuple[Left, ...]:
    """Mails that are left on the server, because they are too large or cannot be had; all of them:
    who compares or asks again must not pass over the last."""
    rows = conn.execute(
        select(imap_uids)
        .where(_here(folder), imap_uids.c.outcome.in_((TOO_LARGE, REFUSED)))
        .order_by(imap_uids.c.uid)
    )
    return tuple(Left(row.uid, row.outcome, row.size, row.attempts, row.detail) for row in rows)


def refused(conn: Conn, folder: Folder, below: int) -> tuple[int, ...]:
    """UIDs that were refused, and asked for less often than `below` times."""
    return tuple(
        conn.scalars(
            select(imap_uids.c.uid)
            .where(_here(folder), imap_uids.c.outcome == REFUSED, imap_uids.c.attempts < below)
            .order_by(imap_uids.c.uid)
        )
    )


def attempts_of(conn: Conn, folder: Folder, uid: int) -> int:
    """How often this UID was asked for in vain."""
    found = conn.scalar(select(imap_uids.c.attempts).where(_here(folder), imap_uids.c.uid == uid))
    return int(found or 0)


def to_move(conn: Conn, folder: Folder, limit: int = 1000) -> tuple[int, ...]:
    """UIDs that are ours, and not moved away yet."""
    return tuple(
        conn.scalars(
            select(imap_uids.c.uid)
            .where(_here(folder), imap_uids.c.to_move)
            .order_by(imap_uids.c.uid)
            .limit(limit)
        )
    )


def moved(conn: Conn, folder: Folder, uids: Collection[int]) -> None:
    """They are in the other folder now."""
    _move_state(conn, folder, uids, to_move=False, detail=None)


def not_moved(conn: Conn, folder: Folder, uids: Collection[int], why: str) -> None:
    """They are still to be moved, and why that did not go."""
    _move_state(conn, folder, uids, detail=why[:MOST_DETAIL])


def _move_state(conn: Conn, folder: Folder, uids: Collection[int], **values: Any) -> None:
    for some in portions(uids):
        conn.execute(
            update(imap_uids).where(_here(folder), imap_uids.c.uid.in_(some)).values(**values)
        )


def why_not_moved(conn: Conn) -> dict[int, tuple[int, str]]:
    """Folder -> how many mails wait there to be moved, and why; only where that did not go."""
    rows = conn.execute(
        select(imap_uids.c.folder_id, func.count(), func.max(imap_uids.c.detail))
        .join(imap_folders, _PRESENT)
        .where(imap_uids.c.to_move)
        .group_by(imap_uids.c.folder_id)
    )
    return {folder: (count, why) for folder, count, why in rows if why is not None}


def counts(conn: Conn) -> dict[int, dict[str, int]]:
    """Folder -> outcome -> how many UIDs, under the present UIDVALIDITY of each."""
    found: dict[int, dict[str, int]] = {}
    rows = conn.execute(
        select(imap_uids.c.folder_id, imap_uids.c.outcome, func.count())
        .join(imap_folders, _PRESENT)
        .group_by(imap_uids.c.folder_id, imap_uids.c.outcome)
    )
    for folder_id, outcome, count in rows:
        found.setdefault(folder_id, {})[outcome] = count
    return found


def _here(folder: Folder) -> ColumnElement[bool]:
    return and_(imap_uids.c.folder_id == folder.id, imap_uids.c.uidvalidity == folder.uidvalidity)
