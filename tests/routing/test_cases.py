"""Rule tests: what they start from, how they fail, how they are written from a mail."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from routing.cases import case_from_facts, run_cases
from routing.decide import decide
from routing.facts import facts_given
from routing.ruleset import Case
from tests.routing.sets import FALLBACK, load, shipped

RULES = """\
rules:
  - name: dpa
    when: {subject words: dpa, automatic: false}
    then: {team: compliance, tags: [dpa], priority: high}
    tests:
      - given: {subject: "DPA signed"}
        expect: {team: compliance, rule: dpa, tags: [dpa], decided_by: rule, priority: high}
  - name: untouched
    when: {subject words: never}
    then: {team: success}
"""


def test_a_failing_test_carries_the_trace_and_the_counts() -> None:
    bad = RULES.replace("expect: {team: compliance", "expect: {team: success")
    report = run_cases(load(bad))
    (failed,) = report.failed
    assert failed.failures == ("expected team success, got compliance by rule dpa",)
    text = report.text()
    assert "FAIL  dpa: rules.yaml:6  (rules.yaml:6:9)" in text
    assert "subject words: dpa   seen: 'DPA signed'" in text
    assert text.endswith(
        "no test touches rule untouched\n0 passed, 1 failed\n".replace(
            "rule untouched", "rule dpa\nno test touches rule untouched"
        )
    )
    found = report.as_json()
    assert (found["passed"], found["failed"], found["untouched"]) == (0, 1, ["dpa", "untouched"])


def test_coverage_lists_rules_that_no_passing_test_touches() -> None:
    report = run_cases(load(RULES))
    assert report.untouched == ("untouched",) and not report.failed


@pytest.mark.parametrize(
    ("expect", "failure"),
    [
        ("{rule: untouched}", "expected rule untouched to match, matched: dpa"),
        ("{not_rule: [untouched, dpa]}", "expected rule dpa not to match, but it did"),
        ("{decided_by: fallback}", "expected decided_by fallback, got rule"),
        ("{tags: [dpa, x]}", "expected tag x, got dpa"),
        ("{priority: low}", "expected priority low, got high"),
        ("{policy: legal}", "expected policy legal, got none"),
    ],
)
def test_each_expectation_is_checked(expect: str, failure: str) -> None:
    text = RULES + f"tests: [{{given: {{subject: dpa}}, expect: {expect}}}]\n"
    (failed,) = run_cases(load(text)).failed
    assert failed.failures == (failure,)


def test_a_test_may_start_from_a_mail_and_given_overrules_it() -> None:
    text = RULES + (
        "tests:\n"
        "  - {mail: a.eml, expect: {team: compliance}}\n"
        "  - {mail: a.eml, given: {subject: hello}, expect: {team: support}}\n"
        "  - {mail: a.eml, account: {stage: welcome}, expect: {team: compliance}}\n"
        "  - {mail: missing.eml, expect: {team: support}}\n"
    )

    def mails(case: Case) -> Mapping[str, object] | str:
        return {"subject": "Our DPA"} if case.mail == "a.eml" else "no such file"

    report = run_cases(load(text), mails)
    assert [result.failures for result in report.failed] == [
        ("the mail missing.eml could not be read: no such file",)
    ]
    assert report.results[3].case.given == {"account.stage": "welcome"}
    without = run_cases(load(text))
    assert len(without.failed) == 4


def test_a_test_of_a_reply_rule_is_a_reply() -> None:
    text = """\
rules:
  - name: r
    on: reply
    when: {subject contains: x}
    then: {tags: [t]}
    tests:
      - {given: {subject: x}, expect: {rule: r}}
      - {given: {subject: x}, on: new-thread, expect: {not_rule: r}}
tests:
  - {given: {subject: x, thread.team: success}, expect: {rule: r, team: success, decided_by: thread}}
"""
    assert not run_cases(load(text)).failed


PRIVATE = {
    "from": "ana.lopes@geheim-bank.example",
    "from.domain": "geheim-bank.example",
    "from.name": "Ana Lopes",
    "to": ["onboarding@aboard.example"],
    "subject": "Re: Project Nightingale, DPA for Ana Lopes (IBAN DE44 5001)",
    "text": "Dear Tom, the secret password is hunter2. Please call +49 170 1234567.",
    "attachment.name": ["Nightingale-contract-Lopes.pdf"],
    "account.name": "Geheim Bank",
    "account.stage": "welcome",
    "automatic": False,
}


def test_a_written_test_holds_only_what_the_rules_need() -> None:
    written = case_from_facts(load(RULES), facts_given(PRIVATE), name="a signed DPA")
    assert written == (
        '- name: "a signed DPA"\n'
        "  given: {subject: DPA}\n"
        "  expect: {team: compliance, rule: dpa, priority: high, tags: [dpa]}\n"
    )


def test_a_written_test_of_the_shipped_rules_tells_no_secrets_and_passes() -> None:
    ruleset = shipped()
    written = case_from_facts(ruleset, facts_given(PRIVATE))
    for secret in ("Lopes", "Nightingale", "hunter2", "IBAN", "170", "geheim", "Tom"):
        assert secret.lower() not in written.lower()
    assert "rule: data-processing-agreement" in written


def test_a_written_test_of_a_classifiers_decision_states_its_answer() -> None:
    known = facts_given(
        {**PRIVATE, "subject": "Hi", "classifier.team": "success", "classifier.score": 0.87}
    )
    ruleset = load(FALLBACK)
    written = case_from_facts(ruleset, known)
    assert decide(ruleset, known).decided_by == "classifier"
    assert "classifier.team: success, classifier.score: 0.87" in written
    assert "Ana" not in written and "Hi" not in written


def test_odd_texts_survive_the_writing() -> None:
    text = (
        "rules: [{name: r, when: {subject: 'a \\\"b\\\" \\\\ : # {x} é'}, then: {team: success}}]\n"
    )
    text = text.replace('\\"', '"').replace("\\\\", "\\")
    ruleset = load(text)
    written = case_from_facts(ruleset, facts_given({"subject": 'A "b" \\ : # {x} É'}))
    again = load(text + "tests:\n  " + written.replace("\n", "\n  ").rstrip() + "\n")
    assert len(again.cases) == 1 and not run_cases(again).failed
