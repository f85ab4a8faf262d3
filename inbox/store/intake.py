"""Raw mail and the ledger: what was accepted, what became of it, and who works on it now.

The ledger is double-entry. `tallies` counts what each node accepted; the rows' states count what
became of it; `flow.audit` holds the two sides, and the messages behind them, against each other.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, exists, func, or_, select, update

from inbox.errors import NotFound
from inbox.store.database import Conn, insert_or_ignore, skip_locked, upsert
from inbox.store.tables import ledger, messages, raw_mail, tallies


@dataclass(frozen=True, slots=True)
class Packed:
    """Raw mail made ready for the store, outside any transaction."""

    sha256: str
    size: int
    packing: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """A ledger row about to be written: where the mail came from and what the envelope said."""

    source: str
    node: str
    reverse_path: str | None
    forward_paths: tuple[str, ...]
    peer: str
    accepted_at: datetime
    origin: str | None = None
    sent: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """A pending mail that one worker holds until `leased_until`, with its raw bytes."""

    ledger_id: int
    raw_id: int
    raw: bytes
    attempts: int
    """This attempt included; counted and committed before the attempt is made."""
    fence: int
    source: str
    reverse_path: str | None
    forward_paths: tuple[str, ...]
    accepted_at: datetime
    sent: bool


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One accepted mail and its outcome."""

    id: int
    raw_id: int
    sha256: str
    size: int
    source: str
    origin: str | None
    reverse_path: str | None
    forward_paths: tuple[str, ...]
    peer: str
    accepted_at: datetime
    state: str
    settled_at: datetime | None
    message_id: int | None
    cause: str | None
    detail: str | None
    attempts: int


def pack(raw: bytes) -> Packed:
    """Hash and compress raw mail; CPU work that must not happen inside a transaction."""
    packed = zlib.compress(raw, 1)
    small = len(packed) < len(raw)
    return Packed(
        sha256=hashlib.sha256(raw).hexdigest(),
        size=len(raw),
        packing="zlib" if small else "plain",
        content=packed if small else raw,
    )


def unpack(packing: str, content: bytes) -> bytes:
    """The raw bytes again."""
    return zlib.decompress(content) if packing == "zlib" else content


def known_origins(conn: Conn, origins: Sequence[str]) -> set[str]:
    """Which of these intake positions (mailbox, UIDVALIDITY, UID) were accepted before."""
    if not origins:
        return set()
    return set(conn.scalars(select(ledger.c.origin).where(ledger.c.origin.in_(origins))))


_RAW_IDS = select(raw_mail.c.sha256, raw_mail.c.id).where(
    raw_mail.c.sha256.in_(bindparam("hashes", expanding=True))
)


def insert_accepted(conn: Conn, mails: Sequence[tuple[Packed, Entry]]) -> None:
    """Write raw mail (once per content), one ledger row each, and the tallies."""
    unique = {packed.sha256: (packed, entry) for packed, entry in mails}
    insert_or_ignore(
        conn,
        raw_mail,
        [
            {
                "sha256": packed.sha256,
                "size": packed.size,
                "packing": packed.packing,
                "content": packed.content,
                "stored_at": entry.accepted_at,
            }
            for packed, entry in unique.values()
        ],
    )
    ids = {row.sha256: row.id for row in conn.execute(_RAW_IDS, {"hashes": list(unique)})}
    conn.execute(
        ledger.insert(),
        [_ledger_values(ids[packed.sha256], entry) for packed, entry in mails],
    )
    counts: dict[tuple[str, str], int] = {}
    for _, entry in mails:
        counts[entry.node, entry.source] = counts.get((entry.node, entry.source), 0) + 1
    for (node, source), count in sorted(counts.items()):
        upsert(
            conn,
            tallies,
            {"node": node, "source": source, "accepted": count},
            key=("node", "source"),
            set_={"accepted": tallies.c.accepted + count},
        )


def _ledger_values(raw_id: int, entry: Entry) -> dict[str, Any]:
    return {
        "raw_id": raw_id,
        "source": entry.source,
        "origin": entry.origin,
        "node": entry.node,
        "reverse_path": entry.reverse_path,
        "forward_paths": list(entry.forward_paths),
        "peer": entry.peer,
        "sent": entry.sent,
        "accepted_at": entry.accepted_at,
        "state": "pending",
        "run_after": entry.accepted_at,
    }


_DUE = (
    select(ledger.c.id, ledger.c.attempts)
    .where(ledger.c.state == "pending")
    .where(ledger.c.run_after <= bindparam("now"))
    .where(or_(ledger.c.leased_until.is_(None), ledger.c.leased_until < bindparam("now")))
    .order_by(ledger.c.run_after, ledger.c.id)
)


