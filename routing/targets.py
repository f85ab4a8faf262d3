"""Targets: the promises on a thread, worked out from what happened on it. Values in, values out.

A response target opens at the oldest unanswered mail of a customer and is met by a person's reply.
A resolution opens with the thread and is met by closing it. Both stand still in the statuses in
which the policy pauses. A handoff's acceptance opens with the offer, `untouched` with an owner.
What is settled is never opened again: the next occasion is another target (another cycle).

    targets = wanted(history, terms_for)
    step = next_step(targets[0], targets[0].first_step)     # of its ladder, and when
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from routing.hours import Calendar
from routing.sla import CUSTOMER_METRICS, DUE, Step

CUSTOMER, REPLY, STATUS = "customer", "reply", "status"
OFFERED, ACCEPTED, ENDED = "offered", "accepted", "ended"
OWNED, RELEASED, TOUCHED = "owned", "released", "touched"

FIRST, NEXT, RESOLUTION = CUSTOMER_METRICS
ACCEPTANCE, UNTOUCHED = "handoff_acceptance", "untouched"
OPEN, PAUSED, MET, STOPPED = "open", "paused", "met", "stopped"

NO_TIME = timedelta(0)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of a thread, as far as clocks care."""

    id: int
    """The event's number: the cycle of what it opens."""
    at: datetime
    what: str
    value: str = ""
    """The status, where that is what changed."""
    by_person: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which promise a target is. Fixed when it opens."""

    policy: str
    policy_set: str
    team: str
    """Whose hours count, where the policy names none of its own."""
    calendar: Calendar
    limit: timedelta
    """Business time."""
    steps: tuple[tuple[Step, timedelta], ...]
    """Each step with the business time that has passed when it is due, in that order."""
    pause: tuple[str, ...] = ("waiting",)
    why: str = ""


TermsFor = Callable[[str, Happening], Terms | None]
"""(metric, what opens it) -> its terms, or None where nothing is promised."""


def steps_of(
    ladder: Iterable[Step], limit: timedelta, calendar: Calendar
) -> tuple[tuple[Step, timedelta], ...]:
    """The steps of a ladder in the order in which they are due in this calendar.

    A warning so long before the deadline that the target was not even open then is left out.
    """
    timed = [(step, step.used(limit, calendar)) for step in ladder]
    kept = [one for one in timed if one[1] > NO_TIME]
    return tuple(sorted(kept, key=lambda one: (one[1], one[0].direction)))


@dataclass(frozen=True, slots=True)
class Stretch:
    """An unbroken time during which a target ran; `end` is None while it does."""

    start: datetime
    end: datetime | None
    used: timedelta
    """Business time of the stretch, in whole seconds; none while it runs."""


@dataclass(slots=True)
class Target:
    """One promise on one thread, as it stands after the last event."""

    metric: str
    cycle: int
    terms: Terms
    opened_at: datetime
    resumed_at: datetime
    state: str = OPEN
    used: timedelta = NO_TIME
    """Business time of the stretches that have ended."""
    paused_at: datetime | None = None
    breached_at: datetime | None = None
    """Known when a stretch ends; of a running one see `due_at`."""
    settled_at: datetime | None = None
    stretches: list[Stretch] = field(default_factory=list)

    @property
    def first_step(self) -> str:
        """The name of the step that its ladder begins with."""
        return self.terms.steps[0][0].name

    @property
    def due_at(self) -> datetime | None:
        """The deadline; None while nothing runs towards it."""
        if self.breached_at is not None:
            return self.breached_at
        if self.state == PAUSED:
            return None
        if self.state != OPEN:
            last = self.stretches[-1] if self.stretches else None
            if last is None or last.end != self.settled_at:
                return None  # it stood still when it was settled
            return self.terms.calendar.add(last.start, self.terms.limit - self.used + last.used)
        return self.terms.calendar.add(self.resumed_at, self.terms.limit - self.used)

    def reached_at(self, used: timedelta) -> datetime:
        """When so much business time had passed, or will have if nothing more happens."""
        passed = NO_TIME
        for stretch in self.stretches:
            if used - passed <= stretch.used:
                return self.terms.calendar.add(stretch.start, used - passed)
            passed += stretch.used
        return self.terms.calendar.add(self.resumed_at, used - passed)

    def total(self, now: datetime) -> timedelta:
        """Business time used up to now, in whole seconds."""
        if self.state != OPEN or now <= self.resumed_at:
            return self.used
        return self.used + _whole(self.terms.calendar.between(self.resumed_at, now))

    def _end_stretch(self, at: datetime, how: str) -> None:
        if self.breached_at is None:
            due = self.terms.calendar.add(self.resumed_at, self.terms.limit - self.used)
            # Met at the deadline is in time; what the clock itself ended then was late.
            if at > due or (at == due and how == STOPPED):
                self.breached_at = due
        used = _whole(self.terms.calendar.between(self.resumed_at, at))
        if how == PAUSED and self.breached_at is None:
            # Not late yet, so some of the promise is left: it is never due as it resumes.
            used = min(used, self.terms.limit - self.used - SECOND)
        self.stretches.append(Stretch(self.resumed_at, at, used))
        self.used += used

    def pause(self, at: datetime) -> None:
        """Stand still: we wait for the customer."""
        if self.state == OPEN:
            self._end_stretch(at, PAUSED)
            self.state, self.paused_at = PAUSED, at

    def resume(self, at: datetime) -> None:
        """Run on with what is left."""
        if self.state == PAUSED:
            self.state, self.paused_at, self.resumed_at = OPEN, None, at

    def settle(self, state: str, at: datetime) -> None:
        """End it, met or stopped."""
        if self.state == OPEN:
            self._end_stretch(at, state)
        self.state, self.paused_at, self.settled_at = state, None, at


def _whole(time: timedelta) -> timedelta:
    """Whole seconds, what is left over given to us: the store counts in seconds."""
    return time // SECOND * SECOND


@dataclass(frozen=True, slots=True)
class NextStep:
    """The step of a ladder that comes next, and when."""

    step: Step
    at: datetime


def next_step(target: Target, name: str | None) -> NextStep | None:
    """The step of this name, and when it is due; None while the target does not run, and where
    no step is left (no name)."""
    left = steps_from(target.terms, name)
    if target.state != OPEN or not left:
        return None
    step, used = left[0]
    return NextStep(step, target.reached_at(used))


def steps_from(terms: Terms, name: str | None) -> tuple[tuple[Step, timedelta], ...]:
    """What is left of a ladder from the step of this name on; nothing without a name."""
    for index, (step, _) in enumerate(terms.steps):
        if step.name == name:
            return terms.steps[index:]
    return ()


def due_steps(target: Target, name: str | None, now: datetime) -> tuple[NextStep, ...]:
    """Every step from the one of this name on that is due, in order; only the last of them is
    still of use."""
    found = []
    for step, used in steps_from(target.terms, name):
        at = target.reached_at(used)
        if target.state != OPEN or at > now:
            break
        found.append(NextStep(step, at))
    return tuple(found)


def step_behind(terms: Terms, name: str) -> str | None:
    """The name of the step that comes after this one; None where it was the last."""
    left = steps_from(terms, name)
    return left[1][0].name if len(left) > 1 else None


def is_breach(steps: Iterable[NextStep]) -> bool:
    """Is the deadline among these steps?"""
    return any(one.step.name == DUE for one in steps)


def wanted(history: Sequence[Happening], terms_for: TermsFor) -> tuple[Target, ...]:
    """All targets that a thread has had, in the order in which they opened."""
    thread = _Thread(terms_for)
    for one in sorted(history, key=lambda happening: (happening.at, happening.id)):
        thread.note(one)
    return tuple(thread.targets)


class _Thread:
    """A thread's clocks while its history is read."""

    def __init__(self, terms_for: TermsFor) -> None:
        self.targets: list[Target] = []
        self._terms_for = terms_for
        self._running: dict[str, Target] = {}
        self._status = "open"
        self._answered = False

    def note(self, one: Happening) -> None:
        """Take one event into account."""
        if one.what == CUSTOMER:
            self._customer(one)
        elif one.what == REPLY:
            self._answered = True
            self._settle((FIRST, NEXT, UNTOUCHED), MET, one.at)
        elif one.what == STATUS:
            self._change_status(one)
        elif one.what == OFFERED:
            self._settle((UNTOUCHED,), MET, one.at)
            self._open(ACCEPTANCE, one)
        elif one.what in (ACCEPTED, ENDED):
            self._settle((ACCEPTANCE,), MET if one.what == ACCEPTED else STOPPED, one.at)
        elif one.what in (OWNED, RELEASED):
            self._settle((UNTOUCHED,), STOPPED, one.at)
            if one.what == OWNED:
                self._open(UNTOUCHED, one)
        elif one.what == TOUCHED:
            self._settle((UNTOUCHED,), MET, one.at)

    def _customer(self, one: Happening) -> None:
        self._to_status("open", one.at)
        if FIRST not in self._running and NEXT not in self._running:
            self._open(NEXT if self._answered else FIRST, one)
        if RESOLUTION not in self._running:
            self._open(RESOLUTION, one)

    def _change_status(self, one: Happening) -> None:
        was = self._status
        self._to_status(one.value, one.at)
        if one.value == "closed":
            self._settle((RESOLUTION,), MET, one.at)
            self._settle((FIRST, NEXT, ACCEPTANCE, UNTOUCHED), STOPPED, one.at)
        elif one.by_person:
            self._settle((UNTOUCHED,), MET, one.at)
        if was == "closed" and one.value != "closed":
            self._open(RESOLUTION, one)

    def _to_status(self, status: str, at: datetime) -> None:
        self._status = status
        for metric in CUSTOMER_METRICS:
            target = self._running.get(metric)
            if target is None:
                continue
            if status in target.terms.pause:
                target.pause(at)
            else:
                target.resume(at)

    def _open(self, metric: str, one: Happening) -> None:
        terms = self._terms_for(metric, one)
        if terms is None:
            return
        self._settle((metric,), STOPPED, one.at)
        target = Target(metric, one.id, terms, one.at, one.at)
        self._running[metric] = target
        self.targets.append(target)
        if metric in CUSTOMER_METRICS and self._status in terms.pause:
            target.pause(one.at)

    def _settle(self, metrics: Iterable[str], state: str, at: datetime) -> None:
        for metric in metrics:
            target = self._running.pop(metric, None)
            if target is not None:
                target.settle(state, at)
