"""The tree that the strict YAML loader gives: values that know where they stand; parses nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from routing.problems import Problem

Scalar = str | int | float | bool | None
Kind = Literal["map", "list", "scalar"]


@dataclass(frozen=True, slots=True)
class Source:
    """One file's name and lines, shared by all its nodes, so that a problem can show its line."""

    file: str
    lines: tuple[str, ...]

    def problem(self, at: tuple[int, int], code: str, message: str, hint: str = "") -> Problem:
        """A problem at `at`, a 1-based (line, column), with its source line."""
        line, column = at
        shown = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        return Problem(self.file, line, column, code, message, hint, source_line=shown)


class Node:
    """One value of a file: a map of (key node, value node), a list of nodes, or a scalar.

    `raw` is a scalar's text as written (without quotes); `plain` says that it stood without
    quotes. A key is always a scalar whose `value` is its text.
    """

    __slots__ = ("column", "kind", "line", "plain", "raw", "source", "value")

    kind: Kind
    value: Scalar
    raw: str
    plain: bool

    def __init__(self, kind: Kind, source: Source, mark: Any) -> None:
        """`mark` is PyYAML's: 0-based line and column."""
        self.kind = kind
        self.source = source
        self.line: int = mark.line + 1
        self.column: int = mark.column + 1
        self.value = None
        self.raw = ""
        self.plain = False

    @property
    def file(self) -> str:
        """The file that this node stands in."""
        return self.source.file

    @property
    def at(self) -> tuple[int, int]:
        """1-based (line, column) of the node's first character."""
        return self.line, self.column

    @property
    def entries(self) -> list[tuple[Node, Node]]:
        """A map's (key, value) pairs in file order; empty for other kinds."""
        return []

    @property
    def items(self) -> list[Node]:
        """A list's nodes; empty for other kinds."""
        return []

    def get(self, key: str) -> Node | None:
        """The value under `key` of a map, or None."""
        return next((value for name, value in self.entries if name.value == key), None)

    def problem(self, code: str, message: str, hint: str = "") -> Problem:
        """A problem at this node."""
        return self.source.problem(self.at, code, message, hint)

    def describe(self) -> str:
        """What stands here, for an error text: `a list`, `the text "x"`, `the number 3`."""
        if self.kind != "scalar":
            return "a mapping" if self.kind == "map" else "a list"
        if self.value is None:
            return "nothing"
        if isinstance(self.value, bool):
            return f"`{self.raw}`"
        if isinstance(self.value, str):
            shown = self.value if len(self.value) <= 40 else self.value[:37] + "..."
            return f'the text "{shown}"'
        return f"the number {self.raw}"

    def plain_value(self) -> object:
        """The same as dict, list and scalars, without places."""
        if self.kind == "map":
            return {str(key.value): value.plain_value() for key, value in self.entries}
        if self.kind == "list":
            return [item.plain_value() for item in self.items]
        return self.value


class MapNode(Node):
    __slots__ = ("_entries", "names")

    def __init__(self, source: Source, mark: Any) -> None:
        super().__init__("map", source, mark)
        self._entries: list[tuple[Node, Node]] = []
        self.names: dict[str, Node] = {}

    @property
    def entries(self) -> list[tuple[Node, Node]]:
        return self._entries


class ListNode(Node):
    __slots__ = ("_items",)

    def __init__(self, source: Source, mark: Any) -> None:
        super().__init__("list", source, mark)
        self._items: list[Node] = []

    @property
    def items(self) -> list[Node]:
        return self._items
