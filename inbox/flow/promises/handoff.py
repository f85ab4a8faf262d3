"""Handoffs between teams: offered with a reason, accepted by somebody, or they come back.

Until somebody of the receiving team accepts, the giver stays accountable and the thread stays
where it is; so a handoff that is forgotten drops nothing. The customer's clocks run on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from inbox.errors import AboardError, NotFound
from inbox.flow.promises import sla
from inbox.store import absences, accounts, assignments, handoffs, people, threads, timeline
from inbox.store.database import Conn, Database, Within
from inbox.store.handoffs import Handoff
from inbox.store.people import Person
from inbox.store.threads import Thread
from routing.reader import did_you_mean

OFFERED, ACCEPTED, DECLINED = "handoff-offered", "handoff-accepted", "handoff-declined"
RETURNED, WITHDRAWN = "handoff-returned", "handoff-withdrawn"

Told = Callable[[Conn, Handoff, int], None]
"""Called in the transaction of an offer or its end with the number of its event: clocks hang on."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What somebody says as they offer a thread to another team."""

    thread_id: int
    to_team: str
    by: str
    """The handle of who offers it."""
    reason: str
    summary: str = ""
    asks: tuple[str, ...] = ()
    """What the customer still waits for."""


def offer(db: Database | Within, wanted: Offer, now: datetime, told: Told = sla.told) -> Handoff:
    """Offer a thread to another team; who answers for it now goes on doing so.

    Raises `NotFound` for an unknown thread, team or person, `AboardError` where it is closed, is
    with that team already, is on offer already, or the offer gives no reason.
    """
    if not wanted.reason.strip():
        raise AboardError("a handoff needs a reason: the receiving team decides by it")
    with db.write() as conn:
        thread = threads.by_id(conn, wanted.thread_id)
        accounts.lock(conn, [thread.account_id])
        person = people.at_work(conn, wanted.by)
        _refuse(conn, thread, wanted.to_team)
        made = Handoff(
            id=0,
            thread_id=thread.id,
            from_team=thread.team,
            to_team=wanted.to_team,
            by_id=person.id,
            giver_id=thread.accountable_id,
            reason=wanted.reason.strip(),
            summary=wanted.summary.strip(),
            asks=tuple(one.strip() for one in wanted.asks if one.strip()),
            state="offered",
            offered_at=now,
        )
        number = handoffs.offer(conn, made)
        data: dict[str, Any] = {"handoff": str(number), "team": made.to_team}
        data |= {"from": made.from_team, "reason": made.reason, "summary": made.summary}
        data["asks"] = list(made.asks)
        event = timeline.add(conn, _event(thread, OFFERED, f"person:{person.handle}", data, now))
        made = handoffs.by_id(conn, number)
        told(conn, made, event)
    return made


def _refuse(conn: Conn, thread: Thread, team: str) -> None:
    teams = people.team_names(conn)
    if team not in teams:
        raise NotFound(f"there is no team {team!r} ({did_you_mean(team, teams)})")
    if thread.status == "closed":
        raise AboardError(f"thread {thread.id} is closed; there is nothing to hand off")
    if thread.team == team:
        raise AboardError(f"thread {thread.id} is with {team} already; assign a person instead")
    there = handoffs.open_of(conn, thread.id)
    if there is not None:
        raise AboardError(
            f"thread {thread.id} is on offer to {there.to_team} already (handoff {there.id});"
            " withdraw that offer first"
        )


def accept(db: Database, handoff_id: int, by: str, now: datetime, told: Told = sla.told) -> Handoff:
    """Take a thread on: it is with the receiving team now, and `by` owns it.

    Raises `NotFound`, and `AboardError` where `by` is not of that team (leads and admins may
    accept for it), is away, or the offer has ended.
    """
    with db.write() as conn:
        made, thread, person = _open(conn, handoff_id, by)
        _refuse_receiver(conn, made, person, now)
        _end(conn, made, "accepted", person, "", now)
        threads.save(
            conn,
            thread.id,
            team=made.to_team,
            accountable_id=person.id,
            claimed_at=now,
            decided_by="person",
        )
        assignments.append(conn, _assignment(made, thread, person, now))
        data = {"handoff": str(made.id), "team": made.to_team, "from": made.from_team}
        event = timeline.add(conn, _event(thread, ACCEPTED, f"person:{by}", data, now))
        told(conn, made, event)
        return handoffs.by_id(conn, made.id)


