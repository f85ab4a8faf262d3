"""Finds rules that are allowed and yet a mistake: never reached, contradictory, said twice.

Errors are rules that cannot do what they say; warnings are worth a look. What is reported is
always true; what is not reported may still be there (see `routing.logic`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator

from routing.conditions import Condition, Group, Kind, Operator, Test, tests_of
from routing.facts import Facts
from routing.fields import LISTS, TEXTUAL
from routing.fold import glob_sample
from routing.index import index_of
from routing.logic import canonical, implies, never
from routing.problems import Problem
from routing.ruleset import Fallback, Rule, Ruleset

_ASCII_CLASSES = ("\\b", "\\B", "\\w", "\\W")


def lint_rules(rules: tuple[Rule, ...]) -> tuple[Problem, ...]:
    """All findings about rules that make no set yet, as others beside them cannot be used."""
    return lint(Ruleset(rules, Fallback(""), ""))


def lint(ruleset: Ruleset) -> tuple[Problem, ...]:
    """All findings of a loaded set, by file and line."""
    found = [*_contradictions(ruleset), *_patterns(ruleset)]
    dead = {(problem.file, problem.line) for problem in found if problem.severity == "error"}
    living = [rule for rule in ruleset.rules if (rule.file, rule.line) not in dead]
    found.extend(_shadowed(ruleset, living))
    return tuple(sorted(found))


def _problem(
    rule: Rule, code: str, message: str, hint: str = "", *, severity: str = "error"
) -> Problem:
    return Problem(rule.file, rule.line, rule.column, code, message, hint, severity)


def _contradictions(ruleset: Ruleset) -> Iterator[Problem]:
    for rule in ruleset.rules:
        if never(rule.when):
            message = f"rule `{rule.name}` can never match: its conditions exclude each other"
            yield _problem(rule, "contradiction", message, "remove one of the conditions")


def _patterns(ruleset: Ruleset) -> Iterator[Problem]:
    for rule in ruleset.rules:
        for test in tests_of(rule.when):
            if test.operator is Operator.MATCHES:
                yield from _pattern(rule, test)


def _pattern(rule: Rule, test: Test) -> Iterator[Problem]:
    for written, pattern in zip(test.operands, test.patterns, strict=True):
        place = (rule.file, test.line, test.column)
        foreign = any(not c.isascii() and c.isalpha() for c in written)
        used = [name for name in _ASCII_CLASSES if _uses(written, name)]
        if foreign and used:
            message = f"`{used[0]}` in RE2 knows ASCII letters only, this pattern has others"
            hint = "use `words`, or [\\pL\\pN_] for a letter"
            yield Problem(*place, "ascii-only", message, hint, "warning")
        if pattern.search(b"") is not None:
            message = f"the pattern `{written}` matches every text, an empty one too"
            yield Problem(*place, "matches-everything", message, "use `exists`", "warning")


def _uses(pattern: str, escape: str) -> bool:
    """Does the pattern use this escape? `\\\\b` is a backslash and a letter, not a boundary."""
    return escape in pattern.replace("\\\\", "")


def _shadowed(ruleset: Ruleset, living: list[Rule]) -> Iterator[Problem]:
    """Rules behind a stopping rule that takes all their mail, and rules that say the same."""
    positions = {rule.name: number for number, rule in enumerate(ruleset.rules)}
    said: dict[Hashable, Rule] = {}
    for rule in living:
        key = (canonical(rule.when), rule.actions, rule.events, rule.run)
        first = said.setdefault(key, rule)
        by = _taker(rule, _earlier(ruleset, rule), positions)
        if by is not None:
            message = (
                f"rule `{rule.name}` can never match: "
                f"rule `{by.name}` ({by.place}) takes all its mail first"
            )
            hint = "move it before that rule, or make that rule narrower"
            yield _problem(rule, "never-reached", message, hint)
        elif first is not rule:
            message = f"rule `{rule.name}` says the same as rule `{first.name}` ({first.place})"
            yield _problem(rule, "same-rule", message, "remove one of them")


def _taker(rule: Rule, earlier: Iterable[Rule], positions: dict[str, int]) -> Rule | None:
    for other in earlier:
        if positions[other.name] >= positions[rule.name]:
            return None
        always = not other.run.once and other.run.cool_down_for is None
        if (
            other.stop
            and always
            and set(rule.events) <= set(other.events)
            and implies(rule.when, other.when)
        ):
            return other
    return None


def _earlier(ruleset: Ruleset, rule: Rule) -> Iterable[Rule]:
    """The rules that may take all of this rule's mail, in order.

    A rule that takes all of it takes one example of it too, so the index leaves out most others.
    Where the example fails (a pattern), rules with the same pattern are added.
    """
    patterns = [
        (test.field.name, written)
        for test in tests_of(rule.when)
        if test.operator is Operator.MATCHES
        for written in test.operands
    ]
    return index_of(ruleset).candidates(example(rule.when), patterns)


def example(condition: Condition) -> Facts:
    """Facts for which the condition is likely to be yes; certain only without patterns."""
    values: dict[str, object] = {}
    _fill(condition, values)
    return Facts(values)


def _fill(condition: Condition, values: dict[str, object]) -> None:
    if isinstance(condition, Group):
        members = condition.members[:1] if condition.kind is Kind.ANY else condition.members
        for member in members:
            if condition.kind is Kind.NONE:
                _deny(member, values)
            else:
                _fill(member, values)
        return
    name, operand = condition.field.name, condition.operands[0]
    if condition.operator is Operator.EXISTS:
        if not operand:
            _deny(condition, values)
        elif condition.field.type in TEXTUAL:
            values.setdefault(name, "x")
        return
    if condition.field.type not in TEXTUAL:
        values[name] = operand
        return
    if condition.operator is Operator.MATCHES:
        return
    text = glob_sample(operand) if condition.operator is Operator.GLOB else operand
    before = values.get(name)
    if condition.field.type in LISTS:
        values[name] = (*before, text) if isinstance(before, tuple) else (text,)
    elif isinstance(before, str) and condition.operator is Operator.STARTS_WITH:
        values[name] = f"{text} {before}"
    else:
        values[name] = f"{before} {text}" if isinstance(before, str) and before else text


def _deny(condition: Condition, values: dict[str, object]) -> None:
    """Make every field known that must be known for a `none`, with nothing in it."""
    for test in tests_of(condition):
        if test.field.type in LISTS:
            values.setdefault(test.field.name, ())
        elif test.field.type in TEXTUAL:
            values.setdefault(test.field.name, "")
        elif isinstance(test.operands[0], bool):
            values.setdefault(test.field.name, not test.operands[0])
        else:
            values.setdefault(test.field.name, 0)
