"""Which rules could match at all; never says yes, only leaves out what must be no or unknown.

For every rule one *requirement* is chosen: a set of keys of which at least one must be present
for the rule to match. `all` may take any member's requirement, `any` needs those of all members,
`none` gives no requirement. A rule without one is always asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

from routing.conditions import Condition, Kind, Operator, Test, tests_of
from routing.facts import Facts
from routing.fields import TEXTUAL, Field
from routing.fold import glob_literal
from routing.literals import Literals, PatternSet
from routing.ruleset import Rule, Ruleset

_EXACT = frozenset({Operator.IS, Operator.IN})
_LITERAL = frozenset(
    {Operator.CONTAINS, Operator.WORDS, Operator.STARTS_WITH, Operator.ENDS_WITH, Operator.GLOB}
)
_COMMON = frozenset(
    {"language", "automatic.kind", "mailbox", "recipient", "to", "thread.status", "thread.team"}
)
"""Fields in which one value is shared by much of the mail: asked for exactly, they sort out
little."""


@dataclass(frozen=True, slots=True)
class _Key:
    """One thing that may be present: an exact value, a piece of text, a pattern."""

    field: Field
    how: str
    """exact, literal or pattern."""
    value: Any
    size: int = 0
    """Of a pattern's program."""

    @property
    def name(self) -> tuple[str, str, Any]:
        """What two equal keys have in common."""
        return self.field.name, self.how, self.value


@dataclass(frozen=True, slots=True)
class _Requirement:
    cost: float
    """How much mail it lets through, roughly; lower is better."""
    keys: tuple[_Key, ...]


Uses = Counter[tuple[str, str, Any]]
"""How many tests have the same key. What many rules ask for is common in mail too: a tier, a
language, a mailbox."""


def requirement(condition: Condition, uses: Uses) -> _Requirement | None:
    """Keys of which one must be present for the condition to be yes; None where there are none."""
    if isinstance(condition, Test):
        found = _of_test(condition)
        if found is None:
            return None
        return replace(found, cost=found.cost * max(uses[key.name] for key in found.keys))
    if condition.kind is Kind.NONE:
        return None
    joined = [requirement(member, uses) for member in condition.members]
    known = [one for one in joined if one is not None]
    if condition.kind is Kind.ALL:
        return min(known, key=lambda one: (one.cost, len(one.keys)), default=None)
    if len(known) < len(joined):
        return None
    keys = tuple(key for one in known for key in one.keys)
    return _Requirement(max(one.cost for one in known), keys)


def _of_test(test: Test) -> _Requirement | None:
    field, operator = test.field, test.operator
    if field.type not in TEXTUAL:
        return None
    if operator in _EXACT:
        cost = 5 if field.name in _COMMON or field.choices or field.listed else 1
        return _Requirement(cost, tuple(_Key(field, "exact", value) for value in test.operands))
    if operator is Operator.MATCHES:
        pairs = zip(test.operands, test.patterns, strict=True)
        keys = tuple(_Key(field, "pattern", text, made.programsize) for text, made in pairs)
        return _Requirement(3, keys)
    if operator not in _LITERAL:
        return None
    pieces = [glob_literal(text) if operator is Operator.GLOB else text for text in test.operands]
    if not all(pieces):
        return None
    short = min(len(piece) for piece in pieces) < 3
    return _Requirement(4 if short else 2, tuple(_Key(field, "literal", piece) for piece in pieces))


def _uses(rules: tuple[Rule, ...]) -> Uses:
    uses: Uses = Counter()
    for rule in rules:
        for test in tests_of(rule.when):
            found = _of_test(test)
            if found is not None:
                uses.update(key.name for key in found.keys)
    return uses


class Index:
    """The requirements of all rules of one ruleset, ready to be asked."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self.rules = rules
        self.always: list[int] = []
        self._exact: dict[str, dict[str, list[int]]] = {}
        self._literals: dict[str, Literals] = {}
        self._patterns: dict[str, PatternSet] = {}
        self._by_pattern: dict[tuple[str, str], list[int]] = {}
        self._fields: dict[str, Field] = {}
        patterns: dict[str, list[tuple[str, int, int]]] = {}
        uses = _uses(rules)
        for number, rule in enumerate(rules):
            needed = requirement(rule.when, uses)
            if needed is None:
                self.always.append(number)
                continue
            for key in needed.keys:
                self._add(key, number, patterns)
        for name, several in patterns.items():
            pairs = [(pattern, size) for pattern, size, _ in several]
            self._patterns[name] = PatternSet(pairs, [number for _, _, number in several])

    def _add(self, key: _Key, number: int, patterns: dict[str, list[tuple[str, int, int]]]) -> None:
        name = key.field.name
        self._fields[name] = key.field
        if key.how == "exact":
            self._exact.setdefault(name, {}).setdefault(key.value, []).append(number)
        elif key.how == "literal":
            self._literals.setdefault(name, Literals()).add(key.value, number)
        else:
            patterns.setdefault(name, []).append((key.value, key.size, number))
            self._by_pattern.setdefault((name, key.value), []).append(number)

    def candidates(self, facts: Facts, patterns: Iterable[tuple[str, str]] = ()) -> Iterator[Rule]:
        """The rules that could match, in order; and those that have one of the given patterns,
        each a (field name, pattern) pair."""
        numbers = set(self.always)
        for named in patterns:
            numbers.update(self._by_pattern.get(named, ()))
        for name, exact in self._exact.items():
            for text in facts.folded(self._fields[name]) or ():
                numbers.update(exact.get(text, ()))
        for name, literals in self._literals.items():
            for text in facts.folded(self._fields[name]) or ():
                literals.found(text, numbers)
        for name, together in self._patterns.items():
            for data in facts.encoded(self._fields[name], folded=False) or ():
                together.found(data, numbers)
        rules = self.rules
        return (rules[number] for number in sorted(numbers))


_INDEXES: WeakKeyDictionary[Ruleset, Index] = WeakKeyDictionary()


def index_of(ruleset: Ruleset) -> Index:
    """The ruleset's index; made when first asked for, kept as long as the ruleset."""
    found = _INDEXES.get(ruleset)
    if found is None:
        found = _INDEXES[ruleset] = Index(ruleset.rules)
    return found


def candidates(ruleset: Ruleset, facts: Facts) -> Iterator[Rule]:
    """The rules that could match these facts, in order; all others would be no or unknown."""
    return index_of(ruleset).candidates(facts)
