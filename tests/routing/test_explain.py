"""What a person reads when asking why; the JSON that programs read."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from routing.decide import History
from routing.explain import explain
from routing.facts import facts_given
from tests.routing.sets import load

RULES = """\
rules:
  - name: privacy
    why: A legal deadline.
    when:
      any:
        - subject contains: [gdpr, data deletion]
        - attachment.name glob: "*dpa*"
      none:
        - automatic: true
    then: {team: compliance, priority: high, tags: [gdpr], policy: legal}
  - name: gold
    when: {account.tier: gold}
    then: {tags: [gold]}
  - name: replies
    on: reply
    when: {subject contains: gdpr}
    then: {tags: [again]}
"""


def test_the_json_has_the_documented_shape() -> None:
    found = explain(load(RULES), facts_given({"subject": "GDPR request"})).as_json()
    assert json.loads(json.dumps(found)) == found
    assert {
        key: found[key] for key in ("team", "decided_by", "rule", "tags", "priority", "policy")
    } == {
        "team": "compliance",
        "decided_by": "rule",
        "rule": "privacy",
        "tags": ["gdpr"],
        "priority": "high",
        "policy": "legal",
    }
    trace = found["trace"]
    assert isinstance(trace, list) and [rule["rule"] for rule in trace] == [
        "privacy",
        "gold",
        "replies",
    ]
    assert set(trace[0]) == {"rule", "file", "line", "result", "conditions", "skipped_because"}
    assert trace[0]["conditions"] == [
        {
            "field": "subject",
            "op": "contains",
            "value": ["gdpr", "data deletion"],
            "seen": "GDPR request",
            "result": "yes",
            "groups": ["any"],
        },
        {
            "field": "attachment.name",
            "op": "glob",
            "value": "*dpa*",
            "seen": [],
            "result": "no",
            "groups": ["any"],
        },
        {
            "field": "automatic",
            "op": "is",
            "value": True,
            "seen": False,
            "result": "no",
            "groups": ["none"],
        },
    ]
    assert (trace[0]["result"], trace[0]["file"], trace[0]["line"]) == ("yes", "rules.yaml", 2)
    assert trace[0]["skipped_because"] is None
    assert trace[1]["result"] == "unknown" and trace[1]["conditions"][0]["seen"] is None
    assert trace[1]["skipped_because"] == "rule privacy matched first and stops"


def test_the_text_names_every_rule_and_the_decision() -> None:
    text = explain(load(RULES), facts_given({"subject": "GDPR request"})).text()
    assert text.splitlines() == [
        "  1 YES      privacy  (rules.yaml:2)",
        "             yes      any > subject contains: [gdpr, data deletion]   seen: 'GDPR request'",
        "             no       any > attachment.name glob: *dpa*   seen: nothing",
        "             no       none > automatic is: true   seen: false",
        "  2 skipped  gold  (rules.yaml:11)",
        "             not asked: rule privacy matched first and stops",
        "             unknown  account.tier is: gold   seen: unknown",
        "  3 skipped  replies  (rules.yaml:14)",
        "             not asked: rule privacy matched first and stops",
        "             yes      subject contains: gdpr   seen: 'GDPR request'",
        "    classifier: not asked; the classifier gave no answer",
        "=> compliance, decided by rule, rule privacy, priority high, policy legal, tags gdpr  (A legal deadline.)",
    ]


def test_why_not_names_what_stood_in_the_way() -> None:
    explained = explain(load(RULES), facts_given({"subject": "GDPR", "automatic": True}))
    assert explained.why_not("privacy").splitlines() == [
        "rule privacy (rules.yaml:2) did not run.",
        "What stood in the way:",
        "  yes      none > automatic is: true   seen: true",
    ]
    assert "account.tier is: gold   seen: unknown" in explained.why_not("gold")
    assert "asked on reply, this is new-thread" in explained.why_not("replies")
    assert explained.why_not("privcy") == "there is no rule `privcy` (did you mean `privacy`?)\n"


def test_why_not_tells_that_a_rule_did_match() -> None:
    explained = explain(load(RULES), facts_given({"subject": "GDPR"}))
    assert explained.why_not("privacy") == "rule privacy (rules.yaml:2) did match.\n"


def test_a_rule_held_back_by_its_run_policy_says_when_it_ran() -> None:
    text = RULES.replace("  - name: gold", "  - name: gold\n    run: once-per-thread")
    ran_at = datetime(2026, 11, 1, tzinfo=UTC)
    explained = explain(
        load(text), facts_given({"account.tier": "gold"}), history=History({"gold": ran_at})
    )
    assert "ran at 2026-11-01" in explained.trace[1].skipped_because
    assert explained.decision.tags == ()


def test_a_long_text_is_shown_around_what_matched() -> None:
    known = facts_given({"subject": "x" * 500 + " gdpr " + "y" * 500})
    (condition, *_) = explain(load(RULES), known).trace[0].conditions
    seen = str(condition.seen)
    assert "gdpr" in seen and len(seen) < 140 and seen.startswith("...") and seen.endswith("...")


def test_the_classifiers_part_is_told() -> None:
    ruleset = load(RULES)
    sure = {"classifier.team": "success", "classifier.score": 0.9, "classifier.abstain": False}
    assert explain(ruleset, facts_given(sure)).classifier == "the classifier says success with 0.90"
    beside = explain(ruleset, facts_given({**sure, "subject": "gdpr"}))
    assert beside.classifier == "not asked, says otherwise: the classifier says success with 0.90"
    unsure = explain(ruleset, facts_given({**sure, "classifier.abstain": True}))
    assert unsure.decision.decided_by == "fallback" and "own threshold" in unsure.classifier
