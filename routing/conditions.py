"""What a condition is and what it answers: yes, no or unknown; reads no files, decides nothing.

A field whose value is unknown makes its test unknown. `all` is no as soon as one member is no,
`any` is yes as soon as one is yes, `none` is the opposite of `any`; unknown stays unknown
(strong three-valued logic, Kleene 1952). Only yes fires a rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as attribute
from enum import StrEnum
from typing import Any

from routing.facts import Facts, Value
from routing.fields import LISTS, Field, Type
from routing.fold import has_word


class Answer(StrEnum):
    """The three answers."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Operator(StrEnum):
    """How a field is compared with the values that stand beside it."""

    IS = "is"
    IN = "in"
    CONTAINS = "contains"
    WORDS = "words"
    STARTS_WITH = "starts with"
    ENDS_WITH = "ends with"
    GLOB = "glob"
    MATCHES = "matches"
    AT_LEAST = "at least"
    AT_MOST = "at most"
    EXISTS = "exists"


TEXT_OPERATORS = (
    Operator.IS,
    Operator.IN,
    Operator.CONTAINS,
    Operator.WORDS,
    Operator.STARTS_WITH,
    Operator.ENDS_WITH,
    Operator.GLOB,
    Operator.MATCHES,
    Operator.EXISTS,
)
NUMBER_OPERATORS = (
    Operator.IS,
    Operator.IN,
    Operator.AT_LEAST,
    Operator.AT_MOST,
    Operator.EXISTS,
)
FLAG_OPERATORS = (Operator.IS, Operator.EXISTS)

