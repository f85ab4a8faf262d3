"""Audit: does every accepted mail have exactly one recorded outcome, with evidence behind it?

And does somebody answer for every thread that is not closed?

Two sides are held against each other: what the nodes counted as they accepted (`tallies`), and
what the ledger and the messages behind it show. A row that somebody deleted leaves the first side
unchanged, so it is missed (DESIGN I2).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from inbox.store import ledger, rehoming
from inbox.store.database import Conn, Database


@dataclass(frozen=True, slots=True)
class Audit:
    """The two sides of the ledger, and every mail for which they do not agree."""

    accepted: int
    filed: int
    quarantined: int
    duplicates: int
    pending: int
    findings: tuple[str, ...]
    raw_checked: int = 0

    @property
    def adds_up(self) -> bool:
        """Do the sums agree, whatever else was found?"""
        settled = self.filed + self.quarantined + self.duplicates + self.pending
        return self.accepted == settled

    @property
    def balanced(self) -> bool:
        """`accepted = filed + quarantined + duplicates + pending`, each with its evidence."""
        return not self.findings

    def as_json(self) -> dict[str, Any]:
        """The JSON shape of docs/INTERFACES.md."""
        return {
            "balanced": self.balanced,
            "accepted": self.accepted,
            "filed": self.filed,
            "quarantined": self.quarantined,
            "duplicates": self.duplicates,
            "pending": self.pending,
            "raw_checked": self.raw_checked,
            "findings": list(self.findings),
        }


def audit(
    db: Database, *, deep: bool = False, progress: Callable[[int], None] = lambda done: None
) -> Audit:
    """Check the ledger; with `deep` also that every raw mail still has the hash it came with.

    `progress` is told how many raw mails were read so far.
    """
    with db.read() as conn:
        counts = ledger.state_counts(conn)
        tallied = ledger.tallied(conn)
        findings = [*_sides(conn, tallied), *_evidence(conn), *_ownership(conn)]
    checked = 0
    if deep:
        checked, broken = _scrub(db, progress)
        findings += broken
    return Audit(
        accepted=sum(tallied.values()),
        filed=counts["filed"],
        quarantined=counts["quarantined"],
        duplicates=counts["duplicate"],
        pending=counts["pending"],
        findings=tuple(findings),
        raw_checked=checked,
    )


def _sides(conn: Conn, tallied: dict[tuple[str, str], int]) -> list[str]:
    rows = ledger.accepted_counts(conn)
    findings = []
    for node, source in sorted(set(tallied) | set(rows)):
        said, there = tallied.get((node, source), 0), rows.get((node, source), 0)
        if said != there:
            findings.append(
                f"node {node} accepted {said} mails by {source}, the ledger holds {there}:"
                f" {abs(said - there)} {'missing' if said > there else 'too many'}"
            )
    if findings:
        findings += [f"ledger number {number} is missing" for number in ledger.gaps(conn)]
    return findings


def _evidence(conn: Conn) -> list[str]:
    return [
        *(
            f"ledger {number} is filed, but no message holds its raw mail"
            for number in ledger.filed_without_message(conn)
        ),
        *(
            f"message {number} is there, but no ledger row says that it was filed"
            for number in ledger.messages_without_ledger(conn)
        ),
        *(
            f"raw mail {number} is there, but no ledger row knows it"
            for number in ledger.raw_without_ledger(conn)
        ),
    ]


def _ownership(conn: Conn) -> list[str]:
    """The database holds that a thread names a person; here, that this person is still with us."""
    return [
        *(
            f"thread {number} of {team}: {handle} answers for it and is not in teams.yaml any more"
            if not gone
            else f"thread {number} is with {team}, a team that is not in teams.yaml any more"
            for number, handle, team, gone in rehoming.unanswerable(conn)
        ),
        *(
            f"team {team}: its duty holder is not in teams.yaml any more"
            for team in rehoming.duty_holders_gone(conn)
        ),
    ]


def _scrub(db: Database, progress: Callable[[int], None]) -> tuple[int, list[str]]:
    checked, after = 0, 0
    findings: list[str] = []
    while True:
        with db.read() as conn:
            mails = ledger.raw_after(conn, after, 200)
        if not mails:
            return checked, findings
        for number, sha256, raw in mails:
            if raw is None or hashlib.sha256(raw).hexdigest() != sha256:
                findings.append(f"raw mail {number} is damaged: its bytes are not {sha256[:12]}...")
            checked, after = checked + 1, number
        progress(checked)
