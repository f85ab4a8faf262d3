"""`sla.yaml`: what it may say, every problem with its place, and which policy a thread is under."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from routing.names import Names
from routing.problems import Problem
from routing.sla import SlaSet, Span, Standing, policy_for
from routing.sla_load import load_sla, read_span
from routing.sla_schema import json_schema
from routing.strict_yaml import load_text

DATA = Path(__file__).parents[2] / "data"
NAMES = Names(
    ("support", "implementation"),
    stages=("welcome", "activation"),
    templates=("first-response-late",),
)
GOOD = """
policies:
  - name: gold
    when: {tier: [gold, platinum], team: support}
    targets: {first_response: 1h}
  - name: early
    when: {stage: welcome}
  - name: urgent
    hours: always
    targets:
      first_response: 30m
      resolution: {within: 2d, hours: {zone: UTC, week: {mon-fri: 09:00-17:00}}}
    at_risk: [10m, 5m]
    ladder:
      - {when: due, notify: [owner, lead], follow-up: first-response-late, for: first_response}
      - {when: 1h after, priority: high, tag: late, reassign: duty}
  - name: default
"""


def load(text: str) -> tuple[SlaSet | None, tuple[Problem, ...]]:
    """The set and every problem."""
    return load_sla(text, "sla.yaml", NAMES)


def good(text: str = GOOD) -> SlaSet:
    """The set, without a problem."""
    sla, problems = load(text)
    assert problems == ()
    assert sla is not None
    return sla


CHOICES = [
    (Standing("support", tier="gold"), "gold"),
    (Standing("support", tier="gold", stage="welcome"), "gold"),
    (Standing("implementation", tier="gold", stage="welcome"), "early"),
    (Standing("support", tier="silver"), "default"),
    (Standing("support", policy="urgent", tier="gold"), "urgent"),
    (Standing("support", policy="gone", tier="gold"), "gold"),
    (Standing("support"), "default"),
]


@pytest.mark.parametrize(("facts", "name"), CHOICES)
def test_the_named_policy_applies_else_the_first_that_fits_else_default(
    facts: Standing, name: str
) -> None:
    chosen = policy_for(good(), facts)
    assert chosen.policy.name == name
    assert f"`{name}`" in chosen.why


def test_at_risk_and_ladder_become_the_steps_of_each_target_with_due_always_among_them() -> None:
    urgent = good().named("urgent")
    assert urgent is not None
    first = urgent.promises["first_response"]
    assert [one.name for one in first.ladder] == ["10m before", "5m before", "due", "1h after"]
    assert first.ladder[2].follow_up == "first-response-late"
    assert [one.follow_up for one in urgent.promises["resolution"].ladder] == ["", "", "", ""]
    assert good().follow_ups == {"first-response-late"}


def test_a_day_is_a_full_working_day_of_the_calendar_that_counts() -> None:
    urgent = good().named("urgent")
    assert urgent is not None
    resolution = urgent.promises["resolution"]
    assert resolution.calendar is not None
    assert resolution.limit.in_(resolution.calendar).total_seconds() == 2 * 8 * 3600


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("2d", Span("2d", 2, 0)),
        ("1h 30m", Span("1h 30m", 0, 90)),
        ("90m", Span("90m", 0, 90)),
        ("1d4h", Span("1d4h", 1, 240)),
        ("", None),
        ("0m", None),
        ("5", None),
        ("1.5h", None),
        ("-1h", None),
        ("400d", None),
        ("30m 1h", None),
        ("٣h", None),
    ],
)
def test_a_time_is_days_hours_and_minutes(text: str, span: Span | None) -> None:
    assert read_span(text) == span


BAD = [
    ("policies: [{name: a}]", "missing-default"),
    ("policies: [{name: default, when: {team: support}}]", "condition-on-default"),
    ("policies: [{name: default}, {name: default}]", "duplicate"),
    ("policies: [{name: default}, {name: a, when: {team: sales}}]", "unknown-team"),
    ("policies: [{name: default}, {name: a, when: {stage: party}}]", "unknown-stage"),
    ("policies: [{name: default}, {name: a, when: {}}]", "empty-condition"),
    ("policies: [{name: default, targets: {first_reply: 4h}}]", "unknown-key"),
    ("policies: [{name: default, targets: {first_response: 4}}]", "bad-duration"),
    ("policies: [{name: default, targets: {first_response: {}}}]", "missing-key"),
    ("policies: [{name: default, hours: sometimes}]", "wrong-type"),
    ("policies: [{name: default, pause: closed}]", "bad-value"),
    ("policies: [{name: default, at_risk: 1h}]", "no-targets"),
    ("policies: [{name: default, targets: {resolution: 1d}, ladder: [{when: due}]}]", "empty-step"),
    (
        "policies: [{name: default, targets: {resolution: 1d}, ladder: [{when: soon, tag: x}]}]",
        "bad-step",
    ),
    (
        "policies: [{name: default, targets: {resolution: 1d}, ladder: [{when: due, tag: x, for: untouched}]}]",
        "unknown-target",
    ),
    (
        "policies: [{name: default, targets: {resolution: 1d}, ladder: [{when: 1h after, tag: x}, {when: 1h after, tag: y}]}]",
        "duplicate-step",
    ),
    (
        "policies: [{name: default, targets: {resolution: 1d}, ladder: [{when: due, follow-up: nope}]}]",
        "unknown-template",
    ),
    ("policies: []", "missing-default"),
    ("hours: {}", "missing-key"),
]


@pytest.mark.parametrize(("text", "code"), BAD, ids=[one[1] + " " + one[0][:50] for one in BAD])
def test_what_cannot_be_used_refuses_the_file_with_its_place(text: str, code: str) -> None:
    sla, problems = load(text)
    assert sla is None
    assert code in {one.code for one in problems}
    assert all(one.line == 1 and one.column >= 1 for one in problems)


def test_all_problems_of_a_file_come_in_one_run() -> None:
    text = "policies:\n" + "".join(
        f"  - {{name: p{n}, targets: {{first_response: {n}x}}}}\n" for n in range(5)
    )
    _, problems = load(text)
    assert [one.line for one in problems if one.code == "bad-duration"] == [2, 3, 4, 5, 6]


def test_the_loader_never_raises_whatever_byte_is_damaged() -> None:
    data = GOOD.encode()
    for place in range(0, len(data), 3):
        for byte in (b"", b"\x00", b"{", b"\xff"):
            load_sla(data[:place] + byte + data[place + 1 :], "sla.yaml", NAMES)


def test_the_shipped_policies_are_good_and_are_those_that_the_shipped_rules_name() -> None:
    teams = ("support", "implementation", "compliance", "success")
    stages = ("welcome", "activation", "guidance")
    sla, problems = load_sla(
        (DATA / "sla.yaml").read_bytes(), "sla.yaml", Names(teams, stages=stages)
    )
    assert problems == ()
    assert sla is not None
    assert set(sla.names) == {"default", "urgent", "legal", "onboarding"}
    for policy in sla.policies:
        assert set(policy.promises) == {
            "first_response",
            "next_response",
            "resolution",
            "handoff_acceptance",
            "untouched",
        }


def _fits(schema: dict[str, Any], value: object) -> bool:
    """A judge for the few keywords that the schema uses."""
    if "anyOf" in schema:
        return any(_fits(one, value) for one in schema["anyOf"])
    if "enum" in schema:
        return value in schema["enum"]
    if schema.get("type") == "object":
        if not isinstance(value, dict) or any(
            key not in value for key in schema.get("required", ())
        ):
            return False
        known = schema.get("properties", {})
        for key, one in value.items():
            inside = [known[key]] if key in known else []
            inside += [
                s
                for pattern, s in schema.get("patternProperties", {}).items()
                if re.search(pattern, key)
            ]
            if not inside or not all(_fits(s, one) for s in inside):
                return False
        return len(value) >= schema.get("minProperties", 0)
    if schema.get("type") == "array":
        return isinstance(value, list) and all(_fits(schema["items"], one) for one in value)
    return isinstance(value, str) and bool(value)


@pytest.mark.parametrize("text", [GOOD, (DATA / "sla.yaml").read_text()], ids=["good", "shipped"])
def test_the_schema_for_editors_takes_what_the_loader_takes(text: str) -> None:
    root, _ = load_text(text, "sla.yaml")
    assert root is not None
    assert _fits(json_schema(), root.plain_value())


@pytest.mark.parametrize(
    "text",
    [
        "policies: [{name: default, targets: {first_reply: 4h}}]",
        "policies: [{name: default, hours: sometimes}]",
        "policies: [{name: default, ladder: [{tag: x}]}]",
    ],
)
def test_the_schema_for_editors_refuses_what_the_loader_refuses(text: str) -> None:
    root, _ = load_text(text, "sla.yaml")
    assert root is not None
    assert not _fits(json_schema(), root.plain_value())
    assert load(text)[0] is None


def test_the_shipped_schema_is_the_one_made_from_the_lists() -> None:
    written = json.loads((DATA / "sla.schema.json").read_text())
    assert written == json_schema()
