"""Patterns and texts made to cost time: refused, or linear. Figures are in `bench/rules.py`."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from routing.decide import decide
from routing.facts import facts_given
from tests.routing.sets import load_rules, problems_of, rule, shipped

EVIL = [
    (r"^(a+)+$", "a" * 50_000 + "!"),
    (r"^([a-zA-Z]+)*$", "a" * 50_000 + "!"),
    (r"^(a|aa)+$", "a" * 50_000 + "!"),
    (r"^(a|a?)+$", "a" * 50_000 + "!"),
    (r"^(.*a){20}$", "a" * 50_000 + "!"),
    (r"^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 50_000),
    (r"(x+x+)+y", "x" * 50_000),
    (r"^(\w+\s?)*$", "word " * 10_000 + "!"),
    (r"(.*)*=(.*)*", "-" * 50_000),
    (r"^([a-z0-9]+([-.][a-z0-9]+)*)+@x$", "a-" * 25_000),
]
"""Facts from the OWASP page on regular expression denial of service, and their relatives."""
REFUSED = [
    r"(a{1000}){1000}",
    r"((a{100}){100}){100}",
    r"(?:a?){1001}",
    r"(a)\1",
    r"(?=a)b",
    r"(?<!a)b",
]


@pytest.mark.parametrize(("pattern", "text"), EVIL, ids=[pattern for pattern, _ in EVIL])
def test_an_evil_pattern_is_linear(pattern: str, text: str) -> None:
    """Python's own engine needs longer than the age of the world for most of these."""
    ruleset = load_rules(
        [{"name": "r", "when": {"text matches": pattern}, "then": {"tags": ["t"]}}]
    )
    decide(ruleset, facts_given({"text": text}))


@pytest.mark.parametrize("pattern", REFUSED)
def test_a_pattern_that_re2_cannot_bound_is_refused(pattern: str) -> None:
    assert "bad-pattern" in [
        problem.code for problem in problems_of(rule(f"text matches: '{pattern}'"))
    ]


@pytest.mark.parametrize(
    "text",
    [
        "api1 " * 200_000,
        "a" * 1_000_000,
        "error" * 200_000,
        "data " * 200_000,
        "契" * 300_000,
        "e\u0301" * 300_000,
        "\u00ad" * 500_000,
        "ﬁ" * 300_000,
        "\u0301\u0316" * 250_000,
        ("a" + "\u0301\u0316" * 16) * 15_000,
        "\ufdfa" * 350_000,
        "ΐ" * 500_000,
        "İ" * 500_000,
        "gdpr api error login invoice " * 36_000,
    ],
    ids=[
        "stems",
        "one-letter",
        "one-word",
        "half-phrases",
        "unspaced",
        "marks",
        "unseen",
        "ligature",
        "one-run-of-marks",
        "many-runs-of-marks",
        "eighteen-for-one",
        "three-for-one",
        "two-for-one",
        "many-matches",
    ],
)
def test_a_megabyte_made_against_the_rules_is_decided(text: str) -> None:
    assert decide(shipped(), facts_given({"subject": text[:10_000], "text": text})).team


NEVER_SEES_MAIL = {"hours_reader.py", "sla_load.py", "sequences.py"}
"""They read what admins write about hours, promises and follow-ups, with bounded and anchored patterns."""


def test_no_part_of_routing_that_sees_mail_uses_pythons_own_patterns() -> None:
    folder = Path(__file__).resolve().parents[2] / "routing"
    for path in folder.glob("*.py"):
        if path.name in NEVER_SEES_MAIL:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names.append(node.module or "")
            assert not {"re", "fnmatch", "regex"} & set(names), path.name
