"""Raw mail and the ledger: what was accepted, what became of it, and who works on it now.

The ledger is double-entry. `tallies` counts what each node accepted; the rows' states count what
became of it; `flow.evidence.audit` holds the two sides, and the messages behind them, against
each other.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, or_, select, update

from inbox.errors import UnreadableMail
from inbox.store.database import Conn, Damaged, insert_or_ignore, portions, skip_locked, upsert
from inbox.store.tables import ledger, raw_mail, tallies

LIVE, FLOOD, HISTORY = 0, 1, 2
"""Lanes: a mail is filed when none of a lower one is pending."""

DAMAGED = "damaged-in-store"
"""Cause of quarantine of a mail whose stored bytes are not those that were accepted."""


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
    dated: bool = False
    arrived_at: datetime | None = None
    opens_as: str | None = None
    lane: int = LIVE


@dataclass(frozen=True, slots=True)
class Claim:
    """A pending mail that one worker holds until `leased_until`, with its raw bytes."""

    ledger_id: int
    raw_id: int
    sha256: str
    size: int
    """Bytes of the raw mail."""
    packing: str
    content: bytes
    attempts: int
    """This attempt included; counted and committed before the attempt is made."""
    fence: int
    """Which claim of this mail it is; whoever claims it next has a higher one."""
    source: str
    reverse_path: str | None
    forward_paths: tuple[str, ...]
    peer: str
    accepted_at: datetime
    sent: bool
    dated: bool
    arrived_at: datetime | None = None
    """When the server that it was fetched from took it."""
    opens_as: str | None = None
    """Archive: the status that its thread has afterwards."""

    @property
    def raw(self) -> bytes:
        """The raw mail as it was accepted. Raises `UnreadableMail` where what is stored is not
        that any more; so it is not done in the claiming transaction, which would then never count
        the attempt."""
        try:
            raw = unpack(self.packing, self.content)
        except zlib.error as error:
            raise UnreadableMail(DAMAGED, f"raw mail {self.raw_id}: {error}") from error
        found = hashlib.sha256(raw).hexdigest()
        if found != self.sha256:
            raise UnreadableMail(
                DAMAGED,
                f"raw mail {self.raw_id} has SHA-256 {found}, but {self.sha256} was accepted;"
                " put it back from a backup, then retry",
            )
        return raw


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


def unpack_head(packing: str, begun: bytes, most: int) -> bytes:
    """The first `most` raw bytes at most, of the beginning of what is stored. Raises zlib.error."""
    if packing != "zlib":
        return begun[:most]
    return zlib.decompressobj().decompress(begun, most)


def known_origins(conn: Conn, origins: Sequence[str]) -> set[str]:
    """Which of these intake positions (mailbox, UIDVALIDITY, UID) were accepted before."""
    known: set[str] = set()
    for some in portions(origins):
        known.update(conn.scalars(select(ledger.c.origin).where(ledger.c.origin.in_(some))))
    return known


_RAW_IDS = select(raw_mail.c.sha256, raw_mail.c.id).where(
    raw_mail.c.sha256.in_(bindparam("hashes", expanding=True))
)


def insert_accepted(conn: Conn, mails: Sequence[tuple[Packed, Entry]]) -> tuple[int, ...]:
    """Write raw mail (once per content), one ledger row each, and the tallies; ledger numbers."""
    # In one order everywhere, so that no two nodes with the same mails wait for each other.
    unique = {packed.sha256: (packed, entry) for packed, entry in mails}
    unique = dict(sorted(unique.items()))
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
    numbers = conn.scalars(
        ledger.insert().returning(ledger.c.id),
        [_ledger_values(ids[packed.sha256], entry) for packed, entry in mails],
    ).all()
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
    return tuple(numbers)


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
        "dated": entry.dated,
        "arrived_at": entry.arrived_at,
        "opens_as": entry.opens_as,
        "lane": entry.lane,
        "accepted_at": entry.accepted_at,
        "state": "pending",
        "run_after": entry.accepted_at,
    }


MOST_BYTES = 16 * 1024 * 1024
"""Raw mail that one claim takes; a single larger mail is taken alone. The mails of a claim are
held in memory together, and a worker's memory is bounded."""

_SIZE = select(raw_mail.c.size).where(raw_mail.c.id == ledger.c.raw_id).scalar_subquery()
OPEN = (
    select(ledger.c.id, ledger.c.attempts)
    .where(ledger.c.state == "pending")
    # Mail that nobody tried yet is due at once: the clock of the node that took it may be wrong.
    .where(or_(ledger.c.attempts == 0, ledger.c.run_after <= bindparam("now")))
    .where(or_(ledger.c.leased_until.is_(None), ledger.c.leased_until < bindparam("now")))
    .order_by(ledger.c.lane, ledger.c.run_after, ledger.c.id)
)
"""What is due, without a look at its raw mail."""
_DUE = OPEN.add_columns(func.coalesce(_SIZE, 0).label("size"))


