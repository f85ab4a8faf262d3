"""Why a mail went where it went: every rule, every condition, the value seen, the answer.

Makes the same decision as `decide`, without the index and without short cuts, and keeps what it
saw. Text for people, JSON for programs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from routing.conditions import Answer, Condition, Group, Kind, Test
from routing.decide import (
    CLASSIFIER,
    NO_HISTORY,
    Deciding,
    Decision,
    History,
    trusts_classifier,
)
from routing.facts import Facts
from routing.reader import did_you_mean
from routing.ruleset import Event, Rule, Ruleset

SEEN_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class ConditionTrace:
    """One test of a rule, and what it saw. `groups` says where it stands: ("any", "none")."""

    test: Test
    seen: object
    """The value, shortened; None where it is unknown."""
    answer: Answer
    groups: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """The shape of docs/RULES.md."""
        return {
            "field": self.test.field.name,
            "op": str(self.test.operator),
            "value": self.test.value,
            "seen": list(self.seen) if isinstance(self.seen, tuple) else self.seen,
            "result": str(self.answer),
            "groups": list(self.groups),
        }


@dataclass(frozen=True, slots=True)
class RuleTrace:
    """One rule: what its condition says, and why it was not asked, where that is so."""

    rule: Rule
    answer: Answer
    conditions: tuple[ConditionTrace, ...]
    skipped_because: str = ""
    """Empty where the rule was asked."""

    @property
    def ran(self) -> bool:
        """Did the rule match and act?"""
        return self.answer is Answer.YES and not self.skipped_because

    def as_json(self) -> dict[str, object]:
        """The shape of docs/RULES.md."""
        return {
            "rule": self.rule.name,
            "file": self.rule.file,
            "line": self.rule.line,
            "result": str(self.answer),
            "conditions": [condition.as_json() for condition in self.conditions],
            "skipped_because": self.skipped_because or None,
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision with its whole trace."""

    decision: Decision
    trace: tuple[RuleTrace, ...]
    classifier: str
    """What the classifier said and whether that counted; one sentence."""

    def as_json(self) -> dict[str, object]:
        """The shape of docs/RULES.md: the decision, then `trace` with one entry for each rule."""
        decision = self.decision
        return {
            "team": decision.team,
            "decided_by": decision.decided_by,
            "rule": decision.rule or None,
            "tags": list(decision.tags),
            "priority": decision.priority or None,
            "policy": decision.policy or None,
            "stage": decision.stage or None,
            "assignee": decision.assignee or None,
            "notes": list(decision.notes),
            "score": decision.score,
            "reason": decision.reason,
            "matched": list(decision.matched),
            "ruleset": decision.ruleset_hash,
            "classifier": self.classifier,
            "trace": [rule.as_json() for rule in self.trace],
        }

    def text(self) -> str:
        """The whole trace for a terminal."""
        lines: list[str] = []
        for number, rule in enumerate(self.trace, 1):
            lines.extend(_rule_lines(number, rule))
        lines.append(f"    classifier: {self.classifier}")
        lines.append(_final(self.decision))
        return "\n".join(lines) + "\n"

    def why_not(self, name: str) -> str:
        """Why this rule did not decide, or that it did; an unknown name gets a suggestion."""
        for trace in self.trace:
            if trace.rule.name == name:
                return "\n".join(_why_not(trace, self.decision)) + "\n"
        hint = did_you_mean(name, [trace.rule.name for trace in self.trace])
        return f"there is no rule `{name}`" + (f" ({hint})" if hint else "") + "\n"


def explain(
    ruleset: Ruleset,
    facts: Facts,
    *,
    event: Event | str = Event.NEW_THREAD,
    history: History = NO_HISTORY,
) -> Explanation:
    """The decision that `decide` makes for the same arguments, and how it comes about."""
    deciding = Deciding(ruleset, facts, Event(event))
    trace = []
    for rule in ruleset.rules:
        conditions = tuple(_conditions(rule.when, facts, ()))
        answer = rule.when.answer(facts)
        skipped = _skipped(rule, deciding, history)
        trace.append(RuleTrace(rule, answer, conditions, skipped))
        if answer is Answer.YES and not skipped:
            deciding.take(rule)
    decision = deciding.decision()
    return Explanation(decision, tuple(trace), _classifier_part(ruleset, facts, decision))


def _skipped(rule: Rule, deciding: Deciding, history: History) -> str:
    if deciding.stopped_by:
        return f"rule {deciding.stopped_by} matched first and stops"
    if deciding.event not in rule.events:
        return f"it is asked on {', '.join(rule.events)}, this is {deciding.event}"
    return history.holds_back(rule)


