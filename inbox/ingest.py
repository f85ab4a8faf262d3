"""Mail from files: accept it all, let sandboxed workers file it, and count what became of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inbox.clock import monotonic, utc_now
from inbox.config import Settings
from inbox.flow.accept import Incoming, accept
from inbox.mail.mbox import messages_at, name_of
from inbox.store import intake, ledger
from inbox.store.database import Database
from inbox.worker import Supervisor

BATCH_MAILS = 200
BATCH_BYTES = 16 * 1024 * 1024
LOOK_EVERY = 0.1

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of the mails of one run."""

    accepted: int
    filed: int
    duplicates: int
    quarantined: int
    pending: int
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """The JSON shape of docs/INTERFACES.md."""
        return {
            "accepted": self.accepted,
            "filed": self.filed,
            "duplicates": self.duplicates,
            "quarantined": self.quarantined,
            "pending": self.pending,
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, slots=True)
class Told:
    """Who wants to know how far it is: bytes accepted, and mails filed, since the last call."""

    accepted_bytes: Advance = lambda amount: None
    filed_mails: Advance = lambda amount: None


def ingest_files(
    db: Database, settings: Settings, paths: Sequence[Path], *, sent: bool = False, told: Told
) -> Ingested:
    """Accept and file every mail of files, folders, mboxes and Maildirs.

    Mail that was accepted before is accepted again as a delivery and ends as a duplicate.
    """
    began = monotonic()
    with db.read() as conn:
        since = ledger.last_number(conn)
    accepted, batch, held = 0, [], 0
    for path in paths:
        for _, _, raw in messages_at(path):
            batch.append(
                Incoming(
                    raw, "file", utc_now(), peer=name_of(Path(path.name)), sent=sent, dated=True
                )
            )
            held += len(raw)
            if len(batch) >= BATCH_MAILS or held >= BATCH_BYTES:
                accepted += accept(db, batch, settings.node)
                told.accepted_bytes(held)
                batch, held = [], 0
    if batch:
        accepted += accept(db, batch, settings.node)
        told.accepted_bytes(held)
    return _file(db, settings, since, accepted, began, told)


def retry_quarantined(db: Database, settings: Settings, numbers: Sequence[int] | None) -> Ingested:
    """File quarantined mails again (all where `numbers` is None)."""
    began = monotonic()
    with db.write() as conn:
        chosen = tuple(row.id for row in ledger.quarantined(conn, limit=10**6))
        if numbers is not None:
            chosen = tuple(one for one in chosen if one in numbers)
        count = intake.retry(conn, chosen, utc_now()) if chosen else 0
    if not count:
        return Ingested(0, 0, 0, 0, 0, monotonic() - began)
    _work_off(db, settings, Told())
    with db.read() as conn:
        counts = ledger.states_of(conn, chosen)
    return _counted(count, counts, began)


def _file(
    db: Database, settings: Settings, since: int, accepted: int, began: float, told: Told
) -> Ingested:
    if accepted:
        _work_off(db, settings, told)
    with db.read() as conn:
        counts = ledger.state_counts(conn, since=since, source="file")
    return _counted(accepted, counts, began)


def _counted(accepted: int, counts: dict[str, int], began: float) -> Ingested:
    return Ingested(
        accepted=accepted,
        filed=counts["filed"],
        duplicates=counts["duplicate"],
        quarantined=counts["quarantined"],
        pending=counts["pending"],
        seconds=monotonic() - began,
    )


def _work_off(db: Database, settings: Settings, told: Told) -> None:
    """Run workers until nothing is pending any more."""
    supervisor = Supervisor(settings, db)
    supervisor.start()
    tick = threading.Event()
    before, checkpointed = None, monotonic()
    try:
        while True:
            with db.read() as conn:
                left = ledger.pending_count(conn)
            if before is not None and before > left:
                told.filed_mails(before - left)
            before = left
            if not left:
                break
            if monotonic() - checkpointed > 5:
                db.checkpoint()
                checkpointed = monotonic()
            tick.wait(LOOK_EVERY)
    finally:
        supervisor.stop()
        db.checkpoint()