def claim(conn: Conn, *, limit: int, now: datetime, lease_for: timedelta) -> tuple[Claim, ...]:
    """Take up to `limit` pending mails for one worker, their attempts counted by this very write.

    A mail that was attempted before is claimed alone: whatever it did to its last worker, it
    cannot do to its neighbours.
    """
    due = conn.execute(skip_locked(conn, _DUE.limit(limit)), {"now": now}).all()
    if not due:
        return ()
    fresh = [row.id for row in due if row.attempts == 0]
    ids = fresh if due[0].attempts == 0 else [due[0].id]
    conn.execute(
        update(ledger)
        .where(ledger.c.id.in_(ids))
        .values(
            attempts=ledger.c.attempts + 1,
            fence=ledger.c.fence + 1,
            leased_until=now + lease_for,
        )
    )
    rows = conn.execute(
        select(ledger, raw_mail.c.packing, raw_mail.c.content)
        .join(raw_mail, raw_mail.c.id == ledger.c.raw_id)
        .where(ledger.c.id.in_(ids))
        .order_by(ledger.c.id)
    )
    return tuple(
        Claim(
            ledger_id=row.id,
            raw_id=row.raw_id,
            raw=unpack(row.packing, row.content),
            attempts=row.attempts,
            fence=row.fence,
            source=row.source,
            reverse_path=row.reverse_path,
            forward_paths=tuple(row.forward_paths),
            accepted_at=row.accepted_at,
            sent=row.sent,
        )
        for row in rows
    )


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of a claimed mail."""

    claim: Claim
    state: str
    message_id: int | None = None
    cause: str | None = None
    detail: str | None = None


_SETTLE = (
    update(ledger)
    .where(ledger.c.id == bindparam("the_id"))
    .where(ledger.c.fence == bindparam("the_fence"))
    .where(ledger.c.state == "pending")
    .values(
        state=bindparam("new_state"),
        settled_at=bindparam("at"),
        message_id=bindparam("message"),
        cause=bindparam("why"),
        detail=bindparam("more"),
        leased_until=None,
    )
)


class LeaseLost(Exception):
    """The lease ran out and somebody else holds this mail now; this worker's result is void."""


def settle(conn: Conn, done: Settlement, now: datetime) -> None:
    """Write the outcome of a claimed mail. Raises `LeaseLost` where the claim is no longer held."""
    values = {
        "the_id": done.claim.ledger_id,
        "the_fence": done.claim.fence,
        "new_state": done.state,
        "at": now,
        "message": done.message_id,
        "why": done.cause,
        "more": done.detail,
    }
    if conn.execute(_SETTLE, values).rowcount != 1:
        raise LeaseLost(f"ledger {done.claim.ledger_id}: the lease was lost before it was settled")


def put_back(conn: Conn, claims: Iterable[Claim], run_after: datetime, detail: str | None) -> None:
    """Give claimed mails back to be tried again from `run_after` on."""
    for one in claims:
        conn.execute(
            update(ledger)
            .where(ledger.c.id == one.ledger_id, ledger.c.fence == one.fence)
            .where(ledger.c.state == "pending")
            .values(run_after=run_after, leased_until=None, detail=detail)
        )


def quarantine_exhausted(conn: Conn, *, most: int, now: datetime, cause: str, detail: str) -> int:
    """Quarantine mails whose last allowed attempt ended without a result; how many."""
    result = conn.execute(
        update(ledger)
        .where(ledger.c.state == "pending", ledger.c.attempts >= most)
        .where(ledger.c.leased_until < now)
        .values(
            state="quarantined",
            settled_at=now,
            cause=cause,
            detail=func.coalesce(ledger.c.detail, detail),
            leased_until=None,
        )
    )
    return int(result.rowcount)


def release_dead(conn: Conn, ledger_ids: Sequence[int], now: datetime, detail: str) -> None:
    """End the leases of a worker that died, so that its mails can be claimed at once."""
    conn.execute(
        update(ledger)
        .where(ledger.c.id.in_(ledger_ids), ledger.c.state == "pending")
        .values(leased_until=now - timedelta(microseconds=1), detail=detail)
    )


def retry(conn: Conn, ledger_ids: Sequence[int] | None, now: datetime) -> int:
    """Put quarantined mails (all where None) back to pending with a clean slate; how many."""
    statement = update(ledger).where(ledger.c.state == "quarantined")
    if ledger_ids is not None:
        statement = statement.where(ledger.c.id.in_(ledger_ids))
    result = conn.execute(
        statement.values(
            state="pending",
            attempts=0,
            run_after=now,
            settled_at=None,
            cause=None,
            detail=None,
            leased_until=None,
        )
    )
    return int(result.rowcount)


_ROW = select(ledger, raw_mail.c.sha256, raw_mail.c.size).join(
    raw_mail, raw_mail.c.id == ledger.c.raw_id
)


def _row(row: Any) -> LedgerRow:
    return LedgerRow(
        id=row.id,
        raw_id=row.raw_id,
        sha256=row.sha256,
        size=row.size,
        source=row.source,
        origin=row.origin,
        reverse_path=row.reverse_path,
        forward_paths=tuple(row.forward_paths),
        peer=row.peer,
        accepted_at=row.accepted_at,
        state=row.state,
        settled_at=row.settled_at,
        message_id=row.message_id,
        cause=row.cause,
        detail=row.detail,
        attempts=row.attempts,
    )


