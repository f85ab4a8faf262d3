"""Everything automatic that is coming for an account, and what people do about it.

Coming are the rows that are planned, and the steps of ladders that will write to the customer
unless somebody answers first; those have no row yet: an answer, or sla.yaml, changes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from inbox.errors import AboardError
from inbox.flow.admin.admin_set import AdminFiles
from inbox.flow.leaving.notices import Notices, addressee
from inbox.flow.promises import sequences, sla
from inbox.flow.promises.climb import running
from inbox.store import accounts, followup_facts, people, planned, targets, threads, timeline
from inbox.store.database import Conn, Database
from inbox.store.planned import PlannedStep
from routing.hours import NoOpenHours
from routing.targets import next_step, step_behind

PAUSED, RESUMED, EDITED = "follow-up-paused", "follow-up-resumed", "follow-up-edited"
MOST_SUBJECT, MOST_BODY = 200, 20_000


@dataclass(frozen=True, slots=True)
class Coming:
    """An automatic mail that will leave unless something happens first."""

    id: int | None
    """Its number; None for a step of a ladder."""
    at: datetime
    state: str
    """`planned`, `paused`, or `ladder`."""
    template: str
    sequence: str
    step: str
    thread_id: int
    to: str
    edited: bool = False
    why: str = ""


def coming(conn: Conn, files: AdminFiles, account_id: int, now: datetime) -> tuple[Coming, ...]:
    """What is coming for an account, the next first."""
    rows = [_of_row(one) for one in planned.waiting_of_accounts(conn, [account_id])]
    found = [*rows, *_of_ladders(conn, files, account_id, now)]
    return tuple(sorted(found, key=lambda one: (one.at, one.id or 0, one.step)))


def _of_row(one: PlannedStep) -> Coming:
    return Coming(
        id=one.id,
        at=one.due_at,
        state=one.state,
        template=one.template,
        sequence=one.sequence,
        step=one.step,
        thread_id=one.thread_id,
        to=one.recipient,
        edited=one.edited is not None,
        why=one.why or "",
    )


def _of_ladders(conn: Conn, files: AdminFiles, account_id: int, now: datetime) -> Iterator[Coming]:
    clocks = sla.clocks_of(files)
    if clocks is None:
        return
    notices = Notices(conn, files, None, now)
    there = targets.of_threads(conn, followup_facts.open_threads(conn, account_id))
    for row in (one for listed in there.values() for one in listed):
        if row.state != "open" or row.next_step is None:
            continue
        terms = clocks.terms(conn, row.policy, row.metric, sla.Under(row.policy_set, row.team))
        if terms is None or not any(step.follow_up for step, _ in terms.steps):
            continue
        found = addressee(notices.about(row.thread_id), notices.is_ours, unanswered=True)
        if found is None:
            continue
        target = running(row, terms)
        name: str | None = row.next_step
        while name is not None:
            try:
                step = next_step(target, name)
            except NoOpenHours:
                break
            if step is None:
                break
            if step.step.follow_up:
                yield Coming(
                    id=None,
                    at=step.at,
                    state="ladder",
                    template=step.step.follow_up,
                    sequence=f"{sequences.SLA}{row.metric}",
                    step=step.step.name,
                    thread_id=row.thread_id,
                    to=found[0].address,
                )
            name = step_behind(terms, name)


# --- What people do ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Planner:
    """Somebody of ours who changes what is planned."""

    db: Database
    by: str
    """Handle of the person."""

    def pause(self, planned_id: int, now: datetime) -> PlannedStep:
        """Keep one back until somebody lets it go on. Raises `NotFound`, `AboardError`."""

        def do(conn: Conn, one: PlannedStep) -> str:
            _refuse(one, "planned")
            planned.save(conn, one.id, state="paused", why=f"paused by {self.by}")
            return PAUSED

        return self._change(planned_id, now, do)

    def resume(self, planned_id: int, now: datetime) -> PlannedStep:
        """Let one go on; where its time has passed it goes out at the next tick."""

        def do(conn: Conn, one: PlannedStep) -> str:
            _refuse(one, "paused")
            planned.save(conn, one.id, state="planned", why=None)
            return RESUMED

        return self._change(planned_id, now, do)

    def cancel(self, planned_id: int, now: datetime) -> PlannedStep:
        """Cancel one; the others of its sequence stay."""

        def do(conn: Conn, one: PlannedStep) -> str:
            _refuse(one, *planned.WAITING)
            planned.cancel_step(conn, one, f"cancelled by {self.by}", now)
            return sequences.CANCELLED

        return self._change(planned_id, now, do)

    def edit(
        self, planned_id: int, subject: str, body: str, at: datetime | None, now: datetime
    ) -> PlannedStep:
        """Give one another subject and body, or another time; what is empty stays as it is.

        A text of one's own needs both. Raises `NotFound`, `AboardError`.
        """
        text = {"subject": " ".join(subject.split()), "body": body.strip()}
        if bool(text["subject"]) != bool(text["body"]):
            raise AboardError("a text of your own needs a subject and a body")
        if len(text["subject"]) > MOST_SUBJECT or len(text["body"]) > MOST_BODY:
            said = f"at most {MOST_SUBJECT} letters of subject and {MOST_BODY} of body"
            raise AboardError(f"the text is too long: {said}")
        if at is not None and at <= now:
            raise AboardError(f"{at:%Y-%m-%d %H:%M} UTC has passed; give an instant to come")
        if not text["body"] and at is None:
            raise AboardError("nothing to change: give a subject and a body, or a time")

        def do(conn: Conn, one: PlannedStep) -> str:
            _refuse(one, *planned.WAITING)
            changes: dict[str, Any] = {} if at is None else {"due_at": at}
            if text["body"]:
                changes["edited"] = {"subject": text["subject"], "body": text["body"] + "\n"}
            planned.save(conn, one.id, **changes)
            return EDITED

        return self._change(planned_id, now, do)

    def _change(
        self, planned_id: int, now: datetime, do: Callable[[Conn, PlannedStep], str]
    ) -> PlannedStep:
        with self.db.write() as conn:
            people.at_work(conn, self.by)
            first = planned.by_id(conn, planned_id)
            accounts.lock(conn, [threads.by_id(conn, first.thread_id).account_id])
            one = planned.by_id(conn, planned_id, held=True)
            kind = do(conn, one)
            data = {"sequence": one.sequence, "step": one.step, "to": one.recipient}
            if kind == sequences.CANCELLED:
                data["why"] = f"cancelled by {self.by}"
            thread = threads.by_id(conn, one.thread_id)
            event = timeline.Event(
                thread.account_id, thread.id, None, now, kind, f"person:{self.by}", data
            )
            timeline.add(conn, event)
            return planned.by_id(conn, planned_id)


def _refuse(one: PlannedStep, *states: str) -> None:
    if one.state not in states:
        raise AboardError(f"follow-up {one.id} is {one.state}, not {' or '.join(states)}")
