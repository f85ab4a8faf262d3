"""Reads rule files: bytes in, a checked `Ruleset` or every problem out; no disk, no lint.

What cannot be used is an error and refuses the whole set; what is only unwise is found by
`routing.lint`.
"""

from __future__ import annotations

import gc
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import MappingProxyType

from routing.conditions import Condition, capture_names
from routing.load_cases import Cases
from routing.load_then import ACTIONS, read_run, read_then
from routing.load_when import read_when
from routing.names import Names, check_name
from routing.problems import Problem
from routing.reader import Fields, Reader
from routing.ruleset import (
    EVERY_MESSAGE,
    MESSAGE_EVENTS,
    Actions,
    Event,
    Fallback,
    Rule,
    Ruleset,
    content_hash,
    in_name_order,
)
from routing.strict_yaml import Node, load_text

__all__ = ["Names", "load_parts", "load_ruleset"]

FILE_KEYS = ("rules", "fallback", "tests")
RULE_KEYS = ("name", "why", "on", "when", "then", "stop", "run", "tests")
FALLBACK_KEYS = ("classifier_at_least", "team")
MODEL = "model"
EVENT_NAMES = (*(event.value for event in Event), EVERY_MESSAGE)
MAX_NAME = 80


def load_ruleset(
    files: Sequence[tuple[str, bytes]], names: Names
) -> tuple[Ruleset | None, tuple[Problem, ...]]:
    """The ruleset of all files together, read in name order, and every problem found.

    `files` are (path, content) pairs in any order. With any problem of severity `error` there is
    no ruleset; warnings come beside one.
    """
    ruleset, _, problems = load_parts(files, names)
    return ruleset, problems


def load_parts(
    files: Sequence[tuple[str, bytes]], names: Names
) -> tuple[Ruleset | None, tuple[Rule, ...], tuple[Problem, ...]]:
    """The same, and beside it the rules in which there is no error: they can be linted although
    others refuse the set."""
    loader = _Loader(names)
    ordered = in_name_order(files)
    with _without_collector():
        for name, data in ordered:
            loader.file(name, data)
        ruleset = loader.finish(ordered)
    return ruleset, loader.good_rules(), loader.reader.problems