def decline(
    db: Database,
    handoff_id: int,
    by: str,
    answer: str,
    now: datetime,
    told: Told = sla.told,
) -> Handoff:
    """Refuse an offer and say why; the thread is where it was. Raises as `accept` does."""
    if not answer.strip():
        raise AboardError("a refusal needs a sentence: the giver has to know what is missing")
    with db.write() as conn:
        made, thread, person = _open(conn, handoff_id, by)
        _refuse_receiver(conn, made, person, now)
        return _back(conn, made, thread, (DECLINED, "declined", person, answer), now, told)


def withdraw(
    db: Database, handoff_id: int, by: str, now: datetime, told: Told = sla.told
) -> Handoff:
    """Take an offer back. Raises `NotFound`, `AboardError` where it has ended."""
    with db.write() as conn:
        made, thread, person = _open(conn, handoff_id, by)
        return _back(conn, made, thread, (WITHDRAWN, "withdrawn", person, ""), now, told)


def return_overdue(conn: Conn, handoff_id: int, now: datetime, told: Told = sla.told) -> bool:
    """Nobody accepted in time: the offer ends, and the leads of both teams are named on the
    timeline. False when it was answered meanwhile. Runs in the transaction of the clock's step.
    """
    made = handoffs.by_id(conn, handoff_id)
    if made.state != "offered":
        return False
    thread = threads.by_id(conn, made.thread_id)
    _back(conn, made, thread, (RETURNED, "returned", None, "nobody accepted in time"), now, told)
    return True


def _back(
    conn: Conn,
    made: Handoff,
    thread: Thread,
    end: tuple[str, str, Person | None, str],
    now: datetime,
    told: Told,
) -> Handoff:
    kind, state, person, answer = end
    _end(conn, made, state, person, answer, now)
    actor = "aboard" if person is None else f"person:{person.handle}"
    data: dict[str, Any] = {"handoff": str(made.id), "team": made.to_team, "from": made.from_team}
    if answer:
        data["answer"] = answer.strip()
    event = timeline.add(conn, _event(thread, kind, actor, data, now))
    told(conn, made, event)
    return handoffs.by_id(conn, made.id)


def _open(conn: Conn, handoff_id: int, by: str) -> tuple[Handoff, Thread, Person]:
    thread = threads.by_id(conn, handoffs.by_id(conn, handoff_id).thread_id)
    accounts.lock(conn, [thread.account_id])
    made = handoffs.by_id(conn, handoff_id)
    person = people.at_work(conn, by)
    if made.state != "offered":
        raise AboardError(f"handoff {made.id} was {made.state} at {made.settled_at:%Y-%m-%d %H:%M}")
    return made, threads.by_id(conn, thread.id), person


def _refuse_receiver(conn: Conn, made: Handoff, person: Person, now: datetime) -> None:
    members = people.members(conn, made.to_team)
    if person.handle not in members and not person.leads:
        raise AboardError(
            f"{person.handle} is not in {made.to_team}: its members ({', '.join(sorted(members))})"
            " answer for it, or a lead or an admin"
        )
    if person.handle in absences.away(conn, now):
        raise AboardError(f"{person.handle} is noted as away (`aboard people back` ends that)")


def _end(
    conn: Conn, made: Handoff, state: str, person: Person | None, answer: str, now: datetime
) -> None:
    by_id = None if person is None else person.id
    if not handoffs.settle(conn, made.id, state, by_id, answer.strip(), now):
        raise AboardError(f"handoff {made.id} has just been answered by somebody else")


def _assignment(
    made: Handoff, thread: Thread, person: Person, now: datetime
) -> assignments.Assignment:
    reason = f"accepted by {person.name}, handed off by {made.from_team}: {made.reason}"
    to = made.to_team, person.id
    return assignments.by_person(thread, to, person.id, now, {"reason": reason})


def _event(
    thread: Thread, kind: str, actor: str, data: dict[str, Any], now: datetime
) -> timeline.Event:
    return timeline.Event(thread.account_id, thread.id, None, now, kind, actor, data)
