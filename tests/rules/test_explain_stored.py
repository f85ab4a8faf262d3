"""A stored message is explained from what its decision kept, whatever has changed since."""

from __future__ import annotations

import pytest

from inbox.errors import NotFound
from inbox.flow.evidence import explaining
from inbox.flow.evidence.explaining import Surroundings
from inbox.flow.working import desk
from inbox.store import accounts
from routing.decide import decide
from routing.load import load_ruleset
from routing.names import Names
from tests.flow.house import RULES, House, mail

ONCE = """
rules:
  - name: greet
    on: every-message
    run: once-per-thread
    when: {subject contains: hello}
    then: {tags: [greeted], team: success}
  - name: gold
    when: {account.tier: gold}
    then: {team: success}
  - name: source
    when: {header.X-Source contains: portal}
    then: {team: success}
fallback: {team: support}
"""
HERE = Surroundings(("hello@aboard.example",))


def explained(house: House, mail_id: str) -> explaining.Question:
    with house.looking() as conn:
        return explaining.stored(conn, house.message(mail_id).id, HERE)


def test_the_answer_is_the_decision_that_was_made(house: House) -> None:
    house.receive(mail(id="1@acme.example", subject="Invoice 17"))
    question = explained(house, "1@acme.example")
    answer = question.answer()
    assert (answer.decision.team, answer.decision.rule) == ("success", "invoices")
    assert question.note == ""
    assert [trace.rule.name for trace in answer.trace] == ["invoices", "outage"]
    assert answer.trace[0].conditions[0].seen == "Invoice 17"
    assert answer.trace[1].skipped_because


def test_new_rules_do_not_change_what_is_told_of_old_decisions(small: House) -> None:
    small.receive(mail(id="1@acme.example", subject="Invoice 17"))
    before = explained(small, "1@acme.example").answer().decision
    small.write(
        "rules/10-all.yaml", RULES.replace("invoice}", "bill}").replace("Your invoice", "A bill")
    )
    small.activate()
    after = explained(small, "1@acme.example").answer().decision
    assert (after.rule, after.ruleset_hash) == ("invoices", before.ruleset_hash)
    assert small.context().files.ruleset.hash != before.ruleset_hash


def test_what_changed_of_the_account_since_is_not_looked_at(small: House) -> None:
    small.write("rules/10-all.yaml", ONCE)
    small.activate()
    small.receive(mail(id="1@acme.example"))
    with small.db.write() as conn:
        accounts.update_facts(conn, small.message("1@acme.example").account_id, tier="gold")
    assert explained(small, "1@acme.example").answer().decision.decided_by == "fallback"
    small.receive(mail(id="2@acme.example"))
    assert explained(small, "2@acme.example").answer().decision.rule == "gold"


def test_header_fields_of_the_mail_are_seen_again(small: House) -> None:
    small.write("rules/10-all.yaml", ONCE)
    small.activate()
    small.receive(mail(id="1@acme.example", headers={"X-Source": "Portal 3"}))
    assert explained(small, "1@acme.example").answer().decision.rule == "source"


@pytest.mark.parametrize("together", [True, False])
def test_a_run_policy_held_back_then_holds_back_in_the_trace(small: House, together: bool) -> None:
    small.write("rules/10-all.yaml", ONCE)
    small.activate()
    mails = [
        mail(id="1@acme.example", subject="Hello"),
        mail(id="2@acme.example", subject="Hello again", refs=["1@acme.example"]),
    ]
    for batch in [mails] if together else [[one] for one in mails]:
        small.receive(*batch)
    first = explained(small, "1@acme.example").answer()
    second = explained(small, "2@acme.example").answer()
    assert first.decision.matched == ("greet",)
    assert second.decision.matched == ()
    assert "once per thread" in second.trace[0].skipped_because


def test_a_reply_without_a_decision_of_its_own_has_its_facts_gathered_again(house: House) -> None:
    house.receive(mail(id="1@acme.example", subject="Invoice 17"))
    house.later(hours=1)
    house.receive(mail(id="2@acme.example", refs=["1@acme.example"], headers={"X-Source": "a"}))
    house.later(hours=1)
    thread = house.thread("1@acme.example")
    desk.assign(house.db, thread.id, "support", "maya", house.now)
    house.receive(mail(id="3@acme.example", refs=["1@acme.example"]))
    second = explained(house, "2@acme.example")
    assert "gathered again" in second.note
    facts = second.facts
    assert facts.text("thread.team") == "success"  # before the person decided
    assert facts.get("thread.messages") == 2
    assert facts.texts("header.x-source") == ("a",)
    assert facts.text("mailbox") == "hello@aboard.example"
    assert second.answer().decision.decided_by == "thread"
    third = explained(house, "3@acme.example")
    assert third.answer().decision.decided_by == "person"
    assert third.facts.get("thread.messages") == 3


def test_given_facts_replace_those_that_are_stored(small: House) -> None:
    small.write("rules/10-all.yaml", ONCE)
    small.activate()
    small.receive(mail(id="1@acme.example"))
    question = explained(small, "1@acme.example").with_given({"account.tier": "gold"})
    assert question.answer().decision.rule == "gold"


def test_there_is_no_message_without_one(small: House) -> None:
    with small.looking() as conn, pytest.raises(NotFound, match="no message 99"):
        explaining.stored(conn, 99)


def test_a_rule_test_made_of_a_stored_mail_passes_and_names_nobody(small: House) -> None:
    body = "Dear Tom,\nour invoice is wrong.\nAna Costa, +49 30 123456"
    small.receive(mail(id="1@acme.example", subject="Invoice 4711 for Acme", body=body))
    with small.looking() as conn:
        text = explaining.rule_test(conn, small.message("1@acme.example").id)
    for word in ("ana", "Ana", "acme", "Acme", "4711", "123456"):
        assert word not in text
    kept = (small.settings.folder / "rules/10-all.yaml").read_text()
    entry = "\n".join(f"  {line}" for line in text.splitlines())
    files = [("a.yaml", kept.encode()), ("b.yaml", f"tests:\n{entry}\n".encode())]
    ruleset, problems = load_ruleset(files, Names(("support", "success")))
    assert ruleset is not None and problems == ()
    small.write("rules/20-made.yaml", f"tests:\n{entry}\n")
    small.activate()
    assert len(small.context().files.ruleset.cases) == len(ruleset.cases) == 3


def test_the_stored_facts_decide_as_filing_did_for_every_mail(small: House) -> None:
    subjects = ("Invoice", "outage", "Kickoff", "Outage of the invoice run", "")
    small.receive(*(mail(id=f"{n}@acme.example", subject=one) for n, one in enumerate(subjects)))
    ruleset = small.context().files.ruleset
    for number in range(len(subjects)):
        question = explained(small, f"{number}@acme.example")
        decision = decide(ruleset, question.facts, event=question.event)
        assert question.answer().decision == decision
        assert small.thread(f"{number}@acme.example").team == decision.team
