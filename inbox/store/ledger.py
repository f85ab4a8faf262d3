"""Reading the ledger: one mail's story, the quarantine, and the two sides that must agree.

What is written to it is in `intake.py`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import exists, func, or_, select, text
from sqlalchemy.dialects.postgresql import REGCLASS

from inbox.errors import NotFound
from inbox.store.database import Conn, Damaged, portions
from inbox.store.intake import unpack, unpack_head
from inbox.store.outbox_tables import outbox
from inbox.store.tables import ledger, messages, raw_mail, tallies


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


def heads_of_unfiled(conn: Conn, most: int, size: int) -> Iterator[tuple[int, bytes]]:
    """(number, the first `size` bytes) of the newest `most` mails that are pending or in
    quarantine; what is damaged is left out."""
    begun = func.substr(raw_mail.c.content, 1, size)
    found = conn.execute(
        select(ledger.c.id, raw_mail.c.packing, begun.label("begun"))
        .join(raw_mail, raw_mail.c.id == ledger.c.raw_id)
        .where(ledger.c.state.in_(("pending", "quarantined")))
        .order_by(ledger.c.id.desc())
        .limit(most)
    )
    for row in found:
        with suppress(zlib.error):
            yield row.id, unpack_head(row.packing, bytes(row.begun), size)


def raw_bytes(conn: Conn, raw_id: int) -> bytes:
    """The raw mail as received. Raises `NotFound`, and `Damaged` where it cannot be unpacked."""
    row = conn.execute(
        select(raw_mail.c.packing, raw_mail.c.content).where(raw_mail.c.id == raw_id)
    ).first()
    if row is None:
        raise NotFound(f"there is no raw mail with number {raw_id}")
    raw = _unpacked(row.packing, row.content)
    if raw is None:
        raise Damaged(
            f"raw mail {raw_id} is damaged: it cannot be unpacked; put it back from a backup"
        )
    return raw


def state_counts(conn: Conn, *, since: int = 0, source: str | None = None) -> dict[str, int]:
    """How many ledger rows above number `since` (of one source) are in each state."""
    counts = {"pending": 0, "filed": 0, "duplicate": 0, "quarantined": 0}
    statement = select(ledger.c.state, func.count()).where(ledger.c.id > since)
    if source is not None:
        statement = statement.where(ledger.c.source == source)
    return counts | {row[0]: row[1] for row in conn.execute(statement.group_by(ledger.c.state))}


def states_of(conn: Conn, numbers: Sequence[int]) -> dict[str, int]:
    """How many of these ledger rows are in each state."""
    counts = {"pending": 0, "filed": 0, "duplicate": 0, "quarantined": 0}
    statement = select(ledger.c.state, func.count()).group_by(ledger.c.state)
    for some in portions(numbers):
        for state, count in conn.execute(statement.where(ledger.c.id.in_(some))):
            counts[state] += count
    return counts


def pending_within(conn: Conn, runs: Sequence[tuple[int, int]]) -> int:
    """How many mails of these runs of ledger numbers (first, last) wait to be filed."""
    count = select(func.count()).select_from(ledger).where(ledger.c.state == "pending")
    return sum(
        int(conn.scalar(count.where(or_(*(ledger.c.id.between(*run) for run in some)))) or 0)
        for some in (runs[start : start + 100] for start in range(0, len(runs), 100))
    )


def put_off_within(
    conn: Conn, runs: Sequence[tuple[int, int]], until: datetime
) -> tuple[tuple[int, str], ...]:
    """(number, why) of the mails of these runs that were tried, and are not tried again before
    `until`."""
    wanted = (
        select(ledger.c.id, ledger.c.detail)
        .where(ledger.c.state == "pending", ledger.c.attempts > 0)
        .where(ledger.c.run_after > until, ledger.c.detail.is_not(None))
        .order_by(ledger.c.id)
    )
    return tuple(
        (row.id, row.detail)
        for some in (runs[start : start + 100] for start in range(0, len(runs), 100))
        for row in conn.execute(wanted.where(or_(*(ledger.c.id.between(*run) for run in some))))
    )


def last_number(conn: Conn) -> int:
    """The highest ledger number; 0 for an empty ledger."""
    return int(conn.scalar(select(func.max(ledger.c.id))) or 0)


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
    """Numbers of messages that no ledger row says to have filed, nor any outbox item to be."""
    filed = exists().where(ledger.c.message_id == messages.c.id, ledger.c.state == "filed")
    left = exists().where(outbox.c.message_id == messages.c.id)
    return tuple(
        conn.scalars(
            select(messages.c.id).where(~filed, ~left).order_by(messages.c.id).limit(limit)
        )
    )


def raw_without_ledger(conn: Conn, *, limit: int = 20) -> tuple[int, ...]:
    """Numbers of raw mails that no ledger row and no outbox item knows."""
    return tuple(
        conn.scalars(
            select(raw_mail.c.id)
            .outerjoin(ledger, ledger.c.raw_id == raw_mail.c.id)
            .where(ledger.c.id.is_(None))
            .where(~exists().where(outbox.c.raw_id == raw_mail.c.id))
            .order_by(raw_mail.c.id)
            .limit(limit)
        )
    )


def raw_after(conn: Conn, after: int, limit: int) -> tuple[tuple[int, str, bytes | None], ...]:
    """(number, sha256, raw bytes) of raw mails above `after`, for a scrub of the whole store.

    The bytes are None where what is stored cannot even be unpacked.
    """
    found = conn.execute(
        select(raw_mail).where(raw_mail.c.id > after).order_by(raw_mail.c.id).limit(limit)
    )
    return tuple((row.id, row.sha256, _unpacked(row.packing, row.content)) for row in found)


def _unpacked(packing: str, content: bytes) -> bytes | None:
    try:
        return unpack(packing, content)
    except zlib.error:
        return None


def gaps(conn: Conn, *, limit: int = 20) -> tuple[int, ...]:
    """Ledger numbers that were given and are not there, lowest first.

    Only a hint: PostgreSQL leaves gaps where a transaction was rolled back.
    """
    later = ledger.alias("later")
    next_id = select(func.min(later.c.id)).where(later.c.id > ledger.c.id).scalar_subquery()
    between = conn.execute(
        select(ledger.c.id, next_id)
        .where(next_id > ledger.c.id + 1)
        .order_by(ledger.c.id)
        .limit(limit)
    )
    lowest = conn.scalar(select(func.min(ledger.c.id)))
    last = _last_given(conn)
    bounds = [
        (0, last + 1 if lowest is None else int(lowest)),
        *((row[0], row[1]) for row in between),
        *([] if lowest is None else [(last_number(conn), last + 1)]),
    ]
    missing = (number for below, above in bounds for number in range(below + 1, above))
    return tuple(islice(missing, limit))


def _last_given(conn: Conn) -> int:
    """The last ledger number that was ever given, though its row may be gone."""
    if conn.dialect.name == "sqlite":
        given = conn.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = 'ledger'"))
    else:
        sequence = func.pg_get_serial_sequence("ledger", "id").cast(REGCLASS)
        given = conn.scalar(select(func.pg_sequence_last_value(sequence)))
    return int(given or 0)
