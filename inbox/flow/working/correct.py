"""One-click corrections from a page: another team for a thread, and the way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from inbox.flow.working import desk
from inbox.store import assignments, labels, pages, people, threads
from inbox.store.assignments import Assignment
from inbox.store.database import Conn, Database
from inbox.store.hits import TAKES_BACK


def standing(made: Sequence[Assignment]) -> tuple[Assignment, ...]:
    """The assignments of a thread, in order, without those taken back and what took them back."""
    back = {one.decision[TAKES_BACK] for one in made if TAKES_BACK in one.decision}
    return tuple(one for one in made if TAKES_BACK not in one.decision and one.id not in back)


@dataclass(frozen=True, slots=True)
class Corrections:
    """What pages may change about a thread's team."""

    db: Database

    def correct(self, thread_id: int, team: str, by: str, now: datetime) -> None:
        """Give a thread to a team as the person `by`; a label to learn from. `NotFound`."""
        desk.assign(self.db, thread_id, team, by, now)

    def take_back(self, thread_id: int, assignment_id: int, by: str, now: datetime) -> str | None:
        """Undo the thread's last correction: its label teaches nothing, and who decided before
        decides again, and whose thread it was has it again. The team that it is with now, or None
        where that assignment is no longer the last one or somebody took the thread on since, so
        that somebody else's work stays. Raises `NotFound` for no such thread.
        """
        with self.db.write() as conn:
            thread = threads.by_id(conn, thread_id)
            made = assignments.of_thread(conn, thread.id)
            stands = standing(made)
            if len(stands) < 2 or made[-1].id != stands[-1].id or stands[-1].id != assignment_id:
                return None
            last, before = stands[-1], stands[-2]
            person = people.at_work(conn, by)
            if last.decided_by != "person" or thread.claimed_at is not None:
                return None  # a correction leaves a thread unclaimed: somebody took it on since
            label = pages.label_at(conn, thread.id, last.at)
            if label is not None:
                labels.undo(conn, label, now)
            team, by = str(last.facts["thread.team"]), last.facts["thread.decided_by"]
            owner, since = _owner_before(conn, last, before, team)
            threads.save(
                conn, thread.id, team=team, decided_by=by, accountable_id=owner, claimed_at=since
            )
            reason = {"reason": f"{person.name} took the correction back", TAKES_BACK: last.id}
            desk.record(conn, thread, person, desk.Decided(team, owner, reason), now)
            return team


def _owner_before(
    conn: Conn, correction: Assignment, before: Assignment, team: str
) -> tuple[int, datetime | None]:
    """Whose the thread was before it was corrected, and since when they had claimed it.

    Who has left since answers for nothing: the one on duty does.
    """
    owned: Mapping[str, Any] = correction.decision.get(desk.OWNED_BEFORE, {})
    owner = int(owned.get("accountable_id", before.accountable_id))
    since = owned.get("claimed_at")
    if not people.by_id(conn, owner).active:
        return people.duty_holder(conn, team).id, None
    return owner, datetime.fromisoformat(since) if since else None
