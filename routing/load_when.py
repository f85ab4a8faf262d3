"""Reads `when`: nodes of a rule file in, a checked condition out; evaluates nothing."""

from __future__ import annotations

from typing import Any

from routing.conditions import (
    FLAG_OPERATORS,
    MAX_NESTING,
    NUMBER_OPERATORS,
    TEXT_OPERATORS,
    Condition,
    Group,
    Kind,
    Operator,
    Test,
)
from routing.fields import NETWORK, NUMERIC, TEXTUAL, Field, Type, lookup, names
from routing.fold import compile_pattern, fold, fold_domain, glob_pattern
from routing.names import Names, check_name
from routing.reader import Reader, did_you_mean
from routing.strict_yaml import Node

_GROUPS = frozenset(kind.value for kind in Kind)
_UNITS = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_OPERATORS = {operator.value: operator for operator in Operator}
MAX_VALUES = 1000
"""Values beside one operator."""


def read_when(reader: Reader, node: Node, names: Names) -> Condition | None:
    """The condition of a rule; None with at least one problem where it cannot be used."""
    return _Conditions(reader, names).mapping(node, 0)


class _Conditions:
    def __init__(self, reader: Reader, names: Names) -> None:
        self.reader = reader
        self.names = names

    def mapping(self, node: Node, depth: int) -> Condition | None:
        """One mapping: all of its entries, each a test or a group."""
        if node.kind != "map":
            message = f"a condition must be a mapping, not {node.describe()}"
            self.reader.report(node, "wrong-type", message, "write it as in `subject contains: x`")
            return None
        if not node.entries:
            message = "an empty condition would match every mail"
            self.reader.report(
                node, "empty-condition", message, "write a test, such as `automatic: false`"
            )
            return None
        members = [self._entry(key, value, depth) for key, value in node.entries]
        good = tuple(member for member in members if member is not None)
        if len(good) < len(members):
            return None
        return good[0] if len(good) == 1 else Group(Kind.ALL, good, node.line, node.column)

    def _entry(self, key: Node, value: Node, depth: int) -> Condition | None:
        if key.value in _GROUPS:
            return self._group(key, value, depth + 1)
        return self._test(key, value)

    def _group(self, key: Node, value: Node, depth: int) -> Condition | None:
        if depth > MAX_NESTING:
            message = f"groups are nested more than {MAX_NESTING} deep"
            self.reader.report(key, "too-nested", message, "split the rule in two")
            return None
        if value.kind != "list":
            message = f"`{key.value}` must be a list of conditions, not {value.describe()}"
            self.reader.report(value, "wrong-type", message, "begin each condition with `- `")
            return None
        if not value.items:
            self.reader.report(
                value, "empty-group", f"the group `{key.value}` is empty", "remove it"
            )
            return None
        members = [self.mapping(item, depth) for item in value.items]
        good = tuple(member for member in members if member is not None)
        if len(good) < len(members):
            return None
        return Group(Kind(str(key.value)), good, key.line, key.column)

    def _test(self, key: Node, value: Node) -> Test | None:
        name, _, written = str(key.value).partition(" ")
        field = lookup(name)
        if field is None:
            message, hint = f"there is no field `{name}`", did_you_mean(name, names())
            if name in {kind.title() for kind in Kind} | {kind.upper() for kind in Kind}:
                hint = f"did you mean `{name.lower()}`?"
            self.reader.report(key, "unknown-field", message, hint)
            return None
        operator = self._operator(key, field, " ".join(written.split()), value)
        if operator is None:
            return None
        return _Values(self.reader, self.names, key, field).read(operator, value)

    def _operator(self, key: Node, field: Field, written: str, value: Node) -> Operator | None:
        if not written:
            return Operator.IN if value.kind == "list" else Operator.IS
        allowed = operators(field)
        operator = _OPERATORS.get(written)
        if operator is not None:
            if operator in allowed:
                return operator
            message = f"`{field.name}` holds {_held(field)}, which `{written}` cannot compare"
            self.reader.report(key, "wrong-operator", message, "known: " + ", ".join(allowed))
            return None
        message = f"there is no operator `{written}`"
        self.reader.report(key, "unknown-operator", message, did_you_mean(written, allowed))
        return None


def operators(field: Field) -> tuple[Operator, ...]:
    """The operators that fit a field's type."""
    if field.type is Type.FLAG:
        return FLAG_OPERATORS
    return NUMBER_OPERATORS if field.type in NUMERIC else TEXT_OPERATORS


def _held(field: Field) -> str:
    if field.type in TEXTUAL:
        return "text"
    return "true or false" if field.type is Type.FLAG else "a number"


