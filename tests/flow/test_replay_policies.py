"""A replay goes through a thread as its mails came, and run policies count what it would have done."""

from __future__ import annotations

from datetime import timedelta

import pytest

from inbox.flow.admin.proof import load_rules
from inbox.flow.evidence.replay import Replayed, replay
from routing.names import Names
from tests.flow.house import House, mail

LIVE = """
rules:
  - name: seen
    on: every-message
    when: {size at least: 1}
    then: {tags: [seen]}
fallback: {team: support}
"""
FIRE = """
rules:
  - name: burning
    on: every-message
    run: POLICY
    when: {subject contains: fire}
    then: {team: success, priority: urgent}
  - name: calm
    on: reply
    when: {subject contains: fire}
    then: {team: support}
fallback: {team: support}
"""


def _replayed(house: House, text: str, against: str = "") -> Replayed:
    def rules(given: str):  # type: ignore[no-untyped-def]
        made, problems = load_rules(
            {"new.yaml": given}, Names(("support", "success")), linted=False
        )
        assert made is not None, problems
        return made

    with house.looking() as conn:
        other = rules(against) if against else None
        return replay(conn, rules(text), house.now - timedelta(days=60), against=other)


@pytest.fixture
def burning(house: House) -> House:
    """A thread of three mails, filed in another order than that in which they came."""
    house.write("rules/10-all.yaml", LIVE)
    house.activate()
    start = house.now
    house.later(days=3)
    for number, hours in ((1, 0), (3, 30), (2, 2)):
        house.receive(
            mail(
                id=f"{number}@a.example",
                refs=["1@a.example"] if number > 1 else (),
                subject="fire",
            ),
            accepted_at=start + timedelta(hours=hours),
        )
    return house


@pytest.mark.parametrize(
    ("policy", "team"),
    [("every-match", "success"), ("once-per-thread", "support"), ("{cool-down: 1d}", "success"),
     ("{cool-down: 40h}", "support")],
)  # fmt: skip
def test_run_policies_are_honoured_in_the_order_in_which_the_mails_came(
    burning: House, policy: str, team: str
) -> None:
    found = _replayed(burning, FIRE.replace("POLICY", policy))
    assert (found.threads, found.decisions) == (1, 3)
    assert [one.new_team for one in found.moved] == (["success"] if team == "success" else [])


def test_a_reply_is_asked_about_the_team_that_the_other_rules_gave(burning: House) -> None:
    rules = """
rules:
  - name: start
    when: {subject contains: fire}
    then: {team: success}
  - name: stays
    on: reply
    when: {thread.team: success}
    then: {priority: urgent}
fallback: {team: support}
"""
    (moved,) = _replayed(burning, rules).moved
    assert (moved.old_team, moved.new_team, moved.new_rule) == ("support", "success", "start")
    again = _replayed(burning, rules, against=rules)
    assert (again.moved, dict(again.changed)) == ([], {})


def test_the_rules_that_decided_move_and_change_nothing(burning: House) -> None:
    found = _replayed(burning, LIVE)
    assert (found.threads, found.moved, dict(found.changed)) == (1, [], {})
