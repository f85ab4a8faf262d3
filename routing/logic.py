"""What follows from a condition without looking at any mail: sound, and knowingly not complete.

`implies(p, q)`: whenever p is yes, q is yes. `refutes(p, q)`: whenever p is yes, q is no.
`never(p)`: p is never yes. Each may say False where it is true, never True where it is false.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from itertools import permutations
from typing import Any

from routing.conditions import Condition, Group, Kind, Operator, Test
from routing.fields import LISTS, NUMERIC, TEXTUAL, Type
from routing.fold import has_word

_EXACT = frozenset({Operator.IS, Operator.IN})


def canonical(condition: Condition) -> Hashable:
    """Equal for conditions that say the same with other words order or other places."""
    if isinstance(condition, Test):
        operator = Operator.IN if condition.operator is Operator.IS else condition.operator
        return condition.field.name, operator, frozenset(condition.operands)
    members = frozenset(canonical(member) for member in condition.members)
    if len(members) == 1 and condition.kind is not Kind.NONE:
        return next(iter(members))
    return condition.kind, members


def implies(one: Condition, other: Condition) -> bool:
    """Whenever `one` is yes, `other` is yes."""
    if isinstance(other, Group):
        if isinstance(one, Group) and other.kind is one.kind is Kind.NONE:
            return canonical(one) == canonical(other) or _none_implies(one, other)
        if other.kind is Kind.ALL and all(implies(one, member) for member in other.members):
            return True
        if other.kind is Kind.ANY and any(implies(one, member) for member in other.members):
            return True
        if other.kind is Kind.NONE and all(refutes(one, member) for member in other.members):
            return True
    if isinstance(one, Group):
        if one.kind is Kind.ALL:
            return any(implies(member, other) for member in one.members)
        if one.kind is Kind.ANY:
            return all(implies(member, other) for member in one.members)
        return any(_no_implies(member, other) for member in one.members)
    return isinstance(other, Test) and _test_implies(one, other)


def _none_implies(one: Group, other: Group) -> bool:
    """All that `other` excludes is excluded by `one`."""
    return all(
        any(_no_refutes(member, excluded) for member in one.members) for excluded in other.members
    )


def refutes(one: Condition, other: Condition) -> bool:
    """Whenever `one` is yes, `other` is no (not unknown)."""
    if isinstance(other, Group):
        if other.kind is Kind.ALL and any(refutes(one, member) for member in other.members):
            return True
        if other.kind is Kind.ANY and all(refutes(one, member) for member in other.members):
            return True
        if other.kind is Kind.NONE and any(implies(one, member) for member in other.members):
            return True
    if isinstance(one, Group):
        if one.kind is Kind.ALL:
            return any(refutes(member, other) for member in one.members)
        if one.kind is Kind.ANY:
            return all(refutes(member, other) for member in one.members)
        return any(_no_refutes(member, other) for member in one.members)
    return isinstance(other, Test) and _test_refutes(one, other)


def never(condition: Condition) -> bool:
    """The condition is never yes."""
    if isinstance(condition, Test):
        return False
    if condition.kind is Kind.NONE:
        return False
    if condition.kind is Kind.ANY:
        return all(never(member) for member in condition.members)
    if any(never(member) for member in condition.members):
        return True
    return any(refutes(one, other) for one, other in permutations(condition.members, 2))


def _no_implies(one: Condition, other: Condition) -> bool:
    """Whenever `one` is no, `other` is yes: a flag, or whether there is a value."""
    if not (isinstance(one, Test) and isinstance(other, Test)) or one.field != other.field:
        return False
    opposite = one.operator is other.operator and one.operands != other.operands
    return opposite and (one.field.type is Type.FLAG or one.operator is Operator.EXISTS)


def _no_refutes(one: Condition, other: Condition) -> bool:
    """Whenever `one` is no, `other` is no; the same field, so that neither is unknown."""
    same = isinstance(one, Test) and isinstance(other, Test) and one.field == other.field
    return same and implies(other, one)


def _test_implies(one: Test, other: Test) -> bool:
    if one.field != other.field:
        return False
    if other.operator is Operator.EXISTS:
        return _means_there(one) if other.operands[0] else _means_absent(one)
    if one.field.type is Type.FLAG:
        return set(one.operands) <= set(other.operands) and one.operator is other.operator
    if one.field.type in NUMERIC:
        return _number_implies(one, other)
    satisfied = _ENTAILED.get((one.operator, other.operator))
    if satisfied is None:
        same = one.operator is other.operator or {one.operator, other.operator} <= _EXACT
        return same and set(one.operands) <= set(other.operands)
    return all(any(satisfied(x, y) for y in other.operands) for x in one.operands)


def _means_there(test: Test) -> bool:
    return test.operator is not Operator.EXISTS or bool(test.operands[0])


def _means_absent(test: Test) -> bool:
    return test.operator is Operator.EXISTS and not test.operands[0]


def _number_implies(one: Test, other: Test) -> bool:
    if one.operator is Operator.EXISTS:
        return False
    if other.operator in _EXACT:
        return one.operator in _EXACT and set(one.operands) <= set(other.operands)
    bound = other.operands[0]
    if other.operator is Operator.AT_LEAST:
        return one.operator is not Operator.AT_MOST and all(x >= bound for x in one.operands)
    return one.operator is not Operator.AT_LEAST and all(x <= bound for x in one.operands)


def _inside(x: str, y: str) -> bool:
    return y in x


def _same(x: str, y: str) -> bool:
    return x == y


def _begins(x: str, y: str) -> bool:
    return x.startswith(y)


def _ends(x: str, y: str) -> bool:
    return x.endswith(y)


def _entailed() -> dict[tuple[Operator, Operator], Callable[[str, str], bool]]:
    """(what holds, what is asked) -> is it sure, for a text that holds x, that it holds y?"""
    table: dict[tuple[Operator, Operator], Callable[[str, str], bool]] = {
        (Operator.CONTAINS, Operator.CONTAINS): _inside,
        (Operator.WORDS, Operator.CONTAINS): _inside,
        (Operator.WORDS, Operator.WORDS): has_word,
        (Operator.STARTS_WITH, Operator.STARTS_WITH): _begins,
        (Operator.STARTS_WITH, Operator.CONTAINS): _inside,
        (Operator.ENDS_WITH, Operator.ENDS_WITH): _ends,
        (Operator.ENDS_WITH, Operator.CONTAINS): _inside,
    }
    for exact in _EXACT:
        for asked in _EXACT:
            table[exact, asked] = _same
        table[exact, Operator.CONTAINS] = _inside
        table[exact, Operator.WORDS] = has_word
        table[exact, Operator.STARTS_WITH] = _begins
        table[exact, Operator.ENDS_WITH] = _ends
    return table


_ENTAILED = _entailed()


def _test_refutes(one: Test, other: Test) -> bool:
    if one.field != other.field:
        return False
    if other.operator is Operator.EXISTS:
        return _means_absent(one) if other.operands[0] else _means_there(one)
    if _means_absent(one):
        return True
    if one.field.type is Type.FLAG:
        return one.operator is other.operator and not _common(one.operands, other.operands)
    if one.field.type in NUMERIC:
        return _number_refutes(one, other)
    if one.field.type not in TEXTUAL or one.field.type in LISTS:
        return False  # of several values one may match and another not
    return _text_refutes(one, other)


def _common(one: Iterable[Any], other: Iterable[Any]) -> bool:
    return bool(set(one) & set(other))


def _number_refutes(one: Test, other: Test) -> bool:
    if one.operator is Operator.EXISTS:
        return False
    if one.operator in _EXACT:
        if other.operator in _EXACT:
            return not _common(one.operands, other.operands)
        bound = other.operands[0]
        if other.operator is Operator.AT_LEAST:
            return all(x < bound for x in one.operands)
        return all(x > bound for x in one.operands)
    bound = one.operands[0]
    if other.operator in _EXACT or other.operator is not one.operator:
        if one.operator is Operator.AT_LEAST:
            return all(x < bound for x in other.operands)
        return all(x > bound for x in other.operands)
    return False


def _text_refutes(one: Test, other: Test) -> bool:
    """For a field with a single value."""
    if one.operator in _EXACT:
        satisfied = _ENTAILED.get((Operator.IS, other.operator))
        if satisfied is None:
            return False
        return not any(satisfied(x, y) for x in one.operands for y in other.operands)
    if other.operator in _EXACT:
        return _text_refutes(other, one)
    if one.operator is other.operator is Operator.STARTS_WITH:
        pairs = [(x, y) for x in one.operands for y in other.operands]
        return not any(x.startswith(y) or y.startswith(x) for x, y in pairs)
    if one.operator is other.operator is Operator.ENDS_WITH:
        pairs = [(x, y) for x in one.operands for y in other.operands]
        return not any(x.endswith(y) or y.endswith(x) for x, y in pairs)
    return False
