"""What the steps of ladders do to threads, within one transaction of `tick`; claims nothing.

Mail is left to the effects that it is given. Each step leaves one event on the timeline.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from inbox.clock import iso
from inbox.flow.people.ownership import OWNER_CHANGED
from inbox.flow.promises import handoff, sla, tell
from inbox.store import absences, handoffs, people, targets, threads, timeline
from inbox.store.database import Conn
from inbox.store.due_targets import DueTarget
from inbox.store.targets import StoredTarget
from routing.hours import NoOpenHours
from routing.ownership import answerable
from routing.sla import DUE, Step
from routing.sla_load import PRIORITIES
from routing.targets import (
    ACCEPTANCE,
    NextStep,
    Stretch,
    Target,
    Terms,
    due_steps,
    is_breach,
    next_step,
    step_behind,
)
from routing.teams import Directory, Team

if TYPE_CHECKING:
    from inbox.flow.promises.tick import Effects

AT_RISK, BREACHED, ESCALATED = "target-at-risk", "target-breached", "target-escalated"
"""Kinds of the event that a step leaves: before the deadline, at it, after it."""
LATER_STEP = "a later step was due"


@dataclass(frozen=True, slots=True)
class Fired:
    """A step that is being done."""

    due: DueTarget
    step: Step
    due_at: datetime
    """When the step was due."""
    now: datetime


@dataclass(slots=True)
class _State:
    """A thread while steps change it."""

    accountable_id: int
    claimed_at: datetime | None
    priority: str
    tags: tuple[str, ...]


class Climb:
    """One transaction's steps: gathered, then written in bulk."""

    def __init__(
        self,
        conn: Conn,
        clocks: sla.Clocks,
        directory: Directory,
        effects: Effects,
        node: str,
        now: datetime,
    ) -> None:
        self._conn = conn
        self._clocks = clocks
        self._directory = directory
        self._effects = effects
        self._node = node
        self._now = now
        self._teams = {team.name: team for team in directory.teams}
        self._handles = {one.id: one.handle for one in people.everybody(conn).values()}
        self._away = absences.away(conn, now)
        self._threads: dict[int, _State] = {}
        self._steps: list[dict[str, Any]] = []
        self._rows: list[StoredTarget] = []
        self._events: list[timeline.Event] = []
        self._owners: list[timeline.Event] = []
        self._overdue_offers: list[int] = []
        self.done = 0
        self.skipped = 0

    def fire(self, due: DueTarget) -> None:
        """Do the latest step of this target that is due, and note the earlier ones as skipped."""
        row = due.target
        under = sla.Under(row.policy_set, row.team)
        terms = self._clocks.terms(self._conn, row.policy, row.metric, under)
        if terms is None:
            self._rows.append(replace(row, next_at=None, next_step=None))
            return
        target = running(row, terms)
        steps = due_steps(target, row.next_step, self._now)
        breached_at = row.breached_at
        for one in steps:
            if one.step.name == DUE and breached_at is None:
                breached_at = row.due_at or one.at
        name = row.next_step
        if steps:
            for one in steps[:-1]:
                self._note(row, one, LATER_STEP)
            self._note(row, steps[-1], None)
            self._do(due, steps[-1], is_breach(steps))
            name = step_behind(terms, steps[-1].step.name)
        self._rows.append(
            replace(row, breached_at=breached_at, next_step=name, next_at=_when(target, name))
        )
        if row.metric == ACCEPTANCE and is_breach(steps):
            self._overdue_offers.append(row.thread_id)

    def _note(self, row: StoredTarget, one: NextStep, skipped: str | None) -> None:
        self._steps.append(
            {
                "target_id": row.id,
                "step": one.step.name,
                "due_at": one.at,
                "fired_at": self._now,
                "node": self._node[:80],
                "skipped": skipped,
            }
        )
        if skipped is None:
            self.done += 1
        else:
            self.skipped += 1

    def _do(self, due: DueTarget, one: NextStep, breach: bool) -> None:
        step, row = one.step, due.target
        fired = Fired(due, step, one.at, self._now)
        state = self._state(due)
        told = self._whom(due, step, state)
        data: dict[str, Any] = {
            "metric": row.metric,
            "policy": row.policy,
            "step": step.name,
            "due": iso(row.due_at or one.at),
            "target": str(row.id),
        }
        if told:
            data["notified"] = list(told)
            self._effects.notify(self._conn, fired, told)
        if step.follow_up:
            data["follow_up"] = step.follow_up
            data["mail"] = self._effects.follow_up(self._conn, fired, step.follow_up)
        data |= self._change(due, step, state)
        kind = ESCALATED if step.direction > 0 else BREACHED if breach else AT_RISK
        self._event(due, kind, data)

    def _state(self, due: DueTarget) -> _State:
        return self._threads.get(due.target.thread_id) or _State(
            due.accountable_id, due.claimed_at, due.priority, due.tags
        )

    def _change(self, due: DueTarget, step: Step, state: _State) -> dict[str, Any]:
        """What the step changes of its thread, in words for its event."""
        data: dict[str, Any] = {}
        if step.priority and PRIORITIES.index(step.priority) > PRIORITIES.index(state.priority):
            data["priority"], data["priority_from"] = step.priority, state.priority
            state.priority = step.priority
        fresh = [one for one in step.tags if one not in state.tags]
        if fresh:
            data["tags"] = fresh
            state.tags = (*state.tags, *fresh)
        if step.reassign:
            data |= self._reassign(due, step, state)
        if data:
            self._threads[due.target.thread_id] = state
        return data

    def _reassign(self, due: DueTarget, step: Step, state: _State) -> dict[str, Any]:
        owned = step.reassign != "team"
        handle = self._lead(due) if step.reassign == "lead" else self._on_duty(due)
        before = self._handles[state.accountable_id]
        if handle == before and owned == (state.claimed_at is not None):
            return {}
        numbers = {name: number for number, name in self._handles.items()}
        state.accountable_id = numbers[handle]
        state.claimed_at = self._now if owned else None
        why = f"{due.target.metric.replace('_', ' ')}: {step.name}"
        data = {"from": before, "to": handle, "why": why, "owned": owned}
        self._owners.append(self._made(due, OWNER_CHANGED, data))
        return {"reassigned": handle}

    def _whom(self, due: DueTarget, step: Step, state: _State) -> tuple[str, ...]:
        found: list[str] = []
        for role in step.notify:
            if role == "owner":
                found.append(self._handles[state.accountable_id])
            elif role == "duty":
                found.append(self._on_duty(due))
            elif role == "lead":
                found.append(self._lead(due))
            else:
                found += [one.handle for one in self._directory.people if one.role == "admin"]
        return tuple(dict.fromkeys(found))

    def _team(self, due: DueTarget) -> Team:
        return self._teams.get(due.thread_team) or self._directory.teams[0]

    def _on_duty(self, due: DueTarget) -> str:
        return answerable(self._directory, self._team(due), self._away).handle

    def _lead(self, due: DueTarget) -> str:
        lead = self._team(due).lead
        return lead if lead and lead not in self._away else self._on_duty(due)

    def _event(self, due: DueTarget, kind: str, data: dict[str, Any]) -> None:
        self._events.append(self._made(due, kind, data))

    def _made(self, due: DueTarget, kind: str, data: dict[str, Any]) -> timeline.Event:
        account_id, thread_id = due.account_id, due.target.thread_id
        return timeline.Event(account_id, thread_id, None, self._now, kind, "aboard", data)

    def flush(self) -> None:
        """Write everything. The key of each step goes in first: what was done is not done again."""
        targets.fired(self._conn, self._steps)
        targets.save(self._conn, self._rows)
        for thread_id, state in self._threads.items():
            threads.save(
                self._conn,
                thread_id,
                accountable_id=state.accountable_id,
                claimed_at=state.claimed_at,
                priority=state.priority,
                tags=list(state.tags),
            )
        for event in self._owners:
            tell.after_event(self._conn, timeline.add(self._conn, event))
        timeline.append(self._conn, self._events)
        for thread_id in self._overdue_offers:
            offer = handoffs.open_of(self._conn, thread_id)
            if offer is not None:
                handoff.return_overdue(self._conn, offer.id, self._now)
        changed = {one.thread_id for one in self._owners if one.thread_id is not None}
        if changed:
            sla.refresh(self._conn, self._clocks, changed, self._now)


def running(row: StoredTarget, terms: Terms) -> Target:
    """The running target that a row stands for."""
    used = timedelta(seconds=row.used_seconds)
    before = [Stretch(row.opened_at, row.resumed_at, used)] if used else []
    return Target(
        metric=row.metric,
        cycle=row.cycle,
        terms=terms,
        opened_at=row.opened_at,
        resumed_at=row.resumed_at,
        used=used,
        breached_at=row.breached_at,
        stretches=before,
    )


def _when(target: Target, name: str | None) -> datetime | None:
    try:
        coming = next_step(target, name)
    except NoOpenHours:
        return None
    return None if coming is None else coming.at
