"""What other rules would have done with stored threads: a change of rules as a diff.

Every thread is decided again from the snapshots of its decisions, in the order in which its mails
came and by the function that production calls. Run policies count from what the other rules would
have done themselves. Replies that no rule acted on left no snapshot; they are not asked again.
Nothing is changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from inbox.clock import iso
from inbox.flow.deciding import run_policy
from inbox.store import assignments, hits
from inbox.store.assignments import Decided
from inbox.store.database import Conn
from routing.decide import PERSON, THREAD, Decision, History, decide
from routing.facts import Facts
from routing.ruleset import Event, Ruleset

BATCH = 500
SHOWN_IDS = 20
_VALUES = ("priority", "policy", "assignee")
_COMPARED = (*_VALUES, "tags")


@dataclass(frozen=True, slots=True)
class Moved:
    """A thread that the other rules would have sent elsewhere."""

    thread_id: int
    message_id: int
    old_team: str
    new_team: str
    old_rule: str
    """Or who decided, where no rule did."""
    new_rule: str
    held_by_person: bool
    """A person has decided about the thread since: no rule would move it now."""

    def as_json(self) -> dict[str, Any]:
        """The JSON shape of docs/RULES.md."""
        return {
            "thread_id": str(self.thread_id),
            "message_id": str(self.message_id),
            "from": self.old_team,
            "to": self.new_team,
            "old_rule": self.old_rule,
            "new_rule": self.new_rule,
            "held_by_person": self.held_by_person,
        }


@dataclass(slots=True)
class Replayed:
    """What a replay found."""

    ruleset: str
    since: datetime
    threads: int = 0
    decisions: int = 0
    """Of these threads, all decided again."""
    moved: list[Moved] = field(default_factory=list)
    changed: Counter[str] = field(default_factory=Counter)
    """Threads that stay, with another priority, policy, other tags or another assignee."""

    def pairs(self) -> list[tuple[str, str, list[Moved]]]:
        """(old team, new team, threads), the most frequent first."""
        found: dict[tuple[str, str], list[Moved]] = {}
        for one in self.moved:
            found.setdefault((one.old_team, one.new_team), []).append(one)
        ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
        return [(old, new, moves) for (old, new), moves in ordered]

    def as_json(self) -> dict[str, Any]:
        """The JSON shape of docs/RULES.md."""
        return {
            "ruleset": self.ruleset,
            "since": iso(self.since),
            "threads": self.threads,
            "decisions": self.decisions,
            "moved": len(self.moved),
            "changed": {name: self.changed[name] for name in _COMPARED},
            "moves": [
                {
                    "from": old,
                    "to": new,
                    "count": len(moves),
                    "threads": [str(one.thread_id) for one in moves],
                }
                for old, new, moves in self.pairs()
            ],
            "details": [one.as_json() for one in self.moved],
        }


def replay(
    conn: Conn,
    ruleset: Ruleset,
    since: datetime,
    *,
    against: Ruleset | None = None,
    advance: Callable[[int], object] = lambda amount: None,
) -> Replayed:
    """Decide every thread whose first decision was made since then again, by other rules.

    Compared with what was decided at the time, or with what the rules `against` decide.
    `advance` is told how many threads are done, batch by batch.
    """
    found = Replayed(ruleset.hash, since)
    for batch in _batches(conn, since):
        for one in batch:
            _compare(found, one, ruleset, against)
        advance(len(batch))
    return found


def _batches(conn: Conn, since: datetime) -> Iterator[tuple[tuple[Decided, ...], ...]]:
    """Threads, each as its decisions in the order in which its mails came."""
    after = 0
    while first := assignments.first_of_threads(conn, since, after=after, limit=BATCH):
        after = first[-1].made.id
        later = assignments.later_of_threads(conn, [one.made for one in first])
        yield tuple(
            tuple(sorted((one, *later.get(one.made.thread_id, ())), key=_when)) for one in first
        )


def _when(one: Decided) -> tuple[datetime, int]:
    return one.received_at, one.made.id


def facts_of(one: Decided) -> Facts:
    """The facts that a decision was made from."""
    texts = {"subject": one.subject, "text": one.visible_text, "body": one.text}
    return Facts({**one.made.facts, **texts})


@dataclass(slots=True)
class _Outcome:
    """A thread in the making: what all decisions about it come to."""

    team: str = ""
    by: str = ""
    """The rule that named the team, or who decided where none did."""
    values: dict[str, str] = field(default_factory=dict)
    tags: set[str] = field(default_factory=set)
    ran: list[tuple[str, datetime]] = field(default_factory=list)

    def take(self, made: Mapping[str, Any]) -> None:
        """Add one decision, in the shape in which it is stored."""
        if made["decided_by"] not in (THREAD, PERSON) or not self.team:
            self.team, self.by = made["team"], made.get("rule") or made["decided_by"]
        self.values |= {name: made[name] for name in _VALUES if made.get(name)}
        self.tags |= set(made.get("tags") or ())

    def differs(self, other: _Outcome) -> Iterator[str]:
        """The names of what is not the same."""
        for name in _VALUES:
            if self.values.get(name) != other.values.get(name):
                yield name
        if self.tags != other.tags:
            yield "tags"


def _recorded(decided: Sequence[Decided]) -> _Outcome:
    outcome = _Outcome()
    for one in decided:
        outcome.take(one.made.decision)
    return outcome


def _again(decided: Sequence[Decided], ruleset: Ruleset) -> _Outcome:
    """What these rules come to, had they been in force from the thread's first mail on."""
    outcome, held = _Outcome(), run_policy.held(ruleset)
    for one in decided:
        at = _when(one)[0]
        facts = facts_of(one)
        if outcome.team and facts.text("thread.decided_by") != PERSON:
            facts = facts.with_values({"thread.team": outcome.team})
        history = History(hits.nearest(outcome.ran, at), at)
        event = one.made.decision.get("event", Event.NEW_THREAD)
        new = decide(ruleset, facts, event=event, history=history)
        outcome.take(_as_mapping(new))
        outcome.ran += [(rule, at) for rule in new.matched if rule in held]
    return outcome


def _compare(
    found: Replayed, decided: Sequence[Decided], ruleset: Ruleset, against: Ruleset | None
) -> None:
    new = _again(decided, ruleset)
    old = _recorded(decided) if against is None else _again(decided, against)
    found.threads += 1
    found.decisions += len(decided)
    if new.team == old.team:
        found.changed.update(new.differs(old))
        return
    first = decided[0]
    moved = Moved(
        thread_id=first.made.thread_id,
        message_id=first.made.message_id or 0,
        old_team=old.team,
        new_team=new.team,
        old_rule=old.by,
        new_rule=new.by,
        held_by_person=first.thread_decided_by == PERSON,
    )
    found.moved.append(moved)


def _as_mapping(decision: Decision) -> dict[str, Any]:
    return {
        "team": decision.team,
        "decided_by": decision.decided_by,
        "rule": decision.rule,
        "priority": decision.priority,
        "policy": decision.policy,
        "tags": decision.tags,
        "assignee": decision.assignee,
    }
