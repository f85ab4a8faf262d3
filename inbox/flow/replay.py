"""What other rules would have done with stored threads: a change of rules as a diff.

Every thread is decided again from the snapshot of its first decision, by the function that
production calls. Nothing is changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from inbox.clock import iso
from inbox.store import assignments
from inbox.store.assignments import Decided
from inbox.store.database import Conn
from routing.decide import Decision, History, decide
from routing.facts import Facts
from routing.ruleset import Ruleset

BATCH = 500
SHOWN_IDS = 20
_COMPARED = ("priority", "policy", "tags", "assignee")


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


def _batches(conn: Conn, since: datetime) -> Iterator[tuple[Decided, ...]]:
    after = 0
    while batch := assignments.first_of_threads(conn, since, after=after, limit=BATCH):
        yield batch
        after = batch[-1].made.id


def facts_of(one: Decided) -> Facts:
    """The facts that a first decision was made from."""
    texts = {"subject": one.subject, "text": one.visible_text, "body": one.text}
    return Facts({**one.made.facts, **texts})


def _compare(found: Replayed, one: Decided, ruleset: Ruleset, against: Ruleset | None) -> None:
    facts, made = facts_of(one), one.made
    event, history = made.decision.get("event", "new-thread"), History(now=made.at)
    new = decide(ruleset, facts, event=event, history=history)
    old = made.decision
    if against is not None:
        old = _as_mapping(decide(against, facts, event=event, history=history))
    found.threads += 1
    if new.team == old["team"]:
        fresh = _as_mapping(new)
        found.changed.update(
            name for name in _COMPARED if (fresh[name] or None) != (old.get(name) or None)
        )
        return
    moved = Moved(
        thread_id=made.thread_id,
        message_id=made.message_id or 0,
        old_team=old["team"],
        new_team=new.team,
        old_rule=old.get("rule") or old["decided_by"],
        new_rule=new.rule or new.decided_by,
        held_by_person=one.thread_decided_by == "person",
    )
    found.moved.append(moved)


def _as_mapping(decision: Decision) -> dict[str, Any]:
    return {
        "team": decision.team,
        "decided_by": decision.decided_by,
        "rule": decision.rule,
        "priority": decision.priority,
        "policy": decision.policy,
        "tags": list(decision.tags),
        "assignee": decision.assignee,
    }
