"""The rules that an admin starts from: sound, tested, over all teams."""

from __future__ import annotations

from routing.cases import run_cases
from routing.lint import lint
from routing.load import load_ruleset
from tests.routing.sets import NAMES, RULES, TEAMS, shipped, shipped_files


def test_the_shipped_rules_have_no_findings() -> None:
    assert load_ruleset(shipped_files(), NAMES)[1] == ()
    assert lint(shipped()) == ()


def test_the_shipped_tests_pass_and_touch_every_rule() -> None:
    report = run_cases(shipped())
    assert not report.failed, report.text()
    assert not report.untouched
    assert report.text() == f"{len(shipped().cases)} passed, 0 failed\n"


def test_every_shipped_rule_says_why_and_has_a_positive_and_a_negative_test() -> None:
    ruleset = shipped()
    assert len(ruleset.rules) >= 25 and len(ruleset.files) == 3
    assert {rule.actions.team for rule in ruleset.rules} >= set(TEAMS)
    for rule in ruleset.rules:
        assert rule.why, rule.name
        assert len(rule.cases) >= 2, rule.name
        assert any(rule.name in case.expect.rules for case in rule.cases), rule.name
        assert any(rule.name in case.expect.not_rules for case in rule.cases), rule.name


def test_every_shipped_file_names_its_schema_in_the_first_line() -> None:
    for path in RULES.glob("*.yaml"):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert first == "# yaml-language-server: $schema=./rules.schema.json"
    assert (RULES / "rules.schema.json").is_file()
