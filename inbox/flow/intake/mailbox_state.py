"""How mailboxes that are polled are doing, for people and programs: cursors, leases, health."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from inbox.clock import iso
from inbox.imap_settings import Polled
from inbox.store import mailbox_health, mailbox_uids, mailboxes
from inbox.store.database import Conn
from inbox.store.mailbox_health import Health, Stall
from inbox.store.mailboxes import Folder

TRIED_WITHIN = timedelta(minutes=10)
"""A mailbox that fails is tried again sooner, where anybody tries."""


@dataclass(frozen=True, slots=True)
class FolderState:
    """A folder with what became of its UIDs; `at` is None before it was first opened."""

    name: str
    at: Folder | None
    outcomes: dict[str, int]
    unmoved: tuple[int, str] | None = None
    """How many mails wait to be moved away, and why they could not be."""

    @property
    def first_pass(self) -> float:
        """How much of what was there when it was first opened is accounted for, 0 to 1."""
        if self.at is None:
            return 0.0
        return min(1.0, self.at.last_uid / self.at.archive_to) if self.at.archive_to else 1.0

    @property
    def left(self) -> int:
        """Mails that are on the server only, because they are too large or cannot be had."""
        return self.outcomes.get("too-large", 0) + self.outcomes.get("refused", 0)


@dataclass(frozen=True, slots=True)
class MailboxState:
    """A configured mailbox as the database knows it; `health` is None before it was polled."""

    box: Polled
    health: Health | None
    folders: tuple[FolderState, ...]
    stalls: tuple[Stall, ...]

    def word(self, now: datetime) -> str:
        """`ok`, `failing`, `stalled` or `not polled`."""
        if any(one.recovered_at is None for one in self.stalls):
            return "stalled"
        health = self.health
        if health is None:
            return "not polled"
        held = health.leased_until is not None and health.leased_until > now
        # Who waits for the next try gives the lease back, so that another node may try.
        tried = health.error_at is not None and now - health.error_at < TRIED_WITHIN
        if health.failing_since is not None and (held or tried):
            return "failing"
        return "ok" if held else "not polled"


def states(conn: Conn, boxes: tuple[Polled, ...]) -> tuple[MailboxState, ...]:
    """Every configured mailbox, in the order of the configuration."""
    health = {one.name: one for one in mailbox_health.all_health(conn)}
    known = {(one.mailbox, one.folder): one for one in mailboxes.folders(conn)}
    outcomes = mailbox_uids.counts(conn)
    unmoved = mailbox_uids.why_not_moved(conn)
    stalls = mailbox_health.stalls(conn)
    found = []
    for box in boxes:
        folders = []
        for name in box.folders:
            at = known.get((box.name, name))
            if at is None:
                folders.append(FolderState(name, None, {}))
                continue
            waits = unmoved.get(at.id) if box.move_to else None
            folders.append(FolderState(name, at, outcomes.get(at.id, {}), waits))
        own = tuple(one for one in stalls if one.mailbox == box.name)
        found.append(MailboxState(box, health.get(box.name), tuple(folders), own))
    return tuple(found)


def as_json(one: MailboxState, now: datetime) -> dict[str, Any]:
    """The JSON shape of docs/INTERFACES.md."""
    health = one.health
    lease = None
    if health is not None and health.owner is not None and health.leased_until is not None:
        lease = {
            "owner": health.owner,
            "until": iso(health.leased_until),
            "fence": str(health.fence),
        }
    return {
        "name": one.box.name,
        "server": f"{one.box.host}:{one.box.port}",
        "username": one.box.username,
        "address": one.box.address,
        "state": one.word(now),
        "lease": lease,
        "last_ok_at": _moment(health.last_ok_at if health else None),
        "failing_since": _moment(health.failing_since if health else None),
        "cause": health.cause if health else None,
        "error": health.error if health else None,
        "folders": [_folder(folder) for folder in one.folders],
        "stalls": [
            {
                "since": iso(stall.since),
                "said_at": iso(stall.said_at),
                "recovered_at": _moment(stall.recovered_at),
                "error": stall.error,
            }
            for stall in one.stalls
        ],
    }


def _folder(one: FolderState) -> dict[str, Any]:
    at = one.at
    return {
        "folder": one.name,
        "uidvalidity": str(at.uidvalidity) if at else None,
        "last_uid": str(at.last_uid) if at else None,
        "archive_before": _moment(at.archive_before if at else None),
        "first_pass": round(one.first_pass, 4),
        "outcomes": one.outcomes,
        "unmoved": one.unmoved[0] if one.unmoved else 0,
        "unmoved_error": one.unmoved[1] if one.unmoved else None,
        "looked_at": _moment(at.looked_at if at else None),
        "reconciled_at": _moment(at.reconciled_at if at else None),
    }


def _moment(value: datetime | None) -> str | None:
    return None if value is None else iso(value)
