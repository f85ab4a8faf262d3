"""Rules are asked at a handoff and at a change of stage, and their notices and naps are carried out."""

from __future__ import annotations

from datetime import timedelta

from inbox.flow.promises import handoff
from inbox.flow.promises.handoff import Offer
from inbox.flow.working import customers
from inbox.store import accounts as stored_accounts
from inbox.store import threads
from inbox.store.agent_tables import agent_notices
from inbox.store.tables import accounts, assignments, events
from inbox.store.threads import Thread
from tests.flow.house import TEAMS, House, mail

TAIL = "fallback: {team: support}\n"
AT_HANDOFF = """
rules:
  - name: taken-over
    on: handoff
    why: What success takes over is urgent.
    when: {thread.team: success}
    then: {priority: urgent, tags: [moved], note: It was handed over., notify: [tom]}
    tests:
      - {on: handoff, given: {thread.team: success}, expect: {priority: urgent, notify: tom}}
"""
AT_STAGE = """
rules:
  - name: guided
    on: stage-change
    run: once-per-thread
    why: Who is guided is looked after by success.
    when: {account.stage: guidance}
    then: {team: success, snooze: 2d}
    tests:
      - {on: stage-change, given: {account.stage: guidance}, expect: {team: success, snooze: 2d}}
  - name: paid
    why: Who has paid is guided.
    when: {subject contains: paid}
    then: {stage: guidance}
    tests:
      - {given: {subject: We paid}, expect: {stage: guidance}}
"""
QUIET = """
rules:
  - name: later
    why: It can wait, and the team is told.
    when: {subject contains: survey}
    then: {snooze: 3d, notify: [support, maya]}
    tests:
      - {given: {subject: Your survey}, expect: {snooze: 3d, notify: support}}
  - name: after-hours
    why: What comes in the night is urgent.
    when: {business_hours: false}
    then: {tags: [night]}
    tests:
      - {given: {}, at: 2026-11-02 23:00 UTC, expect: {tags: night}}
  - name: counsel
    why: Counsel is answered first.
    when: {contact.role contains: counsel}
    then: {priority: high}
    tests:
      - {given: {contact.role: General counsel}, expect: {priority: high}}
"""


def put(house: House, text: str) -> None:
    house.write("rules/10-all.yaml", text + TAIL)
    house.activate()


def thread_of(house: House, number: int) -> Thread:
    with house.looking() as conn:
        return threads.by_id(conn, number)


def told(house: House) -> list[tuple[int, str]]:
    return [(row.person_id, row.kind) for row in house.rows(agent_notices)]


def test_a_handoff_asks_its_rules_and_never_overrules_the_person(house: House) -> None:
    put(house, AT_HANDOFF)
    house.receive(mail(id="1@acme.example"))
    number = house.thread("1@acme.example").id
    made = handoff.offer(house.db, Offer(number, "success", "ines", "it is billing"), house.now)
    handoff.accept(house.db, made.id, "maya", house.now)
    there = thread_of(house, number)
    assert (there.team, there.priority, there.decided_by) == ("success", "urgent", "person")
    assert "moved" in there.tags
    assert house.rows(assignments)[-1].decision["matched"] == ["taken-over"]
    tom = house.context().person_ids["tom"]
    assert (tom, "rule") in told(house)
    assert house.rows(events, kind="people-told")[0].data == {"to": ["tom"]}


def test_a_stage_that_a_rule_or_a_person_changes_asks_its_rules(house: House) -> None:
    put(house, AT_STAGE)
    house.receive(mail(id="1@acme.example", subject="We paid"))
    there = house.thread("1@acme.example")
    assert (there.team, there.status) == ("success", "snoozed")
    assert there.snoozed_until == house.now + timedelta(days=2)
    (account,) = house.rows(accounts, name="acme.example")
    assert customers.move_to_stage(house.db, account.id, "welcome", "tom", house.now)
    assert customers.move_to_stage(house.db, account.id, "guidance", "tom", house.now)
    assert not customers.move_to_stage(house.db, account.id, "guidance", "tom", house.now)
    asked = [row for row in house.rows(assignments) if row.message_id is None]
    assert len(asked) == 1, "it runs once per thread"


HOURS = """    duty: tom
    members: [tom, ines]
    hours: {zone: Europe/Berlin, week: {mon-fri: 09:00-18:00}}
"""


def test_notices_and_a_nap_are_carried_out_and_hours_and_roles_are_facts(house: House) -> None:
    open_hours = TEAMS.replace(
        "{name: support, title: Support, duty: tom, members: [tom, ines]}",
        f"name: support\n    title: Support\n{HOURS.rstrip()}",
    )
    house.write("teams.yaml", open_hours)
    put(house, QUIET)
    house.receive(mail(id="1@acme.example", subject="Your survey"))
    there = house.thread("1@acme.example")
    assert (there.status, there.priority) == ("snoozed", "normal")
    ids = house.context().person_ids
    assert {(ids[one], "rule") for one in ("tom", "ines", "maya")} <= set(told(house))
    customers.note_role(house.db, "Ana@acme.example", "General Counsel")
    house.receive(mail(id="2@acme.example", subject="Another"))
    assert house.thread("2@acme.example").priority == "high"
    with house.looking() as conn:
        found = stored_accounts.contacts_by_address(conn, ["ana@acme.example"])
    assert found["ana@acme.example"].role == "General Counsel"
    (kept,) = [row.facts for row in house.rows(assignments) if row.thread_id == there.id]
    assert kept["business_hours"] is True
