"""File: turn accepted mail into messages on threads. Commit 2 of a mail's way.

One batch is one transaction. When any mail of it fails, the batch is rolled back and each mail is
filed alone, so one bad mail hurts only itself (DESIGN I5). Everything can be repeated without
harm: a mail filed twice is found to be a message already.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from inbox.errors import StoreError, UnreadableMail
from inbox.flow.admin.context import FilingContext
from inbox.flow.deciding.prepare import Prepared, prepare
from inbox.flow.deciding.unit import Unit
from inbox.flow.intake import message
from inbox.flow.promises import changes, followups, sla, tell
from inbox.mail.limits import LimitExceeded
from inbox.mail.parse import parse_letter
from inbox.store import intake, unread
from inbox.store.database import Damaged, Database, is_conflict
from inbox.store.intake import Claim, LeaseLost, Settlement

RETRY_AFTER = timedelta(seconds=5)

MOST_CONFLICTS = 10
"""Attempts of a mail whose transaction gets into another's way each time."""

CONFLICT_WAIT = timedelta(seconds=0.1)
"""Wait after the first conflict; after the n-th it is n times as long."""

DAMAGE_WAIT = timedelta(minutes=5)
"""Until a mail is tried again that needs a row which cannot be read from the disk."""

BEGUN, COMMITTING = "begun", "committing"
"""What a watch is told: mails are being read, which is their own doing; or they are about to be
written, which waits for the database and whoever else uses it."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How a worker goes about it. `owner` is whose leases they are; see `flow.owner`."""

    owner: str
    batch: int = 20
    most_attempts: int = 2
    wall_seconds: int = 10

    @property
    def lease_for(self) -> timedelta:
        """Time for every mail of a batch to be read and filed alone, and for a slow database."""
        return timedelta(seconds=2 * self.batch * self.wall_seconds + 120)


@dataclass(frozen=True, slots=True)
class Filed:
    """What one round did."""

    filed: int = 0
    duplicates: int = 0
    quarantined: int = 0
    put_back: int = 0

    @property
    def total(self) -> int:
        """Mails that the round took."""
        return self.filed + self.duplicates + self.quarantined + self.put_back


@dataclass(frozen=True, slots=True)
class Read:
    """A claimed mail ready to be filed, or the cause why it could not be read."""

    claim: Claim
    ready: Prepared | None
    cause: str = ""
    detail: str = ""


Watch = Callable[[str, Sequence[int]], None]
"""Told `BEGUN` or `COMMITTING`, and of which ledger rows; the supervisor's clock starts then."""


def claim(db: Database, rules: Rules, now: datetime) -> tuple[Claim, ...]:
    """Take the next mails, their attempts counted and committed before they are made.

    A mail whose raw bytes the disk has lost is quarantined on the way; the mails beside it are
    taken.
    """
    try:
        with db.write() as conn:
            return intake.claim(
                conn, owner=rules.owner, limit=rules.batch, now=now, lease_for=rules.lease_for
            )
    except Damaged:
        return _claim_one(db, rules, now)


def _claim_one(db: Database, rules: Rules, now: datetime) -> tuple[Claim, ...]:
    """The next mail that can be read; those before it that cannot go to quarantine."""
    while True:
        with db.write() as conn:
            taken = unread.claim_one(conn, owner=rules.owner, now=now, lease_for=rules.lease_for)
        if taken is None:
            return ()
        try:
            with db.read() as conn:
                return (unread.claimed(conn, taken),)
        except Damaged as error:
            with db.write() as conn:
                unread.quarantine_lost(conn, taken, str(error), now)


def file_claimed(
    db: Database,
    claims: Sequence[Claim],
    context: FilingContext,
    rules: Rules,
    clock: Callable[[], datetime],
    watch: Watch = lambda phase, ledger_ids: None,
) -> Filed:
    """Read and file claimed mails; what became of them."""
    letters = []
    for one in claims:
        watch(BEGUN, [one.ledger_id])
        letters.append(read(one, context))
    watch(COMMITTING, [one.ledger_id for one in claims])
    try:
        return _commit(db, letters, context, clock())
    except Exception:
        # Whatever it was, it was one of them: each is tried alone, and is judged alone.
        if len(letters) == 1:
            return _alone(db, letters[0], context, rules, clock, watch)
    total = Filed()
    for letter in letters:
        total = _sum(total, _alone(db, letter, context, rules, clock, watch))
    return total


