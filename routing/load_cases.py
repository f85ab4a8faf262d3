"""Reads `tests`: what is given and what is expected; runs nothing (see `routing.cases`)."""

from __future__ import annotations

from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from routing.fields import DECIDERS, LISTS, NUMERIC, TEXTUAL, Field, Type, lookup, names
from routing.fold import fold
from routing.load_then import PRIORITIES, read_snooze
from routing.load_when import read_size, why_impossible
from routing.names import Names, check_name
from routing.problems import Problem
from routing.reader import Fields, Reader, did_you_mean
from routing.ruleset import Case, Event, Expect
from routing.strict_yaml import Node, load_text

CASE_KEYS = ("name", "given", "mail", "account", "at", "ran", "on", "expect")
EXPECT_KEYS = (
    "team",
    "rule",
    "not_rule",
    "decided_by",
    "tags",
    "priority",
    "policy",
    "stage",
    "assignee",
    "reply",
    "notify",
    "snooze",
)
MOST_NUMBER = 10**15
"""Of a size or a count; no mail has more."""


class Cases:
    """Reads the tests of all files; rule names are checked when all rules are known."""

    def __init__(self, reader: Reader, names: Names) -> None:
        self.reader = reader
        self.names = names
        self._named: list[Node] = []

    def read(self, fields: Fields, key: str, rule: str = "") -> tuple[Case, ...]:
        """The cases of the list under `key`."""
        what = f'a test of rule "{rule}"' if rule else "a test"
        return tuple(self._case(case, rule) for case in fields.mappings(key, CASE_KEYS, what))

    def check_rule_names(self, known: tuple[str, ...]) -> None:
        """Note every `rule` and `not_rule` that names no rule."""
        there = frozenset(known)
        for node in self._named:
            if node.value not in there:
                message = f"there is no rule `{node.value}`"
                hint = self.reader.suggest(str(node.value), known)
                self.reader.report(node, "unknown-rule", message, hint)

    def _case(self, fields: Fields, rule: str) -> Case:
        given = self.given(fields.mapping("given", None, "`given`"), "")
        account = self.given(fields.mapping("account", None, "`account`"), "account.")
        if fields.node is not None and not ("given" in fields or "mail" in fields):
            message = f"{fields.what} needs `given` or `mail`"
            self.reader.report(fields.node, "missing-key", message)
        event = fields.text("on", choices=tuple(event.value for event in Event))
        arrives_at = self._instant(fields.get("at"), "at")
        ran_at = self._ran(fields, arrives_at)
        return Case(
            given={**account, **given},
            expect=self._expect(fields),
            name=fields.text("name"),
            mail=fields.text("mail"),
            at=fields.text("at"),
            arrives_at=arrives_at,
            ran_at=MappingProxyType(ran_at),
            event=Event(event) if event else None,
            rule=rule,
            file=fields.node.file if fields.node else "",
            line=fields.node.line if fields.node else 0,
            column=fields.node.column if fields.node else 0,
        )

    def _instant(self, node: Node | None, key: str) -> datetime | None:
        """The instant that stands at a node; None with a problem, or where there is no node."""
        if node is None:
            return None
        found = read_time(node.value) if isinstance(node.value, str) else None
        if found is None:
            message = f"`{key}` must be a point in time with its zone, not {node.describe()}"
            hint = 'write it as in "2026-11-05 16:30 Europe/Berlin"'
            self.reader.report(node, "bad-time", message, hint)
        return found

    def _ran(self, fields: Fields, arrives_at: datetime | None) -> dict[str, datetime]:
        """Rules that ran on the thread before, for `run`; needs `at` to tell how long ago."""
        ran = fields.mapping("ran", None, "`ran`")
        found: dict[str, datetime] = {}
        for name in ran:
            key, node = ran.key(name), ran.get(name)
            instant = self._instant(node, name)
            if key is not None:
                self._named.append(key)
            if instant is None or node is None:
                continue
            if arrives_at is not None and instant > arrives_at:
                message = f"rule `{name}` cannot have run after the mail arrives"
                self.reader.report(node, "bad-time", message, f"`at` is {arrives_at.isoformat()}")
            found[name] = instant
        if found and "at" not in fields and ran.node is not None:
            message = f"{fields.what} has `ran` and needs `at` beside it"
            hint = "say when the mail arrives, so that it is known how long ago the rules ran"
            self.reader.report(ran.node, "missing-key", message, hint)
        return found

    def given(self, fields: Fields, prefix: str) -> dict[str, object]:
        """The given values by field name; the names in the file follow `prefix`."""
        found: dict[str, object] = {}
        for name in fields:
            key, node = fields.key(name), fields.get(name)
            field = lookup(prefix + name)
            if field is None and key is not None:
                message = f"there is no field `{prefix}{name}`"
                self.reader.report(
                    key, "unknown-field", message, did_you_mean(prefix + name, names())
                )
            elif field is not None and node is not None:
                found[field.name] = self._value(field, node)
        return found

    def _value(self, field: Field, node: Node) -> object:
        """A given value; None, also written as `null`, makes the field unknown."""
        value = node.value
        if node.kind == "scalar" and value is None:
            return None
        if field.type in TEXTUAL:
            nodes = node.items if node.kind == "list" and field.type in LISTS else [node]
            texts = [item.value for item in nodes if isinstance(item.value, str)]
            if len(texts) == len(nodes):
                self._check(field, nodes)
                return tuple(texts) if field.type in LISTS else texts[0]
        elif field.type is Type.FLAG and isinstance(value, bool):
            return value
        elif field.type in NUMERIC:
            if isinstance(value, str) and field.type is Type.SIZE:
                value = read_size(value)
            if isinstance(value, int | float) and not isinstance(value, bool):
                return self._number(field, node, value)
        message = f"`{field.name}` holds {field.type}, not {node.describe()}"
        hint = "put it in quotes" if field.type in TEXTUAL and node.kind == "scalar" else ""
        self.reader.report(node, "wrong-type", message, hint)
        return None

    def _number(self, field: Field, node: Node, value: float) -> float | None:
        most = 1 if field.type is Type.SHARE else MOST_NUMBER
        if 0 <= value <= most and (field.type is Type.SHARE or isinstance(value, int)):
            return value
        message = f"`{field.name}` is {field.type}, which cannot be {node.raw}"
        self.reader.report(node, "out-of-range", message)
        return None

    def _check(self, field: Field, nodes: list[Node]) -> None:
        """A given team, stage or choice that does not exist would make the test worthless."""
        for node in nodes:
            folded = fold(str(node.value))
            if not folded or folded in field.choices:
                continue
            if field.listed:
                check_name(self.reader, node, field.listed, self.names.listed(field.listed))
                continue
            hint = why_impossible(field, folded)
            if hint is not None:
                message = f'`{field.name}` can never be "{node.value}"'
                self.reader.report(node, "bad-value", message, hint)

    def _expect(self, case: Fields) -> Expect:
        case.require("expect")
        fields = case.mapping("expect", EXPECT_KEYS, "`expect`")
        if fields.node is not None and not fields.node.entries:
            message = "`expect` asks for nothing"
            hint = "known: " + ", ".join(EXPECT_KEYS)
            self.reader.report(fields.node, "empty-expect", message, hint)
        for key in ("rule", "not_rule"):
            node = fields.get(key)
            if node is not None:
                listed = node.items if node.kind == "list" else [node]
                self._named.extend(item for item in listed if isinstance(item.value, str))
        return Expect(
            team=self._name(fields, "team", "teams"),
            rules=fields.texts("rule"),
            not_rules=fields.texts("not_rule"),
            decided_by=fields.text("decided_by", choices=DECIDERS),
            tags=fields.texts("tags"),
            priority=fields.text("priority", choices=PRIORITIES),
            policy=self._name(fields, "policy", "policies"),
            stage=self._name(fields, "stage", "stages"),
            assignee=fields.text("assignee"),
            reply=self._name(fields, "reply", "templates"),
            notify=fields.texts("notify"),
            snooze_for=read_snooze(fields),
        )

    def _name(self, fields: Fields, key: str, what: str) -> str:
        text, node = fields.text(key), fields.get(key)
        if text and node is not None:
            check_name(self.reader, node, what, self.names.listed(what))
        return text


