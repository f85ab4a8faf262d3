"""Writes a rule test from the facts of a real mail: minimal, and without what is not needed.

A test goes into a repository that more people read than the mail. So everything goes that the
decision does not need: whole fields first, then the words of each text, then the letters of
names; what stays is what the rules themselves ask for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from routing.decide import CLASSIFIER, FALLBACK, RULE, Decision, decide
from routing.facts import Facts, facts_given
from routing.fields import FIELDS, LISTS, TEXTUAL, lookup
from routing.ruleset import Event, Ruleset
from routing.strict_yaml import core_value

_TRIES = 4_000
"""Decisions that one test may cost."""
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_@./")


def case_from_facts(
    ruleset: Ruleset, facts: Facts, *, event: Event | str = Event.NEW_THREAD, name: str = ""
) -> str:
    """A `tests:` entry (one list item of YAML, ends with a line end) that expects what `decide`
    says now for these facts. Loaded beside the same rules, it passes."""
    wanted = decide(ruleset, facts, event=event)
    smaller = _Smaller(ruleset, Event(event), wanted)
    given = smaller.minimal(_known(facts))
    lines = []
    if name:
        lines.append(f"name: {scalar(name)}")
    if Event(event) is not Event.NEW_THREAD:
        lines.append(f"on: {Event(event)}")
    lines.append("given: " + flow(given))
    lines.append("expect: " + flow(_expected(wanted)))
    return "- " + "\n  ".join(lines) + "\n"


def _known(facts: Facts) -> dict[str, object]:
    """All values, with None for each that is unknown here and would be known in a test."""
    asked = [*FIELDS, *facts.snapshot()]
    return {name: facts.get(name) for name in dict.fromkeys(asked)}


def _expected(decision: Decision) -> dict[str, object]:
    expected: dict[str, object] = {"team": decision.team}
    if decision.decided_by == RULE:
        expected["rule"] = decision.rule
    else:
        expected["decided_by"] = decision.decided_by
    for name in ("priority", "policy", "stage"):
        if getattr(decision, name):
            expected[name] = getattr(decision, name)
    if decision.tags:
        expected["tags"] = list(decision.tags)
    return expected


class _Smaller:
    """Takes away what can be taken away without changing the decision."""

    def __init__(self, ruleset: Ruleset, event: Event, wanted: Decision) -> None:
        self.ruleset = ruleset
        self.event = event
        self.wanted = wanted
        self.left = _TRIES

    def same(self, given: Mapping[str, object]) -> bool:
        """Do these given values still lead to the decision?"""
        self.left -= 1
        got = decide(self.ruleset, facts_given(given), event=self.event)
        want = self.wanted
        return (got.team, got.decided_by, got.rule, got.matched, got.priority, got.policy) == (
            want.team, want.decided_by, want.rule, want.matched, want.priority, want.policy
        ) and (got.tags, got.stage) == (want.tags, want.stage)  # fmt: skip

    def minimal(self, given: dict[str, object]) -> dict[str, object]:
        if not self.same(given):
            return given
        keep = _kept(self.wanted)
        for name in sorted(given, key=_least_wanted):
            if name in keep:
                continue
            fewer = {key: value for key, value in given.items() if key != name}
            if self.same(fewer):
                given = fewer
        for name in [name for name in given if name not in keep]:
            given = self._shorter(given, name)
        return given

    def _shorter(self, given: dict[str, object], name: str) -> dict[str, object]:
        """The same with the value of one field as short as may be."""
        field, value = lookup(name), given[name]
        if field is None or field.type not in TEXTUAL:
            return given

        def with_value(new: object) -> dict[str, object]:
            return {**given, name: new}

        if isinstance(value, tuple):
            items = self._fewer(value, lambda few: with_value(tuple(few)))
            for place in range(len(items)):
                items[place] = self._text(
                    items[place],
                    lambda new, at=place: with_value((*items[:at], new, *items[at + 1 :])),  # type: ignore[misc]
                )
            return with_value(tuple(items))
        return with_value(self._text(str(value), with_value)) if value else given

    def _text(self, text: str, given_with: Callable[[str], dict[str, object]]) -> str:
        """Fewer words, then, where it is short, fewer characters."""
        words = self._fewer(text.split(), lambda few: given_with(" ".join(few)))
        shorter = " ".join(words)
        if not words or not self.same(given_with(shorter)):
            shorter = text
        if len(shorter) <= 100:
            kept = self._fewer(shorter, lambda few: given_with("".join(few)))
            shorter = "".join(kept)
        return shorter

    def _fewer(
        self, parts: Sequence[str], given_with: Callable[[Sequence[str]], dict[str, object]]
    ) -> list[str]:
        """Take away halves, quarters, single parts (delta debugging, Zeller 2002)."""
        kept = list(parts)
        size = max(len(kept) // 2, 1)
        while kept and self.left > 0:
            start, taken = 0, False
            while start < len(kept) and self.left > 0:
                fewer = kept[:start] + kept[start + size :]
                if self.same(given_with(fewer)):
                    kept, taken = fewer, True
                else:
                    start += size
            if size == 1 and not taken:
                break
            size = max(size // 2, 1)
        return kept


def _kept(decision: Decision) -> frozenset[str]:
    if decision.decided_by in (CLASSIFIER, FALLBACK):
        return frozenset({"classifier.team", "classifier.score", "classifier.abstain"})
    return frozenset()


def _least_wanted(name: str) -> tuple[int, str]:
    """Personal fields go first, so that where one of two would do the other one stays."""
    personal = ("from.name", "from", "reply_to", "to", "cc", "recipient", "body", "account.name")
    return (personal.index(name) if name in personal else len(personal), name)


def flow(values: Mapping[str, object]) -> str:
    """A mapping in YAML's flow style, readable by the strict loader."""
    pairs = (f"{key}: {_value(key, value)}" for key, value in values.items())
    return "{" + ", ".join(pairs) + "}"


def _value(key: str, value: object) -> str:
    field = lookup(key)
    if isinstance(value, tuple | list):
        single = field is not None and field.type in LISTS and len(value) == 1
        return scalar(value[0]) if single else "[" + ", ".join(map(scalar, value)) + "]"
    return scalar(value)


def scalar(value: object) -> str:
    """One value as YAML: plain where that is safe, else in double quotes."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and "e" in str(value):
        return f"{value:.20f}"
    if isinstance(value, int | float):
        return str(value)
    text = str(value).encode("utf-8", "replace").decode("utf-8")
    if text and _PLAIN.issuperset(text) and text[0].isalnum() and core_value(text) == text:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in quoted)