def read(claimed: Claim, context: FilingContext) -> Read:
    """Parse one mail; what cannot be read within limits comes back with its cause."""
    try:
        letter = parse_letter(claimed.raw, envelope_from=claimed.reverse_path)
        return Read(claimed, prepare(claimed, letter, context))
    except UnreadableMail as refusal:
        return Read(claimed, None, refusal.cause, str(refusal))
    except LimitExceeded as refusal:
        return Read(claimed, None, refusal.cause, str(refusal))
    except MemoryError:
        return Read(claimed, None, "memory", "reading it needs more memory than one mail may use")
    except Exception:
        # A bug of ours or a library's must cost one mail, not the queue; the trace goes with it.
        return Read(claimed, None, "unreadable", _trace())


def _trace() -> str:
    """What went wrong, as text that any database takes: an error quotes what the mail holds."""
    written = traceback.format_exc(limit=-12).encode("utf-8", "backslashreplace").decode()
    return written.replace("\x00", "\\x00")


def _alone(
    db: Database,
    one: Read,
    context: FilingContext,
    rules: Rules,
    clock: Callable[[], datetime],
    watch: Watch,
) -> Filed:
    watch(COMMITTING, [one.claim.ledger_id])
    try:
        return _commit(db, [one], context, clock())
    except LeaseLost:
        return Filed()
    except Damaged as error:
        # Not this mail's fault: what it needs may be mended. Those that do not need it are filed.
        with db.write() as conn:
            intake.put_back(conn, [one.claim], clock() + DAMAGE_WAIT, str(error))
        return Filed(put_back=1)
    except StoreError:
        raise
    except Exception as error:
        detail = _trace()
        attempts, conflict = one.claim.attempts, is_conflict(error)
        again = attempts < (MOST_CONFLICTS if conflict else rules.most_attempts)
        now = clock()
        with db.write() as conn:
            if again:
                wait = attempts * CONFLICT_WAIT if conflict else RETRY_AFTER
                intake.put_back(conn, [one.claim], now + wait, detail)
                return Filed(put_back=1)
            failure = Settlement(one.claim, "quarantined", None, "filing-failed", detail)
            intake.settle(conn, [failure], now)
        return Filed(quarantined=1)


def _commit(db: Database, letters: Sequence[Read], context: FilingContext, now: datetime) -> Filed:
    total, filed = Filed(), list[tuple[int, bool]]()
    with db.write() as conn:
        unit = Unit(conn, context, now)
        unit.load([(one.claim, one.ready.letter) for one in letters if one.ready is not None])
        for one in letters:
            done = _settlement(unit, one)
            unit.writes.settle(done)
            total = _sum(total, _count(done.state))
            if done.state == "filed" and done.message_id is not None:
                filed.append((done.message_id, one.claim.dated))
        unit.writes.flush()
        filed += [(message_id, False) for message_id in unit.also_moved]
        tell.after_filing(conn, context.files, filed)
        changes.after_filing(conn, context.files, [number for number, _ in filed])
        sla.after_filing(conn, context.files, filed, now)
        human = [one for one in filed if one[0] not in unit.aside]
        followups.after_filing(conn, context.files, context.post, human, now)
    return total


def _settlement(unit: Unit, one: Read) -> Settlement:
    if one.ready is None:
        return Settlement(one.claim, "quarantined", None, one.cause, one.detail)
    known = unit.same_mail(one.claim, one.ready.letter)
    if known is not None:
        return Settlement(one.claim, "duplicate", known)
    return Settlement(one.claim, "filed", message.file_letter(unit, one.ready))


def _count(state: str) -> Filed:
    field = {"filed": "filed", "duplicate": "duplicates", "quarantined": "quarantined"}[state]
    return replace(Filed(), **{field: 1})


def _sum(one: Filed, other: Filed) -> Filed:
    return Filed(
        one.filed + other.filed,
        one.duplicates + other.duplicates,
        one.quarantined + other.quarantined,
        one.put_back + other.put_back,
    )
