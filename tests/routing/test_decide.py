"""Order, stop, first writer, replies, people, classifier, fallback, run policies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from routing.decide import Decision, History, decide
from routing.facts import facts_given
from routing.load import Names
from routing.ruleset import Ruleset
from tests.routing.sets import NAMES, TEAMS, load, load_rules

ORDER = """\
rules:
  - name: gold
    when: {account.tier: gold}
    then: {priority: high, tags: [gold], note: seen}
  - name: first
    when: {subject contains: dpa}
    then: {team: compliance, priority: low, tags: [dpa, gold], policy: legal}
    stop: false
  - name: second
    when: {subject contains: dpa}
    then: {team: support, tags: [second], assignee: maya}
  - name: third
    when: {subject contains: dpa}
    then: {team: success, tags: [third]}
"""


def ask(ruleset: Ruleset, event: str = "new-thread", **values: Any) -> Decision:
    given = {name.replace("__", "."): value for name, value in values.items()}
    return decide(ruleset, facts_given(given), event=event)


def test_the_first_writer_wins_and_tags_add_up_until_a_rule_stops() -> None:
    decision = ask(load(ORDER), subject="DPA", account__tier="gold")
    assert (decision.team, decision.rule, decision.decided_by) == ("compliance", "first", "rule")
    assert (decision.priority, decision.policy, decision.assignee) == ("high", "legal", "maya")
    assert decision.tags == ("gold", "dpa", "second")
    assert decision.notes == ("seen",)
    assert decision.matched == ("gold", "first", "second")
    assert decision.stopped_by == "second"


def test_a_rule_without_a_team_leaves_the_team_to_the_classifier() -> None:
    decision = ask(
        load(ORDER), account__tier="gold", classifier__team="success", classifier__score=0.8
    )
    assert (decision.team, decision.decided_by, decision.score) == ("success", "classifier", 0.8)
    assert decision.priority == "high" and decision.rule == ""


@pytest.mark.parametrize(
    ("threshold", "team", "score", "abstain", "expected"),
    [
        ("model", "success", 0.9, False, ("success", "classifier")),
        ("model", "success", 0.2, False, ("success", "classifier")),
        ("model", "success", 0.9, True, ("support", "fallback")),
        ("model", "success", 0.9, None, ("success", "classifier")),
        ("model", "success", 0.4, None, ("support", "fallback")),
        ("model", "none", 0.99, False, ("support", "fallback")),
        ("model", "legal", 0.99, False, ("support", "fallback")),
        ("model", None, None, None, ("support", "fallback")),
        ("0.8", "success", 0.8, False, ("success", "classifier")),
        ("0.8", "success", 0.79, False, ("support", "fallback")),
        ("0.1", "success", 0.5, True, ("support", "fallback")),
        ("{compliance: 0.9}", "compliance", 0.85, False, ("support", "fallback")),
        ("{compliance: 0.9}", "success", 0.3, False, ("success", "classifier")),
        ("{default: 0.9, success: model}", "success", 0.3, False, ("success", "classifier")),
        ("{default: 0.9, success: model}", "compliance", 0.8, False, ("support", "fallback")),
        ("{success: 0}", "success", 0.0, False, ("success", "classifier")),
    ],
)
def test_the_classifier_is_trusted_from_its_threshold_on(
    threshold: str,
    team: str | None,
    score: float | None,
    abstain: bool | None,
    expected: tuple[str, str],
) -> None:
    ruleset = load(f"fallback: {{classifier_at_least: {threshold}, team: support}}\n")
    decision = ask(
        ruleset, classifier__team=team, classifier__score=score, classifier__abstain=abstain
    )
    assert (decision.team, decision.decided_by) == expected
    assert decision.reason


REPLIES = """\
rules:
  - name: new-only
    when: {subject contains: x}
    then: {team: success}
  - name: replies
    on: reply
    when: {subject contains: move}
    then: {team: compliance, tags: [moved]}
  - name: all
    on: every-message
    when: {subject contains: x}
    then: {tags: [x]}
