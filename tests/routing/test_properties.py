"""What must hold for every ruleset and every mail: one decision, however it is reached."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.conditions import Answer
from routing.decide import decide, decide_plainly
from routing.explain import blockers, explain
from routing.facts import Facts, facts_given
from routing.index import candidates
from routing.lint import lint
from routing.load import load_ruleset
from routing.logic import implies, never, refutes
from routing.ruleset import Event
from routing.write_case import case_from_facts
from tests.routing.sets import NAMES, facts, load, load_rules, rules

EVENTS = st.sampled_from((Event.NEW_THREAD, Event.REPLY))
EXAMPLES = 40
CAMPAIGN_EXAMPLES = 1_000
CAMPAIGN: list[Any] = []


def always(*strategies: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Any]:
    """A property: some examples in every run, many in the campaign."""

    def wrap(body: Callable[..., None]) -> Any:
        CAMPAIGN.append(pytest.param(body, strategies, id=body.__name__))
        return settings(max_examples=EXAMPLES, deadline=None)(given(*strategies)(body))

    return wrap


@always(rules(), facts(), EVENTS)
def test_the_index_never_changes_a_decision(
    made: list[dict[str, Any]], known: Facts, event: Event
) -> None:
    ruleset = load_rules(made)
    assert decide(ruleset, known, event=event) == decide_plainly(ruleset, known, event=event)
    kept = {rule.name for rule in candidates(ruleset, known)}
    for rule in ruleset.rules:
        assert rule.name in kept or rule.when.answer(known) is not Answer.YES


@always(rules(), facts(), EVENTS)
def test_explain_agrees_with_decide(made: list[dict[str, Any]], known: Facts, event: Event) -> None:
    ruleset = load_rules(made)
    explained = explain(ruleset, known, event=event)
    decision = decide(ruleset, known, event=event)
    assert explained.decision == decision
    assert tuple(trace.rule.name for trace in explained.trace if trace.ran) == decision.matched
    for trace in explained.trace:
        assert bool(blockers(trace.rule.when, trace)) is (trace.answer is not Answer.YES)
        assert trace.rule.name in explained.why_not(trace.rule.name)
    assert [rule["rule"] for rule in explained.as_json()["trace"]] == [  # type: ignore[attr-defined]
        rule.name for rule in ruleset.rules
    ]


@always(rules(4), rules(2), facts(), EVENTS)
def test_a_rule_after_a_stopping_match_changes_nothing(
    first: list[dict[str, Any]], more: list[dict[str, Any]], known: Facts, event: Event
) -> None:
    before = decide(load_rules(first), known, event=event)
    if not before.stopped_by:
        return
    place = next(number for number, rule in enumerate(first) if rule["name"] == before.stopped_by)
    added = [{**rule, "name": f"new-{rule['name']}"} for rule in more]
    after = decide(
        load_rules([*first[: place + 1], *added, *first[place + 1 :]]), known, event=event
    )
    assert (after.team, after.rule, after.matched, after.tags, after.priority, after.policy) == (
        before.team, before.rule, before.matched, before.tags, before.priority, before.policy
    )  # fmt: skip


@always(st.permutations(["a", "b", "c", "d"]), st.booleans())
def test_the_order_in_which_files_are_given_changes_nothing(order: list[str], moved: bool) -> None:
    text = "rules: [{{name: {0}, when: {{subject contains: x}}, then: {{tags: [{0}]}}}}]\n"
    files = {name: text.format(name) for name in "abc"}
    files["d"] = "fallback: {team: support}\n"
    folder = "elsewhere/" if moved else ""
    given_files = [(f"{folder}{name}.yaml", files[name].encode()) for name in order]
    ruleset, problems = load_ruleset(given_files, NAMES)
    reference, _ = load_ruleset([(f"{n}.yaml", files[n].encode()) for n in "abcd"], NAMES)
    assert ruleset is not None and reference is not None, problems
    assert [rule.name for rule in ruleset.rules] == ["a", "b", "c"]
    assert ruleset.hash == reference.hash


@always(rules(2), st.lists(facts(), min_size=1, max_size=30))
def test_what_is_proven_about_conditions_holds_for_all_facts(
    made: list[dict[str, Any]], many: list[Facts]
) -> None:
    conditions = [rule.when for rule in load_rules(made).rules]
    for one in conditions:
        for other in conditions:
            implied, refuted = implies(one, other), refutes(one, other)
            for known in many:
                if one.answer(known) is Answer.YES:
                    assert not never(one)
                    assert not implied or other.answer(known) is Answer.YES
                    assert not refuted or other.answer(known) is Answer.NO


@always(rules(5), st.lists(facts(), min_size=20, max_size=20), EVENTS)
def test_no_rule_that_a_mail_can_reach_is_called_unreachable(
    made: list[dict[str, Any]], many: list[Facts], event: Event
) -> None:
    ruleset = load_rules(made)
    flagged = {
        problem.message.split("`")[1]
        for problem in lint(ruleset)
        if problem.code in ("never-reached", "contradiction")
    }
    for known in many:
        assert not flagged & set(decide(ruleset, known, event=event).matched)


@always(rules(5), facts(), EVENTS)
def test_a_test_written_from_a_mail_passes(
    made: list[dict[str, Any]], known: Facts, event: Event
) -> None:
    ruleset = load_rules(made)
    text = case_from_facts(ruleset, known, event=event)
    alone = load("tests:\n  " + text.replace("\n", "\n  ").rstrip() + "\n" + _rules_text(made))
    (case,) = alone.cases
    decision = decide(alone, facts_given(case.given), event=case.event or Event.NEW_THREAD)
    wanted = decide(ruleset, known, event=event)
    assert (decision.team, decision.decided_by, decision.rule) == (
        wanted.team, wanted.decided_by, wanted.rule
    )  # fmt: skip


def _rules_text(made: list[dict[str, Any]]) -> str:
    return (
        "rules: "
        + json.dumps(made, ensure_ascii=False)
        + "\nfallback: {classifier_at_least: 0.6, team: support}\n"
    )


@pytest.mark.campaign
@pytest.mark.parametrize(("body", "strategies"), CAMPAIGN)
def test_campaign(body: Callable[..., None], strategies: tuple[Any, ...]) -> None:
    settings(max_examples=CAMPAIGN_EXAMPLES, deadline=None)(given(*strategies)(body))()
