"""Proposals: what a mail asks for and only a person may decide. Each is settled once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from inbox.errors import NotFound
from inbox.store.database import Conn, new_key
from inbox.store.hygiene_tables import proposals

OPEN, APPLIED, DECLINED = "open", "applied", "declined"


@dataclass(frozen=True, slots=True)
class Proposal:
    """One proposal. `data["what"]` says in a sentence what applying it does."""

    kind: str
    account_id: int
    thread_id: int
    message_id: int | None
    data: Mapping[str, Any]
    made_at: datetime
    id: int = 0
    state: str = OPEN
    settled_at: datetime | None = None
    settled_by_id: int | None = None

    @property
    def what(self) -> str:
        """What applying it does, for people."""
        return str(self.data.get("what", self.kind))


def _proposal(row: Any) -> Proposal:
    return Proposal(**{name: getattr(row, name) for name in Proposal.__slots__})


def row_of(made: Proposal) -> dict[str, Any]:
    """A new proposal as a row, without its number; for those who write in bulk."""
    return {
        "kind": made.kind,
        "account_id": made.account_id,
        "thread_id": made.thread_id,
        "message_id": made.message_id,
        "data": dict(made.data),
        "state": OPEN,
        "made_at": made.made_at,
        "settled_at": None,
        "settled_by_id": None,
    }


def add(conn: Conn, made: Proposal) -> int:
    """Write a proposal; its number (the one in `made` is not looked at)."""
    return new_key(conn.execute(proposals.insert(), row_of(made)))


def by_id(conn: Conn, proposal_id: int) -> Proposal:
    """One proposal. Raises `NotFound`."""
    row = conn.execute(select(proposals).where(proposals.c.id == proposal_id)).first()
    if row is None:
        raise NotFound(f"there is no proposal {proposal_id} (`aboard proposals list` names them)")
    return _proposal(row)


def listing(
    conn: Conn, *, thread_id: int | None = None, settled: bool = False, limit: int = 200
) -> tuple[Proposal, ...]:
    """Open proposals (with `settled` all of them), of one thread or of all; the oldest first."""
    wanted = select(proposals).order_by(proposals.c.made_at, proposals.c.id).limit(limit)
    if not settled:
        wanted = wanted.where(proposals.c.state == OPEN)
    if thread_id is not None:
        wanted = wanted.where(proposals.c.thread_id == thread_id)
    return tuple(_proposal(row) for row in conn.execute(wanted))


def of_kind(conn: Conn, thread_id: int, kind: str) -> tuple[Proposal, ...]:
    """Every proposal of a kind about one thread, settled or not."""
    of = proposals.c
    wanted = select(proposals).where(of.thread_id == thread_id, of.kind == kind).order_by(of.id)
    return tuple(_proposal(row) for row in conn.execute(wanted))


def settle(conn: Conn, proposal_id: int, state: str, by_id: int | None, now: datetime) -> bool:
    """End an open proposal; False where somebody else has ended it already."""
    changed = conn.execute(
        update(proposals)
        .where(proposals.c.id == proposal_id, proposals.c.state == OPEN)
        .values(state=state, settled_at=now, settled_by_id=by_id)
    )
    return bool(changed.rowcount)