MAX_NESTING = 4
"""Groups within groups."""


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison: a field, an operator, the values of which any may hold.

    `values` are as written, `operands` in the form in which they are compared: folded texts,
    numbers, flags. `patterns` are compiled RE2 for `glob` and `matches`, one for each operand.
    """

    __test__ = False  # pytest takes a class of this name for tests

    field: Field
    operator: Operator
    values: tuple[str | int | float | bool, ...]
    operands: tuple[Any, ...]
    line: int = 0
    column: int = 0
    patterns: tuple[Any, ...] = attribute(default=(), compare=False, repr=False)

    def answer(self, facts: Facts) -> Answer:
        """Does the test hold for these facts?"""
        if facts.get(self.field.name) is None:
            return Answer.UNKNOWN
        return Answer.YES if _HOLDS[self.operator](self, facts) else Answer.NO

    def captures(self, facts: Facts) -> dict[str, str]:
        """The named groups of the first pattern that matches; empty for other operators."""
        if self.operator is not Operator.MATCHES:
            return {}
        for text in facts.encoded(self.field, folded=False) or ():
            for pattern in self.patterns:
                match = pattern.search(text)
                if match is not None:
                    return {
                        name: value.decode("utf-8", "replace")
                        for name, value in _named(pattern, match).items()
                    }
        return {}

    def seen(self, facts: Facts) -> Value | None:
        """The value that the test looked at; None where it is unknown."""
        value = facts.get(self.field.name)
        if self.field.type in LISTS or not isinstance(value, tuple):
            return value
        return value[0] if value else ""

    @property
    def value(self) -> object:
        """What stands beside the operator: one value, or a list of several."""
        return self.values[0] if len(self.values) == 1 else list(self.values)

    def __str__(self) -> str:
        shown = ", ".join(
            str(value).lower() if isinstance(value, bool) else str(value) for value in self.values
        )
        wanted = f"[{shown}]" if len(self.values) != 1 else shown
        return f"{self.field.name} {self.operator}: {wanted}"


def _named(pattern: Any, match: Any) -> dict[str, bytes]:
    found = {name: match.group(index) for name, index in pattern.groupindex.items()}
    return {name: value for name, value in found.items() if value}


def _equal(test: Test, facts: Facts) -> bool:
    if test.field.type is Type.FLAG or not isinstance(test.operands[0], str):
        return facts.get(test.field.name) in test.operands
    return any(text in test.operands for text in facts.folded(test.field) or ())


def _contains(test: Test, facts: Facts) -> bool:
    texts = facts.folded(test.field) or ()
    return any(operand in text for text in texts for operand in test.operands)


def _words(test: Test, facts: Facts) -> bool:
    texts = facts.folded(test.field) or ()
    return any(has_word(text, operand) for text in texts for operand in test.operands)


def _starts_with(test: Test, facts: Facts) -> bool:
    return any(text.startswith(test.operands) for text in facts.folded(test.field) or ())


def _ends_with(test: Test, facts: Facts) -> bool:
    return any(text.endswith(test.operands) for text in facts.folded(test.field) or ())


def _glob(test: Test, facts: Facts) -> bool:
    texts = facts.encoded(test.field, folded=True) or ()
    return any(pattern.search(text) is not None for text in texts for pattern in test.patterns)


def _matches(test: Test, facts: Facts) -> bool:
    texts = facts.encoded(test.field, folded=False) or ()
    return any(pattern.search(text) is not None for text in texts for pattern in test.patterns)


def _number(facts: Facts, name: str) -> float:
    value = facts.get(name)
    assert isinstance(value, int | float), f"{name} is a numeric field"
    return value


def _at_least(test: Test, facts: Facts) -> bool:
    return bool(_number(facts, test.field.name) >= test.operands[0])


def _at_most(test: Test, facts: Facts) -> bool:
    return bool(_number(facts, test.field.name) <= test.operands[0])


def _exists(test: Test, facts: Facts) -> bool:
    value = facts.get(test.field.name)
    there = bool(value) if isinstance(value, str | tuple) else value is not None
    return there is test.operands[0]


_HOLDS: dict[Operator, Callable[[Test, Facts], bool]] = {
    Operator.IS: _equal,
    Operator.IN: _equal,
    Operator.CONTAINS: _contains,
    Operator.WORDS: _words,
    Operator.STARTS_WITH: _starts_with,
    Operator.ENDS_WITH: _ends_with,
    Operator.GLOB: _glob,
    Operator.MATCHES: _matches,
    Operator.AT_LEAST: _at_least,
    Operator.AT_MOST: _at_most,
    Operator.EXISTS: _exists,
}


class Kind(StrEnum):
    """How a group joins its members."""

    ALL = "all"
    ANY = "any"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Group:
    """Several conditions joined; never empty."""

    kind: Kind
    members: tuple[Condition, ...]
    line: int = 0
    column: int = 0

    def answer(self, facts: Facts) -> Answer:
        """The members' answers joined; stops as soon as the answer is settled."""
        settling = Answer.NO if self.kind is Kind.ALL else Answer.YES
        unknown = False
        for member in self.members:
            answer = member.answer(facts)
            if answer is settling:
                return Answer.NO if self.kind is not Kind.ANY else Answer.YES
            unknown = unknown or answer is Answer.UNKNOWN
        if unknown:
            return Answer.UNKNOWN
        return Answer.NO if self.kind is Kind.ANY else Answer.YES

    def captures(self, facts: Facts) -> dict[str, str]:
        """The named groups of all members that hold; the first of each name counts."""
        if self.kind is Kind.NONE:
            return {}
        found: dict[str, str] = {}
        for member in self.members:
            if member.answer(facts) is Answer.YES:
                for name, value in member.captures(facts).items():
                    found.setdefault(name, value)
        return found


Condition = Test | Group


def tests_of(condition: Condition) -> tuple[Test, ...]:
    """All tests of a condition, in the order in which they are written."""
    if isinstance(condition, Test):
        return (condition,)
    return tuple(test for member in condition.members for test in tests_of(member))


def capture_names(condition: Condition) -> frozenset[str]:
    """The names that tags and notes may use: named groups of patterns outside any `none`."""
    if isinstance(condition, Test):
        names = condition.patterns if condition.operator is Operator.MATCHES else ()
        return frozenset(name for pattern in names for name in pattern.groupindex)
    if condition.kind is Kind.NONE:
        return frozenset()
    return frozenset().union(*(capture_names(member) for member in condition.members))
