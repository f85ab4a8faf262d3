"""Rules and their traces in the words and pieces that pages show. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

from routing.explain import ConditionTrace, Explanation, RuleTrace, blockers
from routing.ruleset import Actions, Fallback, Rule

MOST = 160
"""Characters of a value that a trace shows."""
LISTED = 12


@dataclass(frozen=True, slots=True)
class Shown:
    """One condition of a trace: its place in groups, what was asked, what was seen, the answer."""

    groups: tuple[str, ...]
    asked: str
    seen: str
    answer: str


@dataclass(frozen=True, slots=True)
class Step:
    """One rule of a trace."""

    trace: RuleTrace
    conditions: tuple[Shown, ...]
    sign: str
    """`ran`, `no`, `unknown`, or `skipped`."""
    short: str
    """The one line that says why it did or did not act."""


def steps(explanation: Explanation, withheld: frozenset[str] = frozenset()) -> tuple[Step, ...]:
    """Every rule of an explanation, in order; `withheld` are fields the reader does not see."""
    return tuple(_step(trace, withheld) for trace in explanation.trace)


def _step(trace: RuleTrace, withheld: frozenset[str]) -> Step:
    conditions = tuple(_condition(one, withheld) for one in trace.conditions)
    if trace.skipped_because:
        return Step(trace, conditions, "skipped", trace.skipped_because)
    if trace.ran:
        return Step(trace, conditions, "ran", "it matched")
    if any(one.test.field.name in withheld for one in trace.conditions):
        # Which condition stood in the way, and whether it was this one, would tell the value.
        return Step(trace, conditions, "unknown", "it asks for a confidential field")
    stood = blockers(trace.rule.when, trace)
    short = f"{_cut(str(stood[0].test), 70)}" if stood else "it did not match"
    return Step(trace, conditions, str(trace.answer), short)


def _condition(one: ConditionTrace, withheld: frozenset[str]) -> Shown:
    if one.test.field.name in withheld:
        return Shown(one.groups, one.test.field.name, "confidential", "unknown")
    return Shown(one.groups, _cut(str(one.test)), seen(one.seen), str(one.answer))


def seen(value: object) -> str:
    """A value that a condition saw; empty text and lists are nothing."""
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        more = f" and {len(value) - LISTED} more" if len(value) > LISTED else ""
        return _cut(", ".join(str(one) for one in value[:LISTED]), 2 * MOST) + more or "nothing"
    return _cut(" ".join(str(value).split())) or "nothing"


def _cut(text: str, most: int = MOST) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def does(actions: Actions) -> tuple[tuple[str, str], ...]:
    """What a rule does besides naming a team: (kind, value) pairs in the order of importance."""
    pairs: Iterable[tuple[str, str]] = (
        ("assign", actions.assignee),
        ("priority", actions.priority),
        ("policy", actions.policy),
        ("stage", actions.stage),
        *(("tag", tag) for tag in actions.tags),
        *(("note", note) for note in actions.notes),
        ("reply", actions.reply),
        *(("notify", who) for who in actions.notify),
        ("snooze", str(actions.snooze_for) if actions.snooze_for else ""),
    )
    return tuple((kind, value) for kind, value in pairs if value)


def threshold(fallback: Fallback, team: str = "") -> str:
    """From when the classifier is trusted, in words."""
    least = fallback.threshold(team)
    return "its own threshold" if least is None else percent(least)


def place(where: Rule | Fallback) -> str:
    """`10-compliance.yaml:6`; the folder is the same for all and stands in the tooltip."""
    return f"{PurePath(where.file).name}:{where.line}"


def percent(share: float) -> str:
    """`91 %`; never 0 or 100 for what is neither."""
    if 0 < share < 0.005:
        return "under 1 %"
    if 0.995 <= share < 1:
        return "over 99 %"
    return f"{share * 100:.0f} %"