def read_given(text: str, names: Names) -> tuple[dict[str, object], tuple[Problem, ...]]:
    """The facts in a JSON object (`{"account.tier": "gold"}`, or `{"account": {"tier": "gold"}}`),
    checked as `given` of a test is: values by field name, and every problem.

    Positions are those in the text, its file is `--given`.
    """
    root, problems = load_text(text + "\n", "--given")  # every JSON object is YAML
    reader = Reader(problems)
    cases = Cases(reader, names)
    top = reader.fields(root, None, "the object of given facts")
    found: dict[str, object] = {}
    for name in top:
        node = top.get(name)
        if node is not None and node.kind == "map":
            found |= cases.given(top.mapping(name, None), f"{name}.")
    flat = [name for name in top if (node := top.get(name)) is None or node.kind != "map"]
    found |= cases.given(top.only(flat), "")
    return found, reader.problems


def read_time(text: str) -> datetime | None:
    """An aware instant: `2026-11-05 16:30 Europe/Berlin`, or ISO 8601 with an offset; else None."""
    written, _, zone = text.strip().rpartition(" ")
    try:
        if "/" in zone or zone == "UTC":
            return datetime.fromisoformat(written).replace(tzinfo=ZoneInfo(zone))
        found = datetime.fromisoformat(text.strip())
    except (ValueError, KeyError, OSError):  # zoneinfo: no such zone; it opens a path made of it
        return None
    return found if found.tzinfo is not None else None
