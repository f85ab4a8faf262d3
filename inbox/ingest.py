"""Mail from files: accept it all, let sandboxed workers file it, and count what became of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from inbox.clock import monotonic, utc_now
from inbox.config import Settings
from inbox.errors import AboardError
from inbox.flow.intake.accept import Incoming, accept_numbered
from inbox.mail.mbox import Passed, messages_at, name_of, refuse
from inbox.store import intake, ledger
from inbox.store.database import Database
from inbox.worker import Supervisor

BATCH_MAILS = 200
BATCH_BYTES = 16 * 1024 * 1024
LOOK_EVERY = 0.1
TOO_LONG = timedelta(minutes=1)
"""Mails that are not tried again before that are not waited for: what they need is damaged."""

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
    put_off: tuple[tuple[int, str], ...] = ()
    """(ledger number, why) of those pending that were tried and wait for somebody to mend the
    store."""

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
    """Who wants to know how far it is: bytes accepted, and mails filed, since the last call; and
    what could not be read, which ends the run where nobody wants to know."""

    accepted_bytes: Advance = lambda amount: None
    filed_mails: Advance = lambda amount: None
    unreadable: Passed = refuse


def ingest_files(
    db: Database, settings: Settings, paths: Sequence[Path], *, sent: bool = False, told: Told
) -> Ingested:
    """Accept and file every mail of files, folders, mboxes and Maildirs.

    A file that cannot be read is passed over and named to `told`; everything else is filed.
    Mail that was accepted before is accepted again as a delivery and ends as a duplicate. Counted
    and waited for are the mails of this run alone, whoever else accepts and files beside it.
    """
    began = monotonic()
    numbers: list[int] = []
    batch, held = [], 0
    for path in paths:
        for _, _, raw in messages_at(path, told.unreadable):
            batch.append(
                Incoming(
                    raw, "file", utc_now(), peer=name_of(Path(path.name)), sent=sent, dated=True
                )
            )
            held += len(raw)
            if len(batch) >= BATCH_MAILS or held >= BATCH_BYTES:
                numbers += accept_numbered(db, batch, settings.node)
                told.accepted_bytes(held)
                batch, held = [], 0
    if batch:
        numbers += accept_numbered(db, batch, settings.node)
        told.accepted_bytes(held)
    return _file(db, settings, numbers, began, told)


def retry_quarantined(db: Database, settings: Settings, numbers: Sequence[int] | None) -> Ingested:
    """File quarantined mails again (all where `numbers` is None). Raises `NotFound`, `AboardError`
    for one that is not in quarantine."""
    began = monotonic()
    with db.write() as conn:
        if numbers is None:
            chosen = [row.id for row in ledger.quarantined(conn, limit=10**6)]
        else:
            chosen = list(dict.fromkeys(numbers))
        for one in (ledger.by_id(conn, number) for number in numbers or ()):
            if one.state != "quarantined":
                raise AboardError(f"ledger {one.id} is {one.state}, not in quarantine")
        intake.retry(conn, chosen, utc_now())
    return _file(db, settings, chosen, began, Told())


def _file(
    db: Database, settings: Settings, numbers: Sequence[int], began: float, told: Told
) -> Ingested:
    """Wait until these mails are settled, and count what became of them."""
    put_off = _work_off(db, settings, numbers, told) if numbers else ()
    with db.read() as conn:
        counts = ledger.states_of(conn, numbers)
    return replace(_counted(len(numbers), counts, began), put_off=put_off)


def _counted(accepted: int, counts: dict[str, int], began: float) -> Ingested:
    return Ingested(
        accepted=accepted,
        filed=counts["filed"],
        duplicates=counts["duplicate"],
        quarantined=counts["quarantined"],
        pending=counts["pending"],
        seconds=monotonic() - began,
    )


def runs_of(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Numbers as runs without a gap, (first, last), in order: few, where nobody else accepted."""
    runs: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if runs and runs[-1][1] + 1 == number:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def _work_off(
    db: Database, settings: Settings, numbers: Sequence[int], told: Told
) -> tuple[tuple[int, str], ...]:
    """Run workers until none of these mails is pending any more, but those that cannot be filed
    until somebody mends the store: these, and why."""
    runs = runs_of(numbers)
    supervisor = Supervisor(settings, db)
    supervisor.start()
    tick = threading.Event()
    before, checkpointed = None, monotonic()
    try:
        while True:
            with db.read() as conn:
                left = ledger.pending_within(conn, runs)
                put_off = ledger.put_off_within(conn, runs, utc_now() + TOO_LONG) if left else ()
            if before is not None and before > left:
                told.filed_mails(before - left)
            before = left
            if left == len(put_off):
                return put_off
            if monotonic() - checkpointed > 5:
                db.checkpoint()
                checkpointed = monotonic()
            tick.wait(LOOK_EVERY)
    finally:
        supervisor.stop()
        db.checkpoint()
