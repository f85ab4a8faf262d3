"""Whoever a thread comes to without their doing is told, and no clock of its last owner runs on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from inbox.app import homes
from inbox.flow.people.audience import Asked
from inbox.flow.promises.rehoming import Attendance, House, Leave, leave
from inbox.flow.working import customers
from inbox.flow.working.reply import Wish, reply
from inbox.store import targets
from inbox.store.agent_tables import agent_notices
from inbox.store.database import Conn
from inbox.store.tables import accounts
from tests.agents.office import AgentOffice
from tests.flow.house import bounce
from tests.followups.office import ANA
from tests.sla.office import TEAMS

BEN = "ben@acme.example"
TOM = "tom@aboard.example"
WITHOUT_INES = "\n".join(
    line.replace("duty: ines", "duty: tom").replace("[tom, ines]", "[tom]")
    for line in TEAMS.splitlines()
    if "handle: ines" not in line
)


def owned(office: AgentOffice) -> int:
    """A thread of Ines's, with nothing left to tell."""
    thread = office.write_in(id="m1@acme.example", subject="Kickoff")
    office.desk("ines").claim(thread, office.now)
    office.mailed()
    office.later(minutes=5)
    return thread


def untouched(office: AgentOffice, thread: int) -> list[str]:
    """The states of all targets that say how long an owner may do nothing."""
    with office.looking() as conn:
        found = targets.of_threads(conn, [thread])[thread]
    return [one.state for one in found if one.metric == "untouched"]


def away(office: AgentOffice, handle: str) -> int:
    wanted = Leave(handle, office.now, office.now + timedelta(days=2))
    return leave(office.db, homes(office.db, office.settings), wanted, office.now)


def test_what_somebody_owned_who_has_left_is_told_to_who_answers_now(office: AgentOffice) -> None:
    thread = owned(office)
    assert untouched(office, thread) == ["open"]
    office.write("teams.yaml", WITHOUT_INES)
    office.activate()
    (letter,) = office.mailed(TOM)
    assert letter.mail["Subject"] == "[acme.example] Yours: Kickoff"
    said = "You answer for it now, and nobody owns it: ines is no longer in teams.yaml"
    assert said in letter.mail.get_content()
    assert untouched(office, thread) == ["stopped"]
    office.activate()
    assert not office.mailed(TOM), "once"


def test_what_waits_is_told_to_who_stands_in_for_the_duty_holder(office: AgentOffice) -> None:
    office.write_in(id="m1@acme.example", subject="Kickoff")
    assert not office.mailed(), "of new mail that waits for its team nobody is told"
    assert away(office, "ines") == 1
    (letter,) = office.mailed(TOM)
    assert (
        "You answer for it now, and nobody owns it: ines is on duty and is away"
        in letter.mail.get_content()
    )

    def house(conn: Conn) -> House:
        return homes(office.db, office.settings)

    attendance = Attendance(office.now)
    office.later(days=3)
    assert attendance.keep(office.db, house, office.now) == 1
    (letter,) = office.mailed()
    assert "You answer for it now, and nobody owns it" in letter.mail.get_content()


@pytest.mark.parametrize("strategy", ["nobody's turn", "fewest-open"])
def test_the_customers_next_mail_to_who_is_away_is_told_to_who_has_it_then(
    office: AgentOffice, strategy: str
) -> None:
    if strategy == "fewest-open":
        taking = "members: [tom, ines], strategy: [fewest-open]"
        office.write("teams.yaml", TEAMS.replace("members: [tom, ines]", taking))
        office.activate()
        thread = office.write_in(id="m1@acme.example", subject="Kickoff")
        office.desk("tom").give(thread, "ines", office.now)
        office.mailed()
    else:
        thread = owned(office)
    assert away(office, "ines") == 0, "what is hers stays hers"
    before = untouched(office, thread)
    assert before[-1] == "open"
    office.later(minutes=1)
    office.write_in(id="m2@acme.example", subject="Re: Kickoff", refs=["m1@acme.example"])
    (letter,) = office.mailed(TOM)
    said = "ines is away and the customer wrote"
    if strategy == "fewest-open":
        assert f"It is yours now: {said}" in letter.mail.get_content()
        assert untouched(office, thread) == [*before[:-1], "stopped", "open"]
    else:
        assert f"nobody owns it: {said}" in letter.mail.get_content()
        assert untouched(office, thread) == ["stopped"]


def test_who_gets_a_thread_back_that_its_owner_did_not_touch_is_told(office: AgentOffice) -> None:
    """The step names the lead; the duty holder answers from then on."""
    thread = office.write_in(id="m1@acme.example", subject="Kickoff")
    office.desk("tom").claim(thread, office.now)
    office.mailed(TOM)
    office.later(hours=1, minutes=1)
    office.tick()
    kinds = {(row.person_id, row.kind) for row in office.rows(agent_notices)}
    numbers = office.context().person_ids
    assert (numbers["ines"], "assigned") in kinds
    assert untouched(office, thread) == ["stopped"]


AT_STAGE = """
rules:
  - name: guided
    on: stage-change
    why: Who is guided is Lena's.
    when: {account.stage: guidance}
    then: {team: success, assignee: lena}
    tests:
      - {on: stage-change, given: {account.stage: guidance}, expect: {team: success}}
fallback: {team: support}
"""


def test_a_rule_that_is_asked_at_a_deed_tells_whom_it_gives_the_thread_to(
    office: AgentOffice,
) -> None:
    office.write("rules/10-all.yaml", AT_STAGE)
    office.activate()
    thread = office.write_in(id="m1@acme.example", subject="Kickoff")
    (account,) = office.rows(accounts, name="acme.example")
    assert customers.move_to_stage(office.db, account.id, "guidance", "tom", office.now)
    (letter,) = office.mailed("lena@aboard.example")
    assert "It is yours now: named by the rule" in letter.mail.get_content()
    assert untouched(office, thread) == ["open"]


def test_who_is_given_back_a_thread_is_told(office: AgentOffice) -> None:
    thread = office.write_in(id="m1@acme.example", subject="Kickoff")
    office.desk("tom").claim(thread, office.now)
    office.desk("tom").release(thread, office.now)
    (letter,) = office.mailed()
    assert "nobody owns it: released it" in letter.mail.get_content()


NAMES_NOBODY = b"From: MAILER-DAEMON@mx.test\r\nSubject: Undeliverable mail\r\n\r\nIt failed.\r\n"


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (bounce("other@acme.example", "unknown@x"), " (5.1.1): 550 5.1.1 no such user"),
        (NAMES_NOBODY, ""),
    ],
    ids=["another address", "nobody"],
)
def test_whose_mail_came_back_is_told_which_of_several_it_can_be(
    office: AgentOffice, report: bytes, said: str
) -> None:
    """A report that names none of those to whom we wrote."""
    thread = owned(office)
    wish = Wish(thread, "ines", "Tuesday.", asked=Asked(cc=(BEN,)))
    reply(office.db, wish, office.follow_ups.post, office.now)
    office.later(minutes=5)
    office.carry()
    (sent,) = office.to_customer()
    office.receive(report, reverse_path="", forward_paths=(sent.reverse_path,))
    (letter,) = office.mailed()
    lines = letter.mail.get_content().replace("\r\n", "\n").split("\n")
    assert f"Mail to one of {ANA}, {BEN} came back{said}" in lines
