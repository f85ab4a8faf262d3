"""Which thread does a mail join? The one that uses any of its ids, inside its account.

Ids that only other accounts use never join: the new thread is linked as possibly related, and a
person decides (DESIGN I6). A subject, or a number in it, decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from inbox.flow.deciding.unit import Unit
from inbox.mail.joining import join
from inbox.store import regroup, threads, timeline
from inbox.store.asking import PRIORITIES
from inbox.store.database import Conn


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mail goes: a thread that is there, or None and the threads it may be related to."""

    thread: threads.Thread | None
    related: tuple[int, ...] = ()


def place(unit: Unit, account_id: int, ids: Sequence[str]) -> Place:
    """Find the thread; joins threads that this mail proves to be one."""
    known = unit.joined(account_id, ids)
    decided = join(known)
    if decided.thread is None:
        return Place(None, unit.elsewhere(account_id, ids))
    if decided.absorbed and _stay_apart(unit, set(known.values())):
        # The mail belongs where its nearest reference is.
        nearest = [known[one] for one in ids[1:] if one in known] or [decided.thread]
        return Place(unit.thread(nearest[-1]))
    for absorbed in decided.absorbed:
        unit.writes.flush()
        absorb(unit.conn, decided.thread, absorbed, "references", unit.now)
        unit.after_join(decided.thread, absorbed)
    return Place(unit.thread(decided.thread))


def _stay_apart(unit: Unit, numbers: set[int]) -> bool:
    """Are these threads ones that no mail joins? A person took them apart; or one is confidential:
    whoever sees the other must not come to see it because somebody wrote a mail (DESIGN I7)."""
    if any(unit.thread(one).confidential for one in numbers):
        first, *rest = sorted(numbers)
        for other in rest:
            threads.link(unit.conn, first, other, "refers-to-its-mail", unit.now)
        return True
    return bool(regroup.parted(unit.conn, numbers))


def beside(unit: Unit, account_id: int, ids: Sequence[str]) -> Place:
    """A thread of its own, for what names a thread but cannot prove to belong to it, such as a
    delivery report from any machine; linked to what it names."""
    named = sorted(set(unit.joined(account_id, ids).values()))
    return Place(None, (*named[:5], *unit.elsewhere(account_id, ids)))


def absorb(
    conn: Conn, survivor: int, absorbed: int, why: str, now: datetime
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Make one thread of two; what a person decided about either outlives the join. What was
    before, and what is after it, as the deed of a merge keeps it."""
    kept, lost = threads.by_id(conn, survivor), threads.by_id(conn, absorbed)
    moved = regroup.join(conn, kept.id, lost.id)
    changes = combined(kept, lost)
    threads.save(conn, kept.id, **changes)
    threads.recount(conn, kept.id)
    timeline.append(
        conn,
        [
            timeline.Event(
                account_id=kept.account_id,
                thread_id=kept.id,
                message_id=None,
                at=now,
                kind="threads-joined",
                actor="aboard",
                data={"absorbed": str(lost.id), "why": why, **risen(kept, changes)},
            )
        ],
    )
    return before_merge(kept, lost, moved), {"kept": changes}


def before_merge(
    kept: threads.Thread, lost: threads.Thread, moved: regroup.Moved
) -> dict[str, Any]:
    """What a deed keeps of two threads that become one."""
    return {
        "kept": row(kept),
        "lost": row(lost),
        "absorbed": lost.id,
        "moved": moved.as_json(),
    }


def row(thread: threads.Thread) -> dict[str, Any]:
    """Everything that a person can see of a thread, to be put back."""
    left_out = ("id", "version", "merged_into_id")
    return {
        name: getattr(thread, name) for name in threads.Thread.__slots__ if name not in left_out
    }


def combined(kept: threads.Thread, lost: threads.Thread) -> dict[str, Any]:
    """What changes of the surviving thread as it takes the other one in."""
    changes: dict[str, Any] = {"tags": sorted({*kept.tags, *lost.tags})}
    if lost.opened_at < kept.opened_at:
        changes["subject"] = lost.subject
    if lost.decided_by == "person" and kept.decided_by != "person":
        changes |= {
            "team": lost.team,
            "accountable_id": lost.accountable_id,
            "claimed_at": lost.claimed_at,
            "decided_by": "person",
        }
    if "open" in (kept.status, lost.status):
        changes["status"] = "open"
    if PRIORITIES.index(lost.priority) > PRIORITIES.index(kept.priority):
        changes["priority"] = lost.priority
    return changes


def risen(kept: threads.Thread, changes: dict[str, Any]) -> dict[str, Any]:
    """What the event of a join says where the thread is more urgent by it."""
    if "priority" not in changes:
        return {}
    return {"priority": changes["priority"], "priority_from": kept.priority}