class _Values:
    """The values beside one operator."""

    def __init__(self, reader: Reader, names: Names, key: Node, field: Field) -> None:
        self.reader = reader
        self.names = names
        self.key = key
        self.field = field

    def read(self, operator: Operator, node: Node) -> Test | None:
        nodes = self._nodes(operator, node)
        if not nodes:
            return None
        found = [self._value(operator, item) for item in nodes]
        good = [pair for pair in found if pair is not None]
        if len(good) < len(found):
            return None
        return Test(
            self.field,
            operator,
            tuple(_scalar(item) for item in nodes),
            tuple(operand for operand, _ in good),
            self.key.line,
            self.key.column,
            tuple(pattern for _, pattern in good if pattern is not None),
        )

    def _value(self, operator: Operator, node: Node) -> tuple[Any, Any] | None:
        """(operand, its compiled pattern or None) of one value; None with a problem."""
        operand = self._operand(operator, node)
        if operand is None:
            return None
        if operator not in (Operator.GLOB, Operator.MATCHES):
            return operand, None
        pattern = self._pattern(operator, node, operand)
        return None if pattern is None else (operand, pattern)

    def _nodes(self, operator: Operator, node: Node) -> list[Node]:
        single = operator in (Operator.IS, Operator.AT_LEAST, Operator.AT_MOST, Operator.EXISTS)
        if node.kind != "list":
            return [node]
        if single:
            hint = "use `in`" if operator is Operator.IS else ""
            message = f"`{operator}` takes one value, not a list"
            self.reader.report(node, "wrong-type", message, hint)
            return []
        if not node.items:
            message = f"the list beside `{self.key.value}` is empty"
            self.reader.report(node, "empty-list", message, "write at least one value")
        if len(node.items) > MAX_VALUES:
            message = f"the list has {len(node.items)} values, at most {MAX_VALUES} are allowed"
            self.reader.report(node, "too-many-values", message, "split the rule in two")
            return []
        return node.items

    def _operand(self, operator: Operator, node: Node) -> Any:
        """The value in the form in which it is compared; None with a problem."""
        if node.kind != "scalar":
            return self._wrong(node, "a value")
        if operator is Operator.EXISTS or self.field.type is Type.FLAG:
            if isinstance(node.value, bool):
                return node.value
            return self._wrong(node, "true or false")
        if self.field.type in NUMERIC:
            return self._numeric(node)
        if not isinstance(node.value, str):
            return self._wrong(node, "a text", "put it in quotes" if node.raw else "")
        if operator is Operator.MATCHES:
            return node.value if node.value else self._empty(node)
        folded = (fold_domain if self._network(operator) else fold)(node.value)
        if not folded:
            return self._empty(node)
        return folded if self._possible(operator, node, folded) else None

    def _network(self, operator: Operator) -> bool:
        return self.field.type in NETWORK and operator is not Operator.GLOB

    def _numeric(self, node: Node) -> Any:
        value = node.value
        if isinstance(value, str) and self.field.type is Type.SIZE:
            value = read_size(value)
        if value is None or isinstance(value, bool | str):
            hint = "write it as in `10 MB` or `10 MiB`" if self.field.type is Type.SIZE else ""
            return self._wrong(node, "a number", hint)
        if self.field.type is not Type.SHARE and not isinstance(value, int):
            return self._wrong(node, "a whole number")
        if value < 0 or (self.field.type is Type.SHARE and value > 1):
            message = f"`{self.field.name}` is {self.field.type}, which cannot be {node.raw}"
            self.reader.report(node, "out-of-range", message)
            return None
        return value

    def _possible(self, operator: Operator, node: Node, folded: str) -> bool:
        """Could a mail ever have this value? What is sure never to match is a mistake."""
        if operator not in (Operator.IS, Operator.IN):
            return True
        field = self.field
        if field.listed:
            return folded in field.choices or self._listed(node, folded)
        hint = why_impossible(field, folded)
        if hint is None:
            return True
        self.reader.report(node, "bad-value", f'`{field.name}` can never be "{node.value}"', hint)
        return False

    def _listed(self, node: Node, folded: str) -> bool:
        known = self.names.listed(self.field.listed)
        if known is not None and folded in {fold(name) for name in known}:
            return True
        return check_name(self.reader, node, self.field.listed, known)

    def _pattern(self, operator: Operator, node: Node, operand: str) -> Any:
        written = glob_pattern(operand) if operator is Operator.GLOB else operand
        compiled, wrong = compile_pattern(written)
        if compiled is None:
            message = f"RE2 cannot use this pattern: {wrong}"
            hint = "see docs/RULES.md, patterns; `contains` and `words` need none"
            self.reader.report(node, "bad-pattern", message, hint)
        return compiled

    def _wrong(self, node: Node, expected: str, hint: str = "") -> None:
        message = f"`{self.key.value}` needs {expected}, not {node.describe()}"
        if not hint and isinstance(node.value, str) and self.field.type is Type.FLAG:
            hint = "write `true` or `false` without quotes"
        self.reader.report(node, "wrong-type", message, hint)

    def _empty(self, node: Node) -> None:
        message = f"`{self.key.value}` has an empty text, which would match every mail"
        self.reader.report(node, "empty-text", message, "use `exists` to ask for any value")


def why_impossible(field: Field, folded: str) -> str | None:
    """What to write instead of a text that this field never holds; None where it may hold it."""
    if field.choices and folded not in field.choices:
        return did_you_mean(folded, field.choices)
    if field.name == "language" and not (2 <= len(folded) <= 3 and folded.isascii()):
        return "write its code, such as `de`"
    if field.type in (Type.ADDRESS, Type.ADDRESSES) and "@" not in folded:
        return "write a whole address, or use `from.domain` or `ends with`"
    if field.type in (Type.DOMAIN, Type.DOMAINS) and "@" in folded:
        return "write what stands behind the @"
    return None


def _scalar(node: Node) -> str | int | float | bool:
    assert node.value is not None, "a value that was read is not null"
    return node.value


def read_size(text: str) -> int | None:
    """Bytes of a text such as `10 MB` (1,000s) or `10 MiB` (1,024s); None where it is none."""
    folded = fold(text).replace(" ", "")
    number = folded.rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = folded[len(number) :]
    digits = number.replace(".", "", 1)
    if unit not in _UNITS or not (digits.isascii() and digits.isdigit()) or len(digits) > 15:
        return None
    return int(float(number) * _UNITS[unit])
