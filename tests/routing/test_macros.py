"""macros.yaml: texts of the composer with what they do, read strictly."""

from __future__ import annotations

import pytest

from inbox import shipped
from routing.macros import Macro, load_macros
from routing.names import Names

NAMES = Names(("support", "success"))
GOOD = """
macros:
  - name: ask-for-w9
    why: It is needed.
    text: |
      Hello {{ contact.first_name }}
    then: wait
    tags: [W-9]
    priority: high
    team: success
    claim: true
  - {name: hint, title: A hint, why: Inside., kind: note, text: Look.}
"""


def test_a_macro_is_a_text_and_what_is_done() -> None:
    macros, problems = load_macros(GOOD, "macros.yaml", NAMES)
    assert macros is not None and problems == ()
    first, second = macros.by_name.values()
    assert first == Macro(
        "ask-for-w9", "Ask for w9", "It is needed.", "reply", "Hello {{ contact.first_name }}\n",
        first.line, "wait", ("w-9",), (), "high", "success", True,
    )  # fmt: skip
    assert first.does == (
        "tag w-9", "priority high", "take it on", "move to success", "wait for the customer",
    )  # fmt: skip
    assert (second.title, second.kind, second.does) == ("A hint", "note", ())


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("  - {name: x, why: y}", "missing-key"),
        ("  - {name: x, why: y, text: t, then: explode}", "bad-value"),
        ("  - {name: x, why: y, text: t, team: suport}", "unknown-team"),
        ("  - {name: x, why: y, text: t, colour: red}", "unknown-key"),
        ("  - {name: hint, why: y, text: t}\n  - {name: hint, why: y, text: t}", "duplicate"),
        ("  - {name: x, why: y, text: t, claim: yes}", "wrong-type"),
    ],
)
def test_what_is_wrong_is_a_problem_with_its_place(line: str, code: str) -> None:
    macros, problems = load_macros(f"macros:\n{line}\n", "macros.yaml", NAMES)
    assert macros is None
    assert code in {one.code for one in problems}, problems
    assert all(one.line for one in problems)


def test_the_shipped_macros_are_good() -> None:
    path = shipped.DATA / "macros.yaml"
    teams = Names(("support", "compliance"))
    macros, problems = load_macros(path.read_bytes(), "macros.yaml", teams)
    assert problems == () and macros is not None and len(macros.by_name) == 4