def by_id(conn: Conn, ledger_id: int) -> LedgerRow:
    """One ledger row. Raises `NotFound`."""
    row = conn.execute(_ROW.where(ledger.c.id == ledger_id)).first()
    if row is None:
        raise NotFound(f"there is no accepted mail with ledger number {ledger_id}")
    return _row(row)


def of_message(conn: Conn, message_id: int) -> tuple[LedgerRow, ...]:
    """Every delivery of one message, first accepted first."""
    found = conn.execute(_ROW.where(ledger.c.message_id == message_id).order_by(ledger.c.id))
    return tuple(_row(row) for row in found)


def of_sha256(conn: Conn, sha256: str) -> tuple[LedgerRow, ...]:
    """Every delivery of the same raw bytes, first accepted first."""
    found = conn.execute(_ROW.where(raw_mail.c.sha256 == sha256).order_by(ledger.c.id))
    return tuple(_row(row) for row in found)


def quarantined(conn: Conn, *, limit: int = 100, after: int = 0) -> tuple[LedgerRow, ...]:
    """Quarantined mails with a ledger number above `after`, oldest first."""
    found = conn.execute(
        _ROW.where(ledger.c.state == "quarantined", ledger.c.id > after)
        .order_by(ledger.c.id)
        .limit(limit)
    )
    return tuple(_row(row) for row in found)


def waiting(conn: Conn, *, limit: int = 100) -> tuple[LedgerRow, ...]:
    """Mails accepted and not settled yet, oldest first."""
    found = conn.execute(_ROW.where(ledger.c.state == "pending").order_by(ledger.c.id).limit(limit))
    return tuple(_row(row) for row in found)


def raw_bytes(conn: Conn, raw_id: int) -> bytes:
    """The raw mail as received. Raises `NotFound`."""
    row = conn.execute(
        select(raw_mail.c.packing, raw_mail.c.content).where(raw_mail.c.id == raw_id)
    ).first()
    if row is None:
        raise NotFound(f"there is no raw mail with number {raw_id}")
    return unpack(row.packing, row.content)


def state_counts(conn: Conn, *, since: int = 0) -> dict[str, int]:
    """How many ledger rows above number `since` are in each state."""
    counts = {"pending": 0, "filed": 0, "duplicate": 0, "quarantined": 0}
    found = conn.execute(
        select(ledger.c.state, func.count()).where(ledger.c.id > since).group_by(ledger.c.state)
    )
    return counts | {row[0]: row[1] for row in found}


def pending_count(conn: Conn) -> int:
    """How many mails wait to be filed."""
    return int(
        conn.scalar(select(func.count()).select_from(ledger).where(ledger.c.state == "pending"))
        or 0
    )


def tallied(conn: Conn) -> dict[tuple[str, str], int]:
    """The accepting side of the ledger: (node, source) -> mails accepted."""
    return {(row.node, row.source): row.accepted for row in conn.execute(select(tallies))}


def accepted_counts(conn: Conn) -> dict[tuple[str, str], int]:
    """The ledger's own rows, counted as `tallied` counts them."""
    found = conn.execute(
        select(ledger.c.node, ledger.c.source, func.count()).group_by(
            ledger.c.node, ledger.c.source
        )
    )
    return {(node, source): count for node, source, count in found}


def filed_without_message(conn: Conn, *, limit: int = 20) -> tuple[int, ...]:
    """Ledger numbers of `filed` rows whose message is of other raw mail, or is not there."""
    return tuple(
        conn.scalars(
            select(ledger.c.id)
            .outerjoin(messages, messages.c.id == ledger.c.message_id)
            .where(ledger.c.state == "filed")
            .where(or_(messages.c.id.is_(None), messages.c.raw_id != ledger.c.raw_id))
            .order_by(ledger.c.id)
            .limit(limit)
        )
    )


def messages_without_ledger(conn: Conn, *, limit: int = 20) -> tuple[int, ...]:
    """Numbers of messages that no ledger row says to have filed."""
    filed = exists().where(ledger.c.message_id == messages.c.id, ledger.c.state == "filed")
    return tuple(
        conn.scalars(select(messages.c.id).where(~filed).order_by(messages.c.id).limit(limit))
    )


def raw_without_ledger(conn: Conn, *, limit: int = 20) -> tuple[int, ...]:
    """Numbers of raw mails that no ledger row knows."""
    return tuple(
        conn.scalars(
            select(raw_mail.c.id)
            .outerjoin(ledger, ledger.c.raw_id == raw_mail.c.id)
            .where(ledger.c.id.is_(None))
            .order_by(raw_mail.c.id)
            .limit(limit)
        )
    )


def raw_after(conn: Conn, after: int, limit: int) -> tuple[tuple[int, str, bytes], ...]:
    """(number, sha256, raw bytes) of raw mails above `after`, for a scrub of the whole store."""
    found = conn.execute(
        select(raw_mail).where(raw_mail.c.id > after).order_by(raw_mail.c.id).limit(limit)
    )
    return tuple((row.id, row.sha256, unpack(row.packing, row.content)) for row in found)
