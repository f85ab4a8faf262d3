"""What people do with threads. A person's decision is never overruled by a rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from inbox.errors import NotFound
from inbox.flow.admin.stored_sets import in_force
from inbox.flow.people.ownership import Owners
from inbox.flow.promises import sla
from inbox.flow.working.work import keep_changes
from inbox.store import accounts, assignments, labels, people, promises, threads, timeline
from inbox.store.assignments import Assignment
from inbox.store.database import Conn, Database, Within
from inbox.store.people import Person
from inbox.store.threads import Thread
from routing.ownership import Choice, Need
from routing.reader import did_you_mean

OWNED_BEFORE = "owned_before"
"""In a stored decision: who was accountable before it, and since when the thread was theirs."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What a person decided: the team, who answers, and what else the decision says."""

    team: str
    accountable_id: int
    more: Mapping[str, object]
    choice: Choice | None = None
    """How who answers was chosen; None where it was given back to who had it before."""

    def owner(self) -> dict[str, object]:
        """What the timeline says about who answers."""
        if self.choice is None:
            return {}
        why = "; ".join(self.choice.why)
        return {"accountable": self.choice.handle, "owned": self.choice.owned, "why": why}


@dataclass(frozen=True, slots=True)
class Assigned:
    """Where a thread is now."""

    thread_id: int
    team: str
    accountable: str


def assign(
    db: Database | Within,
    thread_id: int,
    team: str,
    by: str,
    now: datetime,
    *,
    learn: bool = True,
    run: str = "",
) -> Assigned:
    """Give a thread to a team as the decision of the person `by` (a handle).

    Whom the team's strategy names has it then, else who is on duty answers for it. The decision is
    a label from which the classifier learns; without `learn` it is noted and nothing is learned
    (say, because the team was only short of people). With a `run` it can be undone. Raises
    `NotFound` for an unknown thread, team or person.
    """
    with db.write() as conn:
        thread = threads.by_id(conn, thread_id)
        person = people.at_work(conn, by)
        teams = people.team_names(conn)
        if team not in teams:
            raise NotFound(f"there is no team {team!r} ({did_you_mean(team, teams)})")
        accounts.lock(conn, [thread.account_id])
        thread = threads.by_id(conn, thread.id)
        choice, answers_id = _owner(conn, thread, team, now)
        changes = {
            "team": team,
            "accountable_id": answers_id,
            "claimed_at": now if choice.owned else None,
            "decided_by": "person",
        }
        kept = promises.of_threads(conn, [thread.id]) if run else []
        threads.save(conn, thread.id, **changes)
        reason = {"reason": f"decided by {person.name}", OWNED_BEFORE: _owned(thread)}
        decided = Decided(team, answers_id, reason, choice)
        made = record(conn, thread, person, decided, now)
        if run:
            event = timeline.newest(conn, thread.id)
            keep_changes(conn, thread, changes, (run, person, event, kept), now)
        _label(conn, thread, made, learn)
    return Assigned(thread.id, team, choice.handle)


def _owner(conn: Conn, thread: Thread, team: str, now: datetime) -> tuple[Choice, int]:
    """Who answers for a thread that comes to the team by a person's word, and their key."""
    files = in_force(conn)
    directory = people.directory(conn) if files is None else files.directory
    known = {one.handle: one.id for one in people.everybody(conn).values() if one.active}
    of_account = accounts.owners_by_account(conn, [thread.account_id])
    account_owner = of_account.get(thread.account_id, {}).get(team, "")
    choice = Owners(conn, directory, known, now).choose(team, Need(account_owner, thread.tags))
    return choice, known[choice.handle]


def _owned(thread: Thread) -> dict[str, object]:
    claimed = thread.claimed_at.isoformat() if thread.claimed_at else None
    return {"accountable_id": thread.accountable_id, "claimed_at": claimed}


def record(
    conn: Conn, before: Thread, person: Person, decided: Decided, now: datetime
) -> Assignment:
    """Write down what a person decided about a thread, as an assignment and on the timeline; its
    clocks follow."""
    made = _made(before, person, decided, now)
    assignments.append(conn, made)
    sla.told(conn, before, _happened(conn, before, person, decided, now))
    return made


def take_back(
    conn: Conn, before: Thread, person: Person, decided: Decided, event: int, now: datetime
) -> int:
    """As `record`, of a decision that undoes the one that `event` tells of; the caller tells the
    clocks. The number of the event."""
    assignments.append(conn, _made(before, person, decided, now))
    return _happened(conn, before, person, decided, now, undoes=event)


def _made(before: Thread, person: Person, decided: Decided, now: datetime) -> Assignment:
    to = decided.team, decided.accountable_id
    return assignments.by_person(before, to, person.id, now, decided.more)


def _happened(
    conn: Conn,
    before: Thread,
    person: Person,
    decided: Decided,
    now: datetime,
    *,
    undoes: int | None = None,
) -> int:
    back = {} if undoes is None else {sla.UNDOES: str(undoes)}
    happened = timeline.Event(
        account_id=before.account_id,
        thread_id=before.id,
        message_id=None,
        at=now,
        kind="assigned",
        actor=f"person:{person.handle}",
        data={"team": decided.team, "decided_by": "person", "from": before.team}
        | decided.owner()
        | back,
    )
    return timeline.add(conn, happened)


def _label(conn: Conn, before: Thread, made: Assignment, learn: bool) -> None:
    """Note what the person said about the mail that opened the thread."""
    message_id = labels.first_incoming(conn, before.id)
    if message_id is None or made.by_id is None:
        return  # nobody wrote to us in it: there is no text to learn from
    label = labels.NewLabel(
        thread_id=before.id,
        message_id=message_id,
        team=made.team,
        was_team=before.team,
        was_decided_by=before.decided_by,
        by_id=made.by_id,
        at=made.at,
        opted_out=not learn,
    )
    labels.add(conn, label)
