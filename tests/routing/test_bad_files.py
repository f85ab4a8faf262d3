"""A shelf of bad files, each with the exact lines that an admin reads."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from routing.lint import lint, lint_rules
from routing.load import load_parts, load_ruleset
from routing.names import Names
from tests.routing.sets import NAMES

SHELF = Path(__file__).parent / "bad"
FILES = sorted(SHELF.glob("*.yaml"))


def lines_of(path: Path) -> list[str]:
    """What `aboard rules check` reports: the load's problems, then the lint's."""
    ruleset, good, problems = load_parts([(path.name, path.read_bytes())], NAMES)
    found = lint_rules(good) if ruleset is None else lint(ruleset)
    return [f"{problem.severity}: {problem}" for problem in (*problems, *found)]


def test_the_shelf_has_more_than_sixty_files() -> None:
    assert len(FILES) >= 60


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_bad_file_gets_exactly_these_messages(path: Path) -> None:
    expected = path.with_suffix(".expected").read_text(encoding="utf-8").splitlines()
    assert expected, f"{path.name} has no expected message"
    assert lines_of(path) == expected


def test_a_second_fallback_is_found_across_files() -> None:
    text = b"fallback: {team: support}\n"
    ruleset, problems = load_ruleset([("b.yaml", text), ("a.yaml", text)], NAMES)
    assert ruleset is None
    assert [str(problem) for problem in problems] == [
        "b.yaml:1:1: second-fallback: there is a second `fallback`, the first at a.yaml:1 "
        "(remove one of them)"
    ]


def test_a_rule_name_is_unique_across_files() -> None:
    text = b"rules: [{name: r, when: {automatic: true}, then: {priority: low}}]\n"
    files = [("a.yaml", text), ("b.yaml", text), ("c.yaml", b"fallback: {team: support}\n")]
    problems = load_ruleset(files, NAMES)[1]
    assert [str(problem) for problem in problems] == [
        "b.yaml:1:16: duplicate-name: the rule `r` is defined a second time, first at a.yaml:1 "
        "(give it another name)"
    ]


def test_no_file_at_all_is_a_problem() -> None:
    assert [problem.code for problem in load_ruleset([], NAMES)[1]] == ["no-rules"]


def test_a_file_over_one_mebibyte_is_refused() -> None:
    problems = load_ruleset([("a.yaml", b"#" * (1024 * 1024 + 1))], NAMES)[1]
    assert [problem.code for problem in problems] == ["file-too-large"]


def test_a_problem_shows_its_line_with_a_caret() -> None:
    data = b"rules: []\nfallback: {team: suport}\n"
    (problem,) = load_ruleset([("a.yaml", data)], NAMES)[1]
    assert problem.framed().splitlines()[1:] == [
        "    2 | fallback: {team: suport}",
        "                         ^",
    ]


def test_thousands_of_misspelt_names_among_thousands_take_seconds_not_an_hour() -> None:
    """Suggestions compare what is written with all that is known: only the first ones are made."""
    lines = (
        f"  - {{name: customer-rule-{n}, when: {{subject: a{n}}}, then: {{tags: [x]}}, tests:"
        f" [{{given: {{subject: a{n}}}, expect: {{rule: custmer-rule-{n}}}}}]}}\n"
        for n in range(2_000)
    )
    text = "rules:\n" + "".join(lines) + "fallback: {team: support}\n"
    begun = time.process_time()
    ruleset, problems = load_ruleset([("a.yaml", text.encode())], Names(("support",)))
    assert ruleset is None and len(problems) == 2_000
    assert problems[0].hint == "did you mean `customer-rule-0`?"
    assert time.process_time() - begun < 20  # measured: 2; before there was a bound: 130