"""


def test_a_reply_keeps_its_team_unless_a_rule_for_replies_moves_it() -> None:
    ruleset = load(REPLIES)
    kept = ask(ruleset, "reply", subject="x", thread__team="support")
    assert (kept.team, kept.decided_by, kept.tags) == ("support", "thread", ("x",))
    moved = ask(ruleset, "reply", subject="x move", thread__team="support")
    assert (moved.team, moved.decided_by, moved.rule) == ("compliance", "rule", "replies")


def test_a_persons_decision_is_never_overruled() -> None:
    decision = ask(
        load(REPLIES),
        "reply",
        subject="x move",
        thread__team="support",
        thread__decided_by="person",
    )
    assert (decision.team, decision.decided_by, decision.rule) == ("support", "person", "")
    assert decision.tags == ("moved",)


@pytest.mark.parametrize(
    ("on", "event", "matches"),
    [
        ("new-thread", "new-thread", True),
        ("new-thread", "reply", False),
        ("every-message", "bounce", True),
        ("every-message", "stage-change", False),
        ("[reply, bounce]", "bounce", True),
        ("[reply, bounce]", "new-thread", False),
        ("handoff", "handoff", True),
    ],
)
def test_a_rule_is_asked_at_its_events_only(on: str, event: str, matches: bool) -> None:
    text = f"rules: [{{name: r, on: {on}, when: {{automatic: false}}, then: {{tags: [t]}}}}]\n"
    assert bool(ask(load(text), event).matched) is matches


def test_an_unknown_event_is_an_error() -> None:
    with pytest.raises(ValueError, match="new-mail"):
        ask(load(REPLIES), "new-mail")


NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("run", "ago", "ran"),
    [
        ("every-match", timedelta(0), True),
        ("once-per-thread", timedelta(days=400), False),
        ("once-per-thread", None, True),
        ("{cool-down: 24h}", timedelta(hours=23), False),
        ("{cool-down: 24h}", timedelta(hours=24), True),
        ("{cool-down: 2w}", timedelta(days=13), False),
        ("{cool-down: 30m}", timedelta(minutes=31), True),
    ],
)
def test_a_rule_runs_as_often_as_its_policy_allows(
    run: str, ago: timedelta | None, ran: bool
) -> None:
    text = (
        f"rules: [{{name: r, run: {run}, when: {{automatic: false}}, then: {{team: success}}}}]\n"
    )
    history = History({} if ago is None else {"r": NOW - ago}, NOW)
    decision = decide(load(text), facts_given({}), history=history)
    assert bool(decision.matched) is ran
    assert decision.team == ("success" if ran else "support")


def test_a_cool_down_runs_on_where_the_time_is_not_told() -> None:
    text = "rules: [{name: r, run: {cool-down: 1h}, when: {automatic: false}, then: {tags: [t]}}]\n"
    assert not decide(load(text), facts_given({}), history=History({"r": NOW})).matched


def test_captures_go_into_tags_and_notes_as_one_safe_line() -> None:
    ruleset = load_rules(
        [
            {
                "name": "r",
                "when": {
                    "any": [
                        {"subject matches": "(?s)order (?P<number>.*)"},
                        {"text matches": "ref (?P<ref>[0-9]+)"},
                    ]
                },
                "then": {"tags": ["o-{number}", "r-{ref}", "{plain"], "note": "Order {number}!"},
            }
        ]
    )
    decision = ask(ruleset, subject="order 12\r\n\x00{ref} " + "9" * 100)
    assert decision.tags[0] == "o-12 {ref} " + "9" * 55
    assert decision.tags[1:] == ("{plain",)
    assert decision.notes == ("Order 12 {ref} " + "9" * 55 + "!",)


def test_a_tag_whose_capture_shows_nothing_is_left_out() -> None:
    pattern = {"subject matches": r"order(?P<gap>[\s\x00-\x1f]+)(?P<number>[0-9]+)"}
    then = {"tags": ["{gap}", "o-{number}"], "note": "Gap:{gap}"}
    decision = ask(
        load_rules([{"name": "r", "when": pattern, "then": then}]), subject="order \x01 7"
    )
    assert (decision.tags, decision.notes) == (("o-7",), ())


def test_replies_notices_and_a_snooze_are_decided() -> None:
    names = Names(TEAMS, templates=("welcome",), people=("maya",))
    text = "rules: [{name: r, when: {automatic: false}, then: {reply: welcome, notify: [maya, support], snooze: 3d}}]\n"
    decision = ask(load(text, names))
    assert (decision.reply, decision.notify) == ("welcome", ("maya", "support"))
    assert decision.snooze_for == timedelta(days=3)


def test_names_that_are_not_known_are_not_checked() -> None:
    text = "rules: [{name: r, when: {automatic: false}, then: {policy: any, assignee: anybody}}]\n"
    assert ask(load(text, Names(TEAMS))).policy == "any"


def test_the_hash_is_of_the_content_only() -> None:
    assert load(ORDER).hash == load(ORDER.replace("\n", "\r\n")).hash
    assert load(ORDER).hash != load(ORDER + "# a word\n").hash
    assert len(load(ORDER, NAMES).hash) == 64