def _conditions(
    condition: Condition, facts: Facts, groups: tuple[str, ...]
) -> Iterator[ConditionTrace]:
    if isinstance(condition, Test):
        answer = condition.answer(facts)
        yield ConditionTrace(condition, _shortened(condition, facts, answer), answer, groups)
        return
    plain = not groups and condition.kind is Kind.ALL  # what every rule is, so not worth a word
    inner = groups if plain else (*groups, str(condition.kind))
    for member in condition.members:
        yield from _conditions(member, facts, inner)


def _shortened(test: Test, facts: Facts, answer: Answer) -> object:
    """The value seen; of a long text the stretch that matters."""
    seen = test.seen(facts)
    if not isinstance(seen, str) or len(seen) <= SEEN_CHARACTERS:
        return seen
    start = 0
    if answer is Answer.YES:
        lowered = seen.casefold()
        places = [lowered.find(str(operand)) for operand in test.operands]
        start = max(min((place for place in places if place >= 0), default=0) - 40, 0)
    piece = seen[start : start + SEEN_CHARACTERS]
    return ("..." if start else "") + piece + ("..." if start + len(piece) < len(seen) else "")


def _classifier_part(ruleset: Ruleset, facts: Facts, decision: Decision) -> str:
    team, reason = trusts_classifier(ruleset, facts)
    if decision.decided_by == CLASSIFIER:
        return reason
    if not team:
        return reason if decision.decided_by == "fallback" else f"not asked; {reason}"
    agrees = "agrees" if team == decision.team else "says otherwise"
    return f"not asked, {agrees}: {reason}"


def _rule_lines(number: int, trace: RuleTrace) -> Iterator[str]:
    verdict = "skipped" if trace.skipped_because else str(trace.answer)
    verdict = "YES" if verdict == "yes" else verdict
    yield f"{number:>3} {verdict:8} {trace.rule.name}  ({trace.rule.place})"
    if trace.skipped_because:
        yield f"             not asked: {trace.skipped_because}"
    for condition in trace.conditions:
        yield f"             {_condition_line(condition)}"


def _condition_line(condition: ConditionTrace) -> str:
    inside = "".join(f"{group} > " for group in condition.groups)
    return f"{condition.answer:8} {inside}{condition.test}   seen: {_seen(condition.seen)}"


def _seen(value: object) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(map(_seen, value)) or "nothing"
    return (repr(value) if value else "nothing") if isinstance(value, str) else str(value)


def _final(decision: Decision) -> str:
    parts = [f"=> {decision.team}, decided by {decision.decided_by}"]
    if decision.rule:
        parts.append(f"rule {decision.rule}")
    for name in ("priority", "policy", "stage", "assignee"):
        value = getattr(decision, name)
        if value:
            parts.append(f"{name} {value}")
    if decision.tags:
        parts.append(f"tags {', '.join(decision.tags)}")
    return ", ".join(parts) + f"  ({decision.reason})"


def _why_not(trace: RuleTrace, decision: Decision) -> Iterator[str]:
    rule = trace.rule
    if trace.ran:
        yield f"rule {rule.name} ({rule.place}) did match."
        if rule.actions.team and decision.rule != rule.name:
            by = f"rule {decision.rule}" if decision.rule else f"a {decision.decided_by}"
            yield f"It did not name the team, because {by} decided that first."
        return
    yield f"rule {rule.name} ({rule.place}) did not run."
    if trace.skipped_because:
        yield f"It was not asked: {trace.skipped_because}."
        yield f"Its condition says {trace.answer}."
    if trace.answer is not Answer.YES:
        yield "What stood in the way:"
        for test in blockers(rule.when, trace):
            yield f"  {_condition_line(test)}"


def blockers(condition: Condition, trace: RuleTrace) -> list[ConditionTrace]:
    """The tests without which the rule would match: the smallest part of the trace that matters."""
    by_place = {(t.test.line, t.test.column): t for t in trace.conditions}

    def answer_of(part: Condition) -> Answer:
        if isinstance(part, Test):
            return by_place[part.line, part.column].answer
        answers = [answer_of(member) for member in part.members]
        return _joined(part, answers)

    def collect(part: Condition, wanted: Answer) -> Iterator[ConditionTrace]:
        if answer_of(part) is wanted:
            return
        if isinstance(part, Test):
            yield by_place[part.line, part.column]
            return
        inner = wanted
        if str(part.kind) == "none":
            inner = Answer.NO if wanted is Answer.YES else Answer.YES
        for member in part.members:
            yield from collect(member, inner)

    return list(collect(condition, Answer.YES))


def _joined(group: Group, answers: list[Answer]) -> Answer:
    settling = Answer.NO if str(group.kind) == "all" else Answer.YES
    if settling in answers:
        return Answer.YES if str(group.kind) == "any" else Answer.NO
    if Answer.UNKNOWN in answers:
        return Answer.UNKNOWN
    return Answer.NO if str(group.kind) == "any" else Answer.YES
