"""Accept: make raw mail durable. Commit 1, and the only thing that a `250` rests on.

A mail is ours when this returns: raw bytes, ledger row, tally and intake cursor are in one
durable transaction (DESIGN I1). Nothing is parsed here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from inbox.store import intake
from inbox.store.database import Conn, Database


@dataclass(frozen=True, slots=True)
class Incoming:
    """A mail on the doorstep: its bytes as received, and what its carrier said about it."""

    raw: bytes
    source: str
    """`smtp`, `imap` or `file`."""
    accepted_at: datetime
    reverse_path: str | None = None
    forward_paths: tuple[str, ...] = ()
    peer: str = ""
    origin: str | None = None
    """Where it was fetched, so that fetching it again is not accepting it again."""
    sent: bool = False
    """Imported history in which mail from our own addresses is what we sent."""
    dated: bool = False
    """History: it counts as received when its Date says, not now."""
    arrived_at: datetime | None = None
    """When the server that it was fetched from took it, which is when it counts as received."""
    opens_as: str | None = None
    """Archive: the status that its thread has afterwards, unless people work on it."""
    deferred: bool = False
    """A part of a flood (`routing.floods`): filed after what is none."""

    @property
    def lane(self) -> int:
        """When it is filed: what people wait for is before what lay there already."""
        imported = self.dated and self.arrived_at is None
        if imported or self.opens_as is not None:
            return intake.HISTORY
        return intake.FLOOD if self.deferred else intake.LIVE


def accept(
    db: Database,
    mails: Sequence[Incoming],
    node: str,
    cursor: Callable[[Conn], None] | None = None,
) -> int:
    """Store mails as `accept_numbered` does; how many were accepted."""
    return len(accept_numbered(db, mails, node, cursor))


def accept_numbered(
    db: Database,
    mails: Sequence[Incoming],
    node: str,
    cursor: Callable[[Conn], None] | None = None,
) -> tuple[int, ...]:
    """Store mails in one durable transaction; the ledger numbers of those that were accepted.

    A mail whose `origin` was accepted before is passed over. `cursor` is written in the same
    transaction, so that a poller can neither skip nor repeat. Raises `StoreError`; then nothing
    was accepted.
    """
    packed = [(intake.pack(mail.raw), _entry(mail, node)) for mail in mails]
    with db.write() as conn:
        known = intake.known_origins(conn, [mail.origin for mail in mails if mail.origin])
        fresh = []
        for raw, entry in packed:
            if entry.origin not in known:
                fresh.append((raw, entry))
                known |= {entry.origin} if entry.origin else set()
        numbers = intake.insert_accepted(conn, fresh) if fresh else ()
        if cursor is not None:
            cursor(conn)
    return numbers


def _entry(mail: Incoming, node: str) -> intake.Entry:
    return intake.Entry(
        source=mail.source,
        node=node,
        reverse_path=mail.reverse_path,
        forward_paths=mail.forward_paths,
        peer=mail.peer[:200],
        accepted_at=mail.accepted_at,
        origin=mail.origin,
        sent=mail.sent,
        dated=mail.dated,
        arrived_at=mail.arrived_at,
        opens_as=mail.opens_as,
        lane=mail.lane,
    )
