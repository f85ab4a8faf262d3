"""What is found without looking at any mail, and what must not be found."""

from __future__ import annotations

from typing import Any

import pytest

from routing.lint import lint
from tests.routing.sets import load_rules

SHADOWED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"subject contains": "dpa"}, {"subject contains": ["DPA signed"]}),
    ({"subject contains": "dpa"}, {"subject words": "dpa", "automatic": False}),
    ({"subject words": "api"}, {"subject words": "api key"}),
    ({"subject exists": True}, {"subject contains": "x"}),
    ({"from.domain": ["a.example", "b.example"]}, {"from.domain": "b.example"}),
    ({"from.domain ends with": ".example"}, {"from.domain": "b.example"}),
    ({"size at least": 10}, {"size at least": 20}),
    ({"size at most": 20}, {"size": [3, 20]}),
    ({"any": [{"automatic": True}, {"subject contains": "a"}]}, {"automatic": True}),
    ({"none": [{"automatic": True}]}, {"automatic": False, "subject contains": "a"}),
    ({"automatic": False}, {"none": [{"automatic": True}]}),
    ({"subject matches": "a+b"}, {"subject matches": "a+b", "automatic": False}),
    ({"subject glob": ["*a*", "*b*"]}, {"subject glob": "*b*"}),
    ({"subject contains": "a"}, {"any": [{"subject": "xa"}, {"subject starts with": "ba"}]}),
    ({"none": [{"subject contains": "ab"}]}, {"none": [{"subject contains": "b"}]}),
]
FREE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"subject words": "dpa"}, {"subject contains": "dpa"}),
    ({"subject contains": "dpa signed"}, {"subject contains": "dpa"}),
    ({"subject contains": "dpa"}, {"text contains": "dpa"}),
    ({"size at least": 20}, {"size at least": 10}),
    ({"automatic": True}, {"automatic": False}),
    ({"account.tier": "gold"}, {"none": [{"account.tier": "silver"}]}),
    ({"none": [{"account.tier": "silver"}]}, {"subject contains": "a"}),
    ({"any": [{"automatic": True}, {"subject contains": "ab"}]}, {"subject contains": "a"}),
    ({"subject matches": "a"}, {"subject contains": "a"}),
]


def codes(*rules: dict[str, Any]) -> list[str]:
    made = [{"name": f"r{n}", "then": {"team": "success"}, **rule} for n, rule in enumerate(rules)]
    return [problem.code for problem in lint(load_rules(made))]


@pytest.mark.parametrize(("first", "second"), SHADOWED)
def test_a_rule_behind_one_that_takes_all_its_mail_is_found(first: Any, second: Any) -> None:
    assert codes({"when": first}, {"when": second}) == ["never-reached"]


@pytest.mark.parametrize(("first", "second"), FREE)
def test_a_rule_that_can_still_match_is_left_alone(first: Any, second: Any) -> None:
    assert codes({"when": first}, {"when": second}) == []


@pytest.mark.parametrize(
    "more",
    [
        {"stop": False, "then": {"tags": ["x"]}},
        {"run": "once-per-thread"},
        {"run": {"cool-down": "1h"}},
        {"on": "reply"},
    ],
)
def test_a_rule_that_lets_mail_pass_shadows_nothing(more: dict[str, Any]) -> None:
    when = {"subject contains": "a"}
    assert codes({"when": when, **more}, {"when": {"subject contains": "ab"}}) == []


CONTRADICTIONS: list[dict[str, Any]] = [
    {"automatic": True, "none": [{"automatic": True}]},
    {"automatic": True, "all": [{"automatic": False}]},
    {"size at least": 5, "size at most": 4},
    {"size": 3, "size at least": 5},
    {"from.domain": "a.example", "from.domain ends with": ".org"},
    {"subject": "a", "subject contains": "b"},
    {"subject starts with": "a", "all": [{"subject starts with": "b"}]},
    {"subject exists": False, "subject contains": "b"},
    {"subject words": "a b", "none": [{"subject contains": "a"}]},
    {"any": [{"automatic": True, "all": [{"automatic": False}]}]},
    {"automatic": True, "any": [{"automatic": False}, {"none": [{"automatic": True}]}]},
]
POSSIBLE: list[dict[str, Any]] = [
    {"to": "a@x.example", "to contains": "b"},
    {"subject contains": "a", "subject starts with": "b"},
    {"automatic": True, "none": [{"subject contains": "a"}]},
    {"size at least": 5, "size at most": 5},
    {"any": [{"automatic": True}, {"automatic": False}]},
]


@pytest.mark.parametrize("when", CONTRADICTIONS)
def test_a_rule_whose_conditions_exclude_each_other_is_found(when: dict[str, Any]) -> None:
    assert codes({"when": when}) == ["contradiction"]


@pytest.mark.parametrize("when", POSSIBLE)
def test_a_rule_that_is_possible_is_no_contradiction(when: dict[str, Any]) -> None:
    assert codes({"when": when}) == []


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (r"\bübersicht", ["ascii-only"]),
        (r"über\w+", ["ascii-only"]),
        (r"\bplain", []),
        (r"über\\b", []),
        (r"über[\pL]+", []),
        (r"a*", ["matches-everything"]),
        (r"^$|a", ["matches-everything"]),
    ],
)
def test_patterns_that_mean_something_else_are_warned_of(pattern: str, found: list[str]) -> None:
    assert codes({"when": {"subject matches": pattern}}) == found