@contextmanager
def _without_collector() -> Iterator[None]:
    """A load makes many small objects and no cycles: the collector would look at all of them
    again and again, for half of the load's time."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


class _Loader:
    def __init__(self, names: Names) -> None:
        self.names = names
        self.reader = Reader()
        self.cases = Cases(self.reader, names)
        self.rules: list[Rule] = []
        self.alone: list[Fields] = []
        self.fallbacks: list[tuple[Node, Fallback]] = []
        self.named: dict[str, Node] = {}
        self.begins: dict[str, list[int]] = {}
        """file -> the lines at which its rules begin, in order."""

    def file(self, name: str, data: bytes) -> None:
        root, problems = load_text(data, name)
        self.reader.add(*problems)
        if root is None:
            return
        if not data.endswith((b"\n", b"\r")):
            message = "the file does not end with a line end: it may be half-written"
            line = data.count(b"\n") + 1
            self.reader.add(Problem(name, line, 0, "no-final-newline", message, "", "warning"))
        top = self.reader.fields(root, FILE_KEYS, "a rule file")
        for rule in top.mappings("rules", RULE_KEYS, "a rule"):
            self._rule(rule)
        if "fallback" in top:
            self._fallback(top)
        self.alone.append(top)

    def _rule(self, fields: Fields) -> None:
        if fields.node is None:
            return
        self.begins.setdefault(fields.node.file, []).append(fields.node.line)
        name = self._rule_name(fields)
        fields.what = f'rule "{name}"' if name else "a rule"
        when = self._when(fields)
        fields.require("then")
        captures = capture_names(when) if when is not None else None
        then = fields.mapping("then", ACTIONS, f"`then` of {fields.what}")
        actions = read_then(then, self.names, captures) if then.node is not None else Actions()
        events, stop = self._events(fields), fields.flag("stop", default=bool(actions.team))
        run = read_run(self.reader, fields.get("run"), fields.what)
        why, cases = fields.text("why"), self.cases.read(fields, "tests", name)
        if when is not None:
            place = (fields.node.file, fields.node.line, fields.node.column)
            rule = Rule(name, when, actions, stop, why, events, run, *place, cases)
            self.rules.append(rule)

    def _rule_name(self, fields: Fields) -> str:
        name, node = fields.text("name", required=True), fields.get("name")
        if not name or node is None:
            return ""
        if len(name) > MAX_NAME or not name.isprintable() or name != name.strip():
            message = f"a rule cannot be named {name[:MAX_NAME]!r}"
            hint = f"use one line of at most {MAX_NAME} characters, without spaces around it"
            self.reader.report(node, "bad-name", message, hint)
        first = self.named.setdefault(name, node)
        if first is not node:
            message = (
                f"the rule `{name}` is defined a second time, first at {first.file}:{first.line}"
            )
            self.reader.report(node, "duplicate-name", message, "give it another name")
        return name

    def _when(self, fields: Fields) -> Condition | None:
        node = fields.require("when")
        return read_when(self.reader, node, self.names) if node is not None else None

    def _events(self, fields: Fields) -> tuple[Event, ...]:
        written = fields.texts("on", choices=EVENT_NAMES)
        if not written:
            return (Event.NEW_THREAD,)
        events: list[Event] = []
        for text in written:
            events.extend(MESSAGE_EVENTS if text == EVERY_MESSAGE else (Event(text),))
        return tuple(dict.fromkeys(events))

    def _fallback(self, top: Fields) -> None:
        fields = top.mapping("fallback", FALLBACK_KEYS)
        key = top.key("fallback")
        if fields.node is None or key is None:
            return
        team, node = fields.text("team", required=True), fields.get("team")
        if team and node is not None:
            check_name(self.reader, node, "teams", self.names.teams)
        at_least, by_team = self._thresholds(fields)
        fallback = Fallback(team, at_least, MappingProxyType(by_team), key.file, key.line)
        self.fallbacks.append((key, fallback))

    def _thresholds(self, fields: Fields) -> tuple[float | None, dict[str, float | None]]:
        node = fields.get("classifier_at_least")
        if node is None or node.kind != "map":
            return self._threshold(node), {}
        by_team: dict[str, float | None] = {}
        default: float | None = None
        for key, value in node.entries:
            if key.value == "default":
                default = self._threshold(value)
            elif check_name(self.reader, key, "teams", self.names.teams):
                by_team[str(key.value)] = self._threshold(value)
        return default, by_team

    def _threshold(self, node: Node | None) -> float | None:
        """A score from 0 to 1; None for the model's own."""
        if node is None or node.value == MODEL:
            return None
        value = node.value
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
            return float(value)
        message = f"a threshold cannot be {node.describe()}"
        hint = "write `model`, a number from 0 to 1, or one per team"
        self.reader.report(node, "bad-threshold", message, hint)
        return None

    def finish(self, files: list[tuple[str, bytes]]) -> Ruleset | None:
        cases = [case for rule in self.rules for case in rule.cases]
        for top in self.alone:
            cases.extend(self.cases.read(top, "tests"))
        if not self._unread(files):
            self.cases.check_rule_names(tuple(self.named))
        self._check_fallbacks(files)
        if self.reader.errors:
            return None
        return Ruleset(
            rules=tuple(self.rules),
            fallback=self.fallbacks[0][1],
            hash=content_hash(files),
            teams=self.names.teams,
            cases=tuple(cases),
            files=tuple(name for name, _ in files),
        )

    def good_rules(self) -> tuple[Rule, ...]:
        """The rules in whose lines no error was found."""
        bad = set()
        for error in self.reader.errors:
            begins = self.begins.get(error.file, [])
            before = bisect_right(begins, error.line)
            if before:
                bad.add((error.file, begins[before - 1]))
        return tuple(rule for rule in self.rules if (rule.file, rule.line) not in bad)

    def _check_fallbacks(self, files: list[tuple[str, bytes]]) -> None:
        if not files:
            message = "there is no rule file"
            hint = "`aboard init` writes some to start from"
            self.reader.add(Problem("data/rules", 0, 0, "no-rules", message, hint))
        elif not self.fallbacks and not self._unread(files):
            message = "no file has a `fallback`, so some mail would have no team"
            hint = "add `fallback: {classifier_at_least: model, team: NAME}` once"
            self.reader.add(Problem(files[-1][0], 0, 0, "missing-fallback", message, hint))
        for key, _ in self.fallbacks[1:]:
            first = self.fallbacks[0][0]
            message = f"there is a second `fallback`, the first at {first.file}:{first.line}"
            self.reader.report(key, "second-fallback", message, "remove one of them")

    def _unread(self, files: list[tuple[str, bytes]]) -> bool:
        """Was there a file without a tree? Then what seems to be missing may stand in it."""
        return len(self.alone) < len(files)
