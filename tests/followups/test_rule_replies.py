"""A rule's `reply` is carried out: once per mail, within the bounds, never to machines."""

from __future__ import annotations

from tests.flow.house import RULES
from tests.followups.office import ANA, Office

REPLY = """  - name: dpa
    why: Who asks for the contract is told that it comes.
    when: {subject contains: dpa}
    then: {reply: handoff-introduction}
    tests:
      - given: {subject: Your DPA}
        expect: {reply: handoff-introduction}
fallback:"""


def with_rule(office: Office) -> Office:
    office.write("rules/10-all.yaml", RULES.replace("fallback:", REPLY))
    office.activate()
    return office


def test_it_goes_to_who_wrote(office: Office) -> None:
    thread = with_rule(office).write_in(subject="Your DPA")
    (item,) = [one for one in office.items() if one.template == "handoff-introduction"]
    assert (item.thread_id, item.recipients[0].address) == (thread, ANA)
    assert "/rule:dpa/1/" in item.key
    office.carry()
    assert {one.mail["Auto-Submitted"] for one in office.left} <= {
        "auto-generated",
        "auto-replied",
    }


def test_a_machine_gets_none(office: Office) -> None:
    with_rule(office).write_in(subject="Your DPA", headers={"Auto-Submitted": "auto-replied"})
    assert not office.items()


def test_at_night_it_waits_for_the_morning(office: Office) -> None:
    with_rule(office).later(hours=13)
    thread = office.write_in(subject="Your DPA")
    (row,) = office.planned(thread)
    assert (row.sequence, row.template) == ("rule:dpa", "handoff-introduction")
    assert f"{row.due_at:%H:%M}" == "07:00"
    office.work(hours=12)
    assert "handoff-introduction" in office.templates()
