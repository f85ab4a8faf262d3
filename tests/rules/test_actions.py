"""Everything that a rule says is carried out, on a new thread and on a reply."""

from __future__ import annotations

import pytest

from inbox.flow.working import desk
from inbox.store.tables import accounts, assignments, events
from tests.flow.house import House, mail

TAIL = "fallback: {team: support}\n"
ALL = """
rules:
  - name: everything
    on: {on}
    why: To try all actions at once.
    when: {{subject contains: please}}
    then:
      team: success
      assignee: ines
      priority: high
      tags: [asked, "from-{{who}}"]
      policy: urgent
      stage: guidance
      note: They asked nicely, {{who}}.
"""


def rules(text: str) -> str:
    return text.replace(
        "when: {subject contains: please}", "when: {from matches: '(?P<who>[a-z]+)@'}"
    )


def put(house: House, text: str) -> None:
    house.write("rules/10-all.yaml", text + TAIL)
    house.activate()


def kinds(house: House) -> list[str]:
    return [row.kind for row in house.rows(events)]


def test_all_actions_of_a_rule_are_carried_out_on_a_new_thread(house: House) -> None:
    put(house, rules(ALL.format(on="new-thread")))
    house.receive(mail(id="1@acme.example"))
    thread = house.thread("1@acme.example")
    assert (thread.team, thread.priority, thread.policy) == ("success", "high", "urgent")
    assert thread.tags == ("asked", "from-ana")
    (made,) = house.rows(assignments)
    ines = house.context().person_ids["ines"]
    assert thread.accountable_id == made.accountable_id == ines
    (account,) = house.rows(accounts)
    assert account.stage == "guidance"
    notes = [row.data["text"] for row in house.rows(events, kind="note")]
    assert notes == ["They asked nicely, ana."]
    (changed,) = house.rows(events, kind="stage-changed")
    assert changed.data == {"stage": "guidance", "from": None, "rule": "everything"}
    assert changed.actor == "rule:everything"


@pytest.mark.parametrize("together", [True, False])
def test_all_actions_of_a_rule_are_carried_out_on_a_reply(small: House, together: bool) -> None:
    put(small, rules(ALL.format(on="reply")))
    first = mail(id="1@acme.example")
    reply = mail(id="2@acme.example", refs=["1@acme.example"])
    if together:
        small.receive(first, reply)
    else:
        small.receive(first)
        assert small.thread("1@acme.example").team == "support"
        small.receive(reply)
    thread = small.thread("1@acme.example")
    assert (thread.team, thread.priority, thread.policy) == ("success", "high", "urgent")
    assert thread.tags == ("asked", "from-ana")
    assert thread.accountable_id == small.context().person_ids["ines"]
    assert small.rows(accounts)[0].stage == "guidance"
    assert kinds(small).count("assigned") == 2
    assert kinds(small).count("note") == kinds(small).count("stage-changed") == 1


def test_a_rule_for_replies_may_name_a_person_and_leave_the_team(small: House) -> None:
    put(
        small,
        """
rules:
  - name: to-ines
    on: reply
    when: {subject contains: ines}
    then: {assignee: ines}
""",
    )
    small.receive(mail(id="1@acme.example"))
    before = small.thread("1@acme.example")
    small.receive(mail(id="2@acme.example", refs=["1@acme.example"], subject="For Ines"))
    after = small.thread("1@acme.example")
    people = small.context().person_ids
    assert (before.accountable_id, after.accountable_id) == (people["tom"], people["ines"])
    assert (after.team, after.decided_by) == (before.team, before.decided_by)
    small.receive(mail(id="3@acme.example", refs=["1@acme.example"], subject="For Ines again"))
    assert kinds(small).count("assigned") == 2  # nothing changed the second time


def test_a_persons_thread_keeps_its_person_but_gets_tags_and_priority(small: House) -> None:
    put(small, rules(ALL.format(on="reply")))
    small.receive(mail(id="1@acme.example"))
    desk.assign(small.db, small.thread("1@acme.example").id, "support", "maya", small.now)
    small.receive(mail(id="2@acme.example", refs=["1@acme.example"]))
    thread = small.thread("1@acme.example")
    assert (thread.team, thread.decided_by, thread.priority) == ("support", "person", "high")
    assert thread.accountable_id == small.context().person_ids["tom"]
    assert "asked" in thread.tags


def test_the_stage_that_a_rule_sets_is_a_fact_for_the_next_mail_of_the_batch(small: House) -> None:
    put(
        small,
        """
rules:
  - name: arrived
    when: {subject: hello}
    then: {stage: welcome, team: success}
  - name: known
    on: every-message
    when: {account.stage: welcome}
    then: {tags: [known]}
""",
    )
    small.receive(
        mail(id="1@acme.example", subject="Hello"), mail(id="2@acme.example", subject="More")
    )
    assert small.thread("2@acme.example").tags == ("known",)


def test_a_stage_that_is_set_already_is_no_event(small: House) -> None:
    put(small, rules(ALL.format(on="every-message")))
    small.receive(mail(id="1@acme.example"))
    small.receive(mail(id="2@acme.example", refs=["1@acme.example"]))
    assert kinds(small).count("stage-changed") == 1


def test_our_own_peoples_account_has_no_stage(small: House) -> None:
    put(small, rules(ALL.format(on="new-thread")))
    small.receive(mail("Tom <tom@aboard.example>", id="1@aboard.example"))
    assert [row.stage for row in small.rows(accounts)] == [None]
