"""docs/RULES.md: its tables are those of the registries, its examples load, pass and are sound."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from routing.cases import run_cases
from routing.lint import lint
from routing.load import load_ruleset
from routing.reference import BEGIN, END, markdown
from routing.schema import json_schema
from tests.routing.sets import FALLBACK, NAMES, RULES

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "RULES.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")


def examples() -> list[tuple[str, str]]:
    """(heading, YAML) of each block."""
    found = []
    heading, block, inside = "", [], False
    for line in TEXT.splitlines():
        if line.startswith("#") and not inside:
            heading = line.strip("# ")
        elif line.startswith("```"):
            if inside:
                found.append((heading, "\n".join(block) + "\n"))
            inside, block = line == "```yaml", []
        elif inside:
            block.append(line)
    return found


EXAMPLES = examples()


def test_the_tables_are_those_of_the_registries() -> None:
    start, end = TEXT.index(BEGIN), TEXT.index(END) + len(END)
    assert TEXT[start:end] == markdown()


def test_the_cookbook_has_at_least_twelve_examples() -> None:
    assert len([heading for heading, _ in EXAMPLES if heading != "The language"]) >= 12


@pytest.mark.parametrize(("heading", "text"), EXAMPLES, ids=[heading for heading, _ in EXAMPLES])
def test_an_example_loads_passes_its_tests_and_is_sound(heading: str, text: str) -> None:
    if "fallback:" not in text:
        text += FALLBACK
    ruleset, problems = load_ruleset([("example.yaml", text.encode())], NAMES)
    assert ruleset is not None, "\n".join(problem.framed() for problem in problems)
    assert not problems and not lint(ruleset)
    report = run_cases(ruleset)
    assert not report.failed, report.text()
    assert not report.untouched
    for rule in ruleset.rules:
        assert any(rule.name in case.expect.not_rules for case in ruleset.cases) or any(
            case.expect.decided_by == "thread" for case in rule.cases
        ), f"{rule.name} has no negative test"


def test_every_code_that_the_shelf_shows_is_documented() -> None:
    shelf = Path(__file__).parent / "bad"
    lines = [line for path in shelf.glob("*.expected") for line in path.read_text().splitlines()]
    codes = {line.split(": ")[2] for line in lines}
    assert {code for code in codes if f"`{code}`" not in TEXT} == set()


def test_the_shipped_schema_is_current() -> None:
    stored = json.loads((RULES / "rules.schema.json").read_text(encoding="utf-8"))
    assert stored == json_schema()


def test_the_schema_knows_the_teams_when_it_is_told() -> None:
    schema = json_schema(NAMES)
    actions = schema["$defs"]["actions"]["properties"]
    assert actions["team"] == {**actions["team"], "enum": list(NAMES.teams)}
    assert "waiting-for-you" in actions["reply"]["enum"]
    assert schema["$defs"]["condition"]["properties"]["subject words"]["description"]
