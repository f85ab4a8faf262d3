"""followups.yaml: read strictly, every problem at its place."""

from __future__ import annotations

from datetime import time

import pytest

from inbox import shipped
from routing.names import Names
from routing.sequences import Followups, load_followups

NAMES = Names(teams=("support",), stages=("welcome",), templates=("ack", "ask", "bye"))
ROLES = {"ack": "acknowledges", "ask": "asks", "bye": "tells"}
GOOD = """
acknowledge: {who: known, template: ack, strangers_an_hour: 5}
limits: {most_a_day: 3, asks_a_day: 1}
quiet_hours: {from: 21:00, until: 07:30}
sequences:
  - name: waiting
    why: They owe us something.
    on: waiting
    steps:
      - {after: 2d, template: ask}
      - {after: 5d, template: bye, then: close}
  - name: hello
    why: They are new.
    on: {stage: welcome}
    steps:
      - {after: 30m, template: bye}
"""


def test_a_good_file_is_read_whole() -> None:
    found, problems = load_followups(GOOD, "followups.yaml", NAMES, ROLES)
    assert found is not None, problems
    assert (found.acknowledge.who, found.acknowledge.template) == ("known", "ack")
    assert (found.limits.most_a_day, found.limits.strangers_an_hour) == (3, 5)
    assert found.quiet == (time(21), time(7, 30))
    (waiting,) = found.started_by("waiting")
    assert [one.name for one in waiting.steps] == ["1-ask", "2-bye"]
    assert waiting.steps[1].then == "close"
    assert [one.name for one in found.started_by("stage", "welcome")] == ["hello"]
    assert found.started_by("stage", "guidance") == ()


def test_an_empty_file_sends_nothing_by_itself() -> None:
    found, _ = load_followups("sequences: []", "followups.yaml", NAMES, ROLES)
    assert found == Followups()
    assert found.acknowledge.who == "nobody"


@pytest.mark.parametrize(
    ("old", "new", "code", "line", "said"),
    [
        ("who: known", "who: all", "bad-value", 2, '`who` cannot be "all"'),
        ("template: ack,", "template: aks,", "unknown-template", 2, "no template `aks`"),
        ("template: ack,", "template: bye,", "wrong-role", 2, "its role is tells"),
        ("most_a_day: 3", "most_a_day: 0", "out-of-range", 3, "at least 1"),
        ("from: 21:00", "from: 9pm", "wrong-type", 4, "a time of day such as 20:00"),
        ("until: 07:30", "until: 21:00", "bad-value", 4, "leave no time to send"),
        ("on: waiting", "on: stage", "bad-value", 8, "which stage?"),
        ("on: waiting", "on: moon", "bad-value", 8, '`on` cannot be "moon"'),
        ("stage: welcome", "stage: wellcome", "unknown-stage", 14, "no stage `wellcome`"),
        ("after: 5d", "after: 1d", "out-of-order", 11, "is not after the step before"),
        ("after: 5d", "after: soon", "wrong-type", 11, "a length of working time"),
        ("then: close", "then: call", "bad-value", 11, '`then` cannot be "call"'),
        ("name: hello", "name: waiting", "duplicate", 12, "there is a sequence `waiting` already"),
        ("why: They are new.", "wy: They are new.", "unknown-key", 13, "has no key `wy`"),
    ],
)
def test_what_is_wrong_is_said_at_its_place(
    old: str, new: str, code: str, line: int, said: str
) -> None:
    found, problems = load_followups(GOOD.replace(old, new), "followups.yaml", NAMES, ROLES)
    assert found is None
    first = next(one for one in problems if one.code == code)
    assert (first.line, said in first.message) == (line, True), problems


def test_the_file_that_comes_with_the_program_is_good() -> None:
    folders = [one for one in (shipped.TEMPLATES / "mail").glob("*") if one.is_dir()]
    roles = {}
    for one in folders:
        lines = (one / "about.yaml").read_text().splitlines()
        roles[one.name] = next(x for x in lines if x.startswith("role:")).split(": ")[1]
    names = Names(teams=(), stages=("welcome", "activation", "guidance"), templates=tuple(roles))
    file = shipped.DATA / "followups.yaml"
    found, problems = load_followups(file.read_bytes(), str(file), names, roles)
    assert found is not None, problems
    assert problems == ()
    assert {one.on for one in found.sequences} == {"waiting", "closed", "handoff", "stage"}
