"""Reconcile: what a server holds against what is on record. Reads only; nothing is fetched.

A UID that the server lists and no record names is a hole: a mail that was passed over, whatever
the reason. The record is one row a UID, so this does not trust the cursor (DESIGN I2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from inbox.imap_settings import Polled
from inbox.mail.polled import Folders, Opened
from inbox.store import mailbox_uids, mailboxes
from inbox.store.database import Database
from inbox.store.mailbox_uids import Left

MOST_NAMED = 1000


@dataclass(frozen=True, slots=True)
class Compared:
    """One folder: the server's mails against ours."""

    mailbox: str
    folder: str
    uidvalidity: int
    on_server: int
    accounted: int
    """Of those on the server: how many are on record."""
    waiting: tuple[int, ...]
    """Newer than the cursor: the next round takes them."""
    unaccounted: tuple[int, ...]
    """Older than the cursor and on no record."""
    left: tuple[Left, ...]
    """On record as being on the server only: too large, or refused by it."""

    def as_json(self) -> dict[str, Any]:
        """The JSON shape of docs/INTERFACES.md."""
        return {
            "mailbox": self.mailbox,
            "folder": self.folder,
            "uidvalidity": str(self.uidvalidity),
            "on_server": self.on_server,
            "accounted": self.accounted,
            "waiting": len(self.waiting),
            "unaccounted": [str(uid) for uid in self.unaccounted[:MOST_NAMED]],
            "unaccounted_count": len(self.unaccounted),
            "left_count": len(self.left),
            "left": [
                {
                    "uid": str(one.uid),
                    "outcome": one.outcome,
                    "size": one.size,
                    "attempts": one.attempts,
                    "detail": one.detail,
                }
                for one in self.left
            ],
        }


def compare(db: Database, remote: Folders, box: Polled, folder: str) -> Compared:
    """Hold one folder of a signed-in mailbox against the records.

    Raises `MailboxError` and `StoreError`. What arrives meanwhile counts as waiting.
    """
    opened = remote.open(folder)
    there = remote.uids(0)
    with db.read() as conn:
        known = mailboxes.folder_of(conn, box.name, folder)
        if known is None or known.uidvalidity != opened.uidvalidity:
            return _untouched(box, opened, there)
        on_record = mailbox_uids.accounted(conn, known)
        left = mailbox_uids.left(conn, known)
    missing = tuple(uid for uid in there if uid not in on_record)
    listed = frozenset(there)
    return Compared(
        mailbox=box.name,
        folder=folder,
        uidvalidity=opened.uidvalidity,
        on_server=len(there),
        accounted=len(there) - len(missing),
        waiting=tuple(uid for uid in missing if uid > known.last_uid),
        unaccounted=tuple(uid for uid in missing if uid <= known.last_uid),
        left=tuple(one for one in left if one.uid in listed),
    )


def _untouched(box: Polled, opened: Opened, there: tuple[int, ...]) -> Compared:
    """Never looked into, or not since its UIDs were given anew: all of it waits."""
    return Compared(box.name, opened.name, opened.uidvalidity, len(there), 0, there, (), ())
