"""One-click corrections from a page: another team for a thread, and the way back.

There is no sign-in yet, so whoever sits at this machine acts as the first admin of teams.yaml.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from inbox.errors import NotFound
from inbox.flow import desk
from inbox.store import assignments, labels, pages, people, threads, timeline
from inbox.store.assignments import Assignment
from inbox.store.database import Conn, Database
from inbox.store.people import Person
from inbox.store.threads import Thread

TAKES_BACK = "takes_back"
"""In a stored decision: the number of the assignment that it takes back."""


def acting(everybody: Iterable[Person]) -> Person | None:
    """The person as whom this machine's user acts: the first active admin; None without one."""
    admins = [one for one in everybody if one.active and one.role == "admin"]
    return min(admins, key=lambda one: one.id, default=None)


def standing(made: Sequence[Assignment]) -> tuple[Assignment, ...]:
    """The assignments of a thread, in order, without those taken back and what took them back."""
    back = {one.decision[TAKES_BACK] for one in made if TAKES_BACK in one.decision}
    return tuple(one for one in made if TAKES_BACK not in one.decision and one.id not in back)


@dataclass(frozen=True, slots=True)
class Corrections:
    """What pages may change about a thread's team."""

    db: Database

    def correct(self, thread_id: int, team: str, now: datetime) -> None:
        """Give a thread to a team as the acting person; a label to learn from. `NotFound`."""
        with self.db.read() as conn:
            person = acting(people.everybody(conn).values())
        if person is None:
            raise NotFound("nobody in teams.yaml is an admin, so nobody can correct from a page")
        desk.assign(self.db, thread_id, team, person.handle, now)

    def take_back(self, thread_id: int, assignment_id: int, now: datetime) -> str | None:
        """Undo the thread's last correction: its label teaches nothing, and who decided before
        decides again. The team that it is with now, or None where that assignment is no longer
        the last one, so that somebody else's work stays. Raises `NotFound` for no such thread.
        """
        with self.db.write() as conn:
            thread = threads.by_id(conn, thread_id)
            made = assignments.of_thread(conn, thread.id)
            stands = standing(made)
            if len(stands) < 2 or made[-1].id != stands[-1].id or stands[-1].id != assignment_id:
                return None
            last, before = stands[-1], stands[-2]
            person = acting(people.everybody(conn).values())
            if last.decided_by != "person" or person is None:
                return None
            label = pages.label_at(conn, thread.id, last.at)
            if label is not None:
                labels.undo(conn, label, now)
            team, by = last.facts["thread.team"], last.facts["thread.decided_by"]
            threads.save(
                conn, thread.id, team=team, decided_by=by, accountable_id=before.accountable_id
            )
            _write(conn, _taken_back(thread, last, before, person, now), person, thread)
            return str(team)


def _taken_back(
    thread: Thread, last: Assignment, before: Assignment, person: Person, now: datetime
) -> Assignment:
    team = last.facts["thread.team"]
    reason = f"{person.name} took the correction back"
    return Assignment(
        thread_id=thread.id,
        message_id=None,
        at=now,
        decided_by="person",
        team=team,
        accountable_id=before.accountable_id,
        by_id=person.id,
        rule=None,
        ruleset=None,
        model=None,
        score=None,
        decision={"team": team, "decided_by": "person", "reason": reason, TAKES_BACK: last.id},
        facts={"thread.team": thread.team, "thread.decided_by": thread.decided_by},
    )


def _write(conn: Conn, made: Assignment, person: Person, thread: Thread) -> None:
    assignments.append(conn, made)
    happened = timeline.Event(
        account_id=thread.account_id,
        thread_id=thread.id,
        message_id=None,
        at=made.at,
        kind="assigned",
        actor=f"person:{person.handle}",
        data={"team": made.team, "decided_by": "person", "from": thread.team},
    )
    timeline.append(conn, [happened])
