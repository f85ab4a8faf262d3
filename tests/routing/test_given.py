"""What tests and questions say of a mail: given facts, when it arrives, which rules ran before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pytest

from routing.cases import run_cases
from routing.facts import Facts, facts_given, with_given
from routing.load_cases import read_given
from tests.routing.sets import FALLBACK, NAMES, load, problems_of

TIMED = """\
rules:
  - name: ask-for-files
    on: every-message
    when: {text words: files}
    then: {note: Ask for the upload area., tags: [asked]}
    run: {cool-down: 24h}
  - name: welcome
    on: every-message
    when: {text words: hello}
    then: {tags: [welcomed]}
    run: once-per-thread
tests:
"""


def test_at_and_ran_tell_whether_a_rule_may_run_again() -> None:
    at = 'at: "2026-11-05 16:30 Europe/Berlin"'
    text = TIMED + "".join(
        f"  - {{given: {{text: {word}}}, {more}, expect: {{{expect}}}}}\n"
        for word, more, expect in [
            ("files", at, "rule: ask-for-files"),
            ("files", f"{at}, ran: {{ask-for-files: 2026-11-04 15:29 UTC}}", "tags: asked"),
            ("files", f"{at}, ran: {{ask-for-files: 2026-11-04 15:31 UTC}}", "not_rule: ask-for-files"),
            ("hello", f"{at}, ran: {{ask-for-files: 2026-11-04 15:31 UTC}}", "rule: welcome"),
            ("hello", f"{at}, ran: {{welcome: 2020-01-01 00:00 UTC}}", "not_rule: welcome"),
        ]
    )  # fmt: skip
    assert run_cases(load(text)).text() == "5 passed, 0 failed\n"


def test_a_failing_test_with_a_time_says_when_the_mail_arrives_and_why_a_rule_was_held_back() -> (
    None
):
    text = TIMED + (
        "  - given: {text: files}\n"
        "    at: 2026-11-05 16:30 UTC\n"
        "    ran: {ask-for-files: 2026-11-05 16:00 UTC}\n"
        "    expect: {rule: ask-for-files}\n"
    )
    shown = run_cases(load(text)).text()
    assert "the mail arrives at 2026-11-05 16:30 UTC" in shown
    assert "it ran at 2026-11-05T16:00:00+00:00, its cool-down takes 1 day" in shown


def test_facts_that_depend_on_the_time_are_asked_with_it_and_given_ones_count_more() -> None:
    text = (
        "rules: [{name: late, when: {business_hours: false}, then: {tags: [late]}}]\n"
        "tests:\n"
        "  - {given: {}, at: 2026-11-05 22:00 UTC, expect: {rule: late}}\n"
        "  - {given: {}, at: 2026-11-05 12:00 UTC, expect: {not_rule: late}}\n"
        "  - {given: {business_hours: false}, at: 2026-11-05 12:00 UTC, expect: {rule: late}}\n"
        "  - {given: {}, expect: {not_rule: late}}\n"
    )

    def timed(_: Facts, at: datetime) -> Mapping[str, object]:
        return {"business_hours": 9 <= at.hour < 17}

    assert not problems_of(text + FALLBACK)
    assert not run_cases(load(text), timed=timed).failed


REPLACED = [
    ({"from": "bo@ngo.example"}, {"from.domain": "ngo.example", "from.name": "", "header.from": ()}),
    ({"from.domain": "ngo.example"}, {"from": "someone@ngo.example", "from.name": ""}),
    ({"to": ["a@us.example"]}, {"recipient": ("a@us.example", "c@us.example"), "cc": ("c@us.example",)}),
    ({"subject": "Hi"}, {"header.subject": (), "text": "Our DPA", "body": "Our DPA\n> yours"}),
    ({"text": "No"}, {"body": "No", "subject": "DPA"}),
    ({"attachment.name": ["a.pdf", "b.pdf"]}, {"attachment.count": 2, "attachment.type": ()}),
    ({"attachment.count": 0}, {"attachment.name": (), "attachment.type": ()}),
    ({"automatic": True}, {"automatic.kind": "auto-reply"}),
    ({"automatic.kind": "bounce"}, {"automatic": True}),
    ({"thread.team": "support"}, {"thread.decided_by": "rule", "thread.messages": 2}),
    ({"classifier.team": "success"}, {"classifier.score": None, "classifier.abstain": None}),
    ({"classifier.score": 0.3}, {"classifier.team": "support", "classifier.abstain": None}),
    ({"from": "ana@bank.example"}, {"from.name": "Ana", "from.domain": "bank.example"}),
    ({"account.stage": "welcome"}, {"from.name": "Ana", "language": "de"}),
]  # fmt: skip
MAIL = {
    "from": "ana@bank.example",
    "from.domain": "bank.example",
    "from.name": "Ana",
    "to": ("b@us.example",),
    "cc": ("c@us.example",),
    "recipient": ("b@us.example", "c@us.example"),
    "header.from": ("Ana <ana@bank.example>",),
    "header.subject": ("DPA",),
    "subject": "DPA",
    "text": "Our DPA",
    "body": "Our DPA\n> yours",
    "attachment.name": ("dpa.pdf",),
    "attachment.type": ("application/pdf",),
    "attachment.count": 1,
    "automatic": False,
    "automatic.kind": "none",
    "language": "de",
    "thread.team": "",
    "thread.decided_by": "",
    "thread.messages": 1,
    "classifier.team": "support",
    "classifier.score": 0.9,
    "classifier.abstain": False,
}


@pytest.mark.parametrize(("given", "follows"), REPLACED)
def test_what_followed_from_a_replaced_value_is_replaced_too(
    given: dict[str, object], follows: dict[str, object]
) -> None:
    for facts in (facts_given(given, MAIL), with_given(Facts(MAIL), given)):
        assert {name: facts.get(name) for name in follows} == follows


def test_what_is_unknown_stays_unknown_where_other_facts_are_given() -> None:
    known = with_given(Facts({"from": "ana@bank.example"}), {"from": "bo@ngo.example"})
    assert known == Facts({"from": "bo@ngo.example"})
    later = with_given(Facts({**MAIL, "thread.team": "support", "thread.messages": 7}), {"thread.team": "success"})  # fmt: skip
    assert (later.get("thread.messages"), later.get("thread.decided_by")) == (7, "rule")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"account.stage": "wellcome"}', "there is no stage `wellcome`"),
        ('{"account": {"stage": "wellcome"}}', "there is no stage `wellcome`"),
        ('{"classifier": {"score": 80}}', "`classifier.score` is a number from 0 to 1, which cannot be 80"),
        ('{"automatic.kind": "robot"}', '`automatic.kind` can never be "robot"'),
        ('{"thread.status": "done"}', '`thread.status` can never be "done"'),
        ('{"thread.messages": -1}', "`thread.messages` is a whole number, which cannot be -1"),
        ('{"from": 3}', "`from` holds an address, not the number 3"),
        ('{"language": "german"}', '`language` can never be "german"'),
        ('{"accunt.tier": "gold"}', "there is no field `accunt.tier`"),
        ('{"account": {"teir": "gold"}}', "there is no field `account.teir`"),
    ],
)  # fmt: skip
def test_given_facts_in_json_are_checked_as_those_of_a_test_are(text: str, problem: str) -> None:
    assert problem in [one.message for one in read_given(text, NAMES)[1]]


def test_given_facts_in_json_are_read() -> None:
    text = '{"account": {"tier": "gold"}, "to": ["a@b.example"], "size": 3, "header.X-A": "\\u00e9\\n", "language": null}'
    values, problems = read_given(text, NAMES)
    assert not problems
    assert values == {
        "account.tier": "gold",
        "to": ("a@b.example",),
        "size": 3,
        "header.x-a": ("é\n",),
        "language": None,
    }
