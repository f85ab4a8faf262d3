"""What a mail asks for and only a person may allow: made by filing, settled by one click.

What applying means is the business of the kind: `Appliers` hold a function for each, given by
the wiring. A proposal is settled once, in the transaction in which its effect is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from inbox.errors import AboardError
from inbox.store import accounts, people, proposals, threads, timeline
from inbox.store.database import Conn, Database
from inbox.store.people import Person
from inbox.store.proposals import APPLIED, DECLINED, Proposal

MADE_EVENT, APPLIED_EVENT, DECLINED_EVENT = (
    "proposal-made",
    "proposal-applied",
    "proposal-declined",
)

Apply = Callable[[Conn, Proposal, Person, datetime], None]
"""Writes the effect of a proposal, its account locked. Raises `AboardError` where it cannot be
applied (any more): then nothing is written and it stays open."""


def event(made: Proposal, kind: str, actor: str, at: datetime) -> timeline.Event:
    """The event of a proposal that was made or settled."""
    data: dict[str, Any] = {"proposal": str(made.id), "kind": made.kind, "what": made.what}
    return timeline.Event(made.account_id, made.thread_id, made.message_id, at, kind, actor, data)


def propose(conn: Conn, made: Proposal) -> int:
    """Write a proposal and its event in the caller's transaction; its number."""
    number = proposals.add(conn, made)
    timeline.append(conn, [event(replace(made, id=number), MADE_EVENT, "aboard", made.made_at)])
    return number


@dataclass(frozen=True, slots=True)
class Appliers:
    """Settles proposals. `kinds` says what applying one of a kind does."""

    db: Database
    kinds: Mapping[str, Apply]

    def apply(self, proposal_id: int, by: str, now: datetime) -> Proposal:
        """Apply a proposal as the person with the handle `by`; it as it is then.

        Raises `NotFound`; `AboardError` where it was settled already or cannot be applied.
        """
        with self.db.write() as conn:
            made, person = _take(conn, proposal_id, by, APPLIED, now)
            kind = self.kinds.get(made.kind)
            if kind is None:
                raise AboardError(f"nothing here can apply a proposal of kind {made.kind!r}")
            kind(conn, made, person, now)
            return _settled(conn, made, person, APPLIED_EVENT, now)

    def decline(self, proposal_id: int, by: str, now: datetime) -> Proposal:
        """Decline a proposal; nothing changes but that it is settled. Raises as `apply`."""
        with self.db.write() as conn:
            made, person = _take(conn, proposal_id, by, DECLINED, now)
            return _settled(conn, made, person, DECLINED_EVENT, now)


def _take(
    conn: Conn, proposal_id: int, by: str, state: str, now: datetime
) -> tuple[Proposal, Person]:
    """Settle it first, so that of two who click at once one alone goes on."""
    person = people.at_work(conn, by)
    accounts.lock(conn, [proposals.by_id(conn, proposal_id).account_id])
    made = proposals.by_id(conn, proposal_id)
    if not proposals.settle(conn, proposal_id, state, person.id, now):
        at = f" at {made.settled_at:%Y-%m-%d %H:%M}" if made.settled_at else ""
        raise AboardError(f"proposal {proposal_id} was {made.state}{at} already")
    return made, person


def _settled(conn: Conn, made: Proposal, person: Person, kind: str, now: datetime) -> Proposal:
    done = proposals.by_id(conn, made.id)
    there = threads.by_id(conn, done.thread_id)  # applying may have moved or joined the thread
    happened = event(done, kind, f"person:{person.handle}", now)
    happened = replace(happened, account_id=there.account_id, thread_id=there.id)
    timeline.append(conn, [happened])
    return done