def claim(
    conn: Conn, *, owner: str, limit: int, now: datetime, lease_for: timedelta
) -> tuple[Claim, ...]:
    """Take up to `limit` pending mails for one worker, their attempts counted by this very write.

    A mail that was attempted before is claimed alone: whatever it did to its last worker, it
    cannot do to its neighbours. Raises `Damaged` where one of them cannot be read from the disk;
    then none was taken, and `unread.claim_one` takes them one by one.
    """
    due = conn.execute(skip_locked(conn, _DUE.limit(limit)), {"now": now}).all()
    if not due:
        return ()
    ids = _that_fit(due) if due[0].attempts == 0 else [due[0].id]
    lease(conn, ids, owner, now + lease_for)
    return claims_of(conn, ids)


def lease(conn: Conn, ids: Sequence[int], owner: str, until: datetime) -> None:
    """Give these mails to an owner, one attempt of each counted."""
    conn.execute(
        update(ledger)
        .where(ledger.c.id.in_(ids))
        .values(
            attempts=ledger.c.attempts + 1,
            fence=ledger.c.fence + 1,
            leased_by=owner,
            leased_until=until,
        )
    )


def claims_of(conn: Conn, ids: Sequence[int]) -> tuple[Claim, ...]:
    """These mails with their raw bytes. Raises `Damaged` where any raw mail cannot be read."""
    rows = conn.execute(
        select(ledger, raw_mail.c.sha256, raw_mail.c.size, raw_mail.c.packing, raw_mail.c.content)
        .join(raw_mail, raw_mail.c.id == ledger.c.raw_id)
        .where(ledger.c.id.in_(ids))
        .order_by(ledger.c.id)
    ).all()
    if len(rows) != len(ids):
        there = {row.id for row in rows}
        lost = ", ".join(str(one) for one in ids if one not in there)
        raise Damaged(f"ledger {lost}: the raw mail is not in the store any more")
    return tuple(
        Claim(
            ledger_id=row.id,
            raw_id=row.raw_id,
            sha256=row.sha256,
            size=row.size,
            packing=row.packing,
            content=row.content,
            attempts=row.attempts,
            fence=row.fence,
            source=row.source,
            reverse_path=row.reverse_path,
            forward_paths=tuple(row.forward_paths),
            peer=row.peer,
            accepted_at=row.accepted_at,
            sent=row.sent,
            dated=row.dated,
            arrived_at=row.arrived_at,
            opens_as=row.opens_as,
        )
        for row in rows
    )


def _that_fit(due: Sequence[Any]) -> list[int]:
    """Of the due mails the first, and those never attempted that fit beside it, in order."""
    ids, room = [due[0].id], MOST_BYTES - due[0].size
    for row in due[1:]:
        if row.attempts:
            continue
        room -= row.size
        if room < 0:
            break
        ids.append(row.id)
    return ids


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


def settle(conn: Conn, done: Sequence[Settlement], now: datetime) -> None:
    """Write the outcomes of claimed mails.

    Raises `LeaseLost` where any claim is no longer held; the transaction must not be committed.
    """
    if not done:
        return
    values = [
        {
            "the_id": one.claim.ledger_id,
            "the_fence": one.claim.fence,
            "new_state": one.state,
            "at": now,
            "message": one.message_id,
            "why": one.cause,
            "more": one.detail,
        }
        for one in done
    ]
    if conn.execute(_SETTLE, values).rowcount != len(values):
        numbers = ", ".join(str(one.claim.ledger_id) for one in done)
        raise LeaseLost(f"ledger {numbers}: a lease was lost before the mail was settled")


def put_back(conn: Conn, claims: Iterable[Claim], run_after: datetime, detail: str | None) -> None:
    """Give claimed mails back to be tried again from `run_after` on."""
    for one in claims:
        conn.execute(
            update(ledger)
            .where(ledger.c.id == one.ledger_id, ledger.c.fence == one.fence)
            .where(ledger.c.state == "pending")
            .values(run_after=run_after, leased_until=None, detail=detail)
        )


def give_back(conn: Conn, claims: Iterable[Claim]) -> None:
    """Undo the claim of mails that were not filed through no fault of theirs."""
    for one in claims:
        conn.execute(
            update(ledger)
            .where(ledger.c.id == one.ledger_id, ledger.c.fence == one.fence)
            .where(ledger.c.state == "pending")
            .values(attempts=ledger.c.attempts - 1, leased_until=None)
        )


def retry(conn: Conn, ledger_ids: Sequence[int] | None, now: datetime) -> int:
    """Put quarantined mails (all where None) back to pending with a clean slate; how many."""
    statement = (
        update(ledger)
        .where(ledger.c.state == "quarantined")
        .values(
            state="pending",
            attempts=0,
            run_after=now,
            settled_at=None,
            cause=None,
            detail=None,
            leased_until=None,
        )
    )
    if ledger_ids is None:
        return int(conn.execute(statement).rowcount)
    return sum(
        int(conn.execute(statement.where(ledger.c.id.in_(some))).rowcount)
        for some in portions(ledger_ids)
    )
