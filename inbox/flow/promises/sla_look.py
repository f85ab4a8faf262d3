"""Looking at clocks: why a deadline is where it is, and what other policies would have done.

Both work the targets out again from the events, by the functions that production calls; nothing
is changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from inbox.clock import iso
from inbox.errors import NotFound
from inbox.flow.promises.sla import KINDS, Clocks, Worked
from inbox.store import targets
from inbox.store.database import Conn
from inbox.store.targets import StoredTarget
from routing import targets_why
from routing.hours import NoOpenHours
from routing.targets import OPEN, Target

BATCH = 200


@dataclass(frozen=True, slots=True)
class Explained:
    """Every target of a thread, with its ladder."""

    thread_id: int
    now: datetime
    targets: tuple[tuple[Target, tuple[targets_why.Rung, ...]], ...]

    def text(self) -> str:
        """For people."""
        parts = [targets_why.text(target, ladder, self.now) for target, ladder in self.targets]
        return "\n\n".join(parts) if parts else f"nothing is promised on thread {self.thread_id}"

    def as_json(self) -> dict[str, Any]:
        """The JSON shape of docs/INTERFACES.md."""
        return {
            "thread_id": str(self.thread_id),
            "now": iso(self.now),
            "targets": [
                targets_why.as_json(target, ladder, self.now) for target, ladder in self.targets
            ],
        }


def why(conn: Conn, clocks: Clocks, thread_id: int, now: datetime) -> Explained:
    """The arithmetic of every target that a thread has had. Raises `NotFound`."""
    subjects = targets.subjects(conn, [thread_id])
    if not subjects:
        raise NotFound(f"there is no thread {thread_id} (`aboard threads` lists them)")
    rows = targets.of_threads(conn, [thread_id])[thread_id]
    past = targets.histories(conn, [thread_id], KINDS)[thread_id]
    done = targets.steps_done(conn, [one.id for one in rows])
    found = []
    for target, row in Worked(conn, clocks, subjects[0], rows).compare(past):
        if row is None:
            continue  # it opened before there was a promise of this kind
        if target.breached_at is None and row.breached_at is not None:
            target.breached_at = row.breached_at
        steps = {one["step"]: one for one in done[row.id]}
        found.append((target, targets_why.rungs(target, steps)))
    return Explained(thread_id, now, tuple(found))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one target stands under one set of policies; all empty where there is none."""

    policy: str
    due_at: datetime | None
    breached: bool

    def as_json(self) -> dict[str, Any]:
        """Part of a difference."""
        due = None if self.due_at is None else iso(self.due_at)
        return {"policy": self.policy or None, "due_at": due, "breached": self.breached}


NONE = Outcome("", None, False)


@dataclass(frozen=True, slots=True)
class Difference:
    """A target that other policies change."""

    thread_id: int
    metric: str
    cycle: int
    old: Outcome
    new: Outcome

    def as_json(self) -> dict[str, Any]:
        """The JSON shape of docs/INTERFACES.md."""
        return {
            "thread_id": str(self.thread_id),
            "metric": self.metric,
            "cycle": str(self.cycle),
            "old": self.old.as_json(),
            "new": self.new.as_json(),
        }


@dataclass(slots=True)
class Replayed:
    """What a replay found."""

    policy_set: str
    since: datetime
    threads: int = 0
    targets: Counter[str] = field(default_factory=Counter)
    """metric -> targets that either set of policies gives."""
    old_breaches: Counter[str] = field(default_factory=Counter)
    new_breaches: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    def note(self, one: Difference) -> None:
        """Count a target, and keep it where it differs."""
        self.targets[one.metric] += 1
        self.old_breaches[one.metric] += one.old.breached
        self.new_breaches[one.metric] += one.new.breached
        if one.old != one.new:
            self.differences.append(one)

    def as_json(self) -> dict[str, Any]:
        """The JSON shape of docs/INTERFACES.md."""
        return {
            "policy_set": self.policy_set,
            "since": iso(self.since),
            "threads": self.threads,
            "targets": sum(self.targets.values()),
            "metrics": [
                {
                    "metric": metric,
                    "targets": count,
                    "breached_before": self.old_breaches[metric],
                    "breached_after": self.new_breaches[metric],
                }
                for metric, count in sorted(self.targets.items())
            ],
            "differences": [one.as_json() for one in self.differences],
        }


def replay(
    conn: Conn,
    clocks: Clocks,
    since: datetime,
    now: datetime,
    advance: Callable[[int], object] = lambda amount: None,
) -> Replayed:
    """Work out again what these policies promise on every thread with mail since then, beside
    what was recorded. `advance` is told how many threads are done, batch by batch."""
    found = Replayed(clocks.sla.hash, since)
    for batch in _batches(conn, since):
        for subject, rows, past in _stories(conn, batch):
            found.threads += 1
            worked = Worked(conn, clocks, subject, ())
            try:
                fresh = {(one.metric, one.cycle): one for one, _ in worked.compare(past)}
            except NoOpenHours:
                fresh = {}
            old = {(one.metric, one.cycle): one for one in rows}
            for key in sorted(fresh.keys() | old.keys()):
                before = _recorded(old[key], now) if key in old else NONE
                after = _promised(fresh[key], now) if key in fresh else NONE
                metric, cycle = key
                found.note(Difference(subject.thread_id, metric, cycle, before, after))
        advance(len(batch))
    return found


def _stories(conn: Conn, batch: Sequence[int]) -> Iterator[tuple[Any, Any, Any]]:
    rows = targets.of_threads(conn, batch)
    events = targets.histories(conn, batch, KINDS)
    for subject in targets.subjects(conn, batch):
        if subject.account_kind == "customer":
            yield subject, rows[subject.thread_id], events[subject.thread_id]


def _batches(conn: Conn, since: datetime) -> Iterator[tuple[int, ...]]:
    after = 0
    while batch := targets.recent_threads(conn, since, after=after, most=BATCH):
        yield batch
        after = batch[-1]


def _recorded(row: StoredTarget, now: datetime) -> Outcome:
    late = row.state == OPEN and row.due_at is not None and row.due_at <= now
    return Outcome(row.policy, row.due_at, row.breached_at is not None or late)


def _promised(target: Target, now: datetime) -> Outcome:
    due = targets_why.due(target)
    late = target.state == OPEN and due is not None and due <= now
    return Outcome(target.terms.policy, due, target.breached_at is not None or late)
