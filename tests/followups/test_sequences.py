"""Sequences begin with an event, ask in working time, and end when the customer writes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from inbox.flow.promises import handoff, sla
from inbox.flow.promises.handoff import Offer
from inbox.flow.promises.planning import Planner, coming
from inbox.flow.working import merging
from tests.flow.house import RULES, bounce
from tests.followups.office import Office


def waiting(office: Office, **fields: str) -> int:
    """A thread on which the customer is to do something."""
    thread = office.write_in(**fields)
    office.desk().wait(thread, office.now)
    return thread


def test_reminders_come_in_working_time_and_then_the_thread_is_closed(office: Office) -> None:
    thread = waiting(office)
    steps = office.planned(thread)
    # Two, five and ten working days of nine hours, from Monday 10:00 in Berlin.
    assert [f"{one.due_at:%m-%d %H:%M}" for one in steps] == [
        "11-04 09:00",
        "11-09 09:00",
        "11-16 09:00",
    ]
    office.work(days=16)
    sent = [one for one in office.templates() if one != "acknowledgement"]
    assert sent == ["waiting-for-you", "waiting-for-you", "closing-notice"]
    assert office.thread("m0@acme.example").status == "closed"
    assert {one.state for one in office.items()} == {"sent"}


def test_the_customers_mail_ends_what_asks_them(office: Office) -> None:
    thread = waiting(office)
    office.work(hours=30)
    office.write_in(id="elsewhere@acme.example", subject="Another matter")
    assert not office.planned(thread)
    (ended,) = office.happened("follow-ups-cancelled")
    assert ended["why"] == "the customer has written"
    office.work(days=20)
    assert "waiting-for-you" not in office.templates()


def test_what_asks_a_customer_goes_along_when_two_accounts_become_one(office: Office) -> None:
    thread = waiting(office)
    office.write_in(id="n@nord.example", sender="Per <per@nord.example>")
    into = office.thread("n@nord.example").account_id
    account = office.thread("m0@acme.example").account_id
    merging.merge(office.db, account, into, "tom", office.now)
    assert {one.account_id for one in office.planned(thread)} == {into}
    assert {one.account_id for one in office.items() if one.thread_id == thread} == {into}
    office.write_in(id="elsewhere@acme.example", subject="Another matter")
    assert not office.planned(thread), "the customer has written"


def test_robots_bounces_and_strangers_end_nothing(office: Office) -> None:
    thread = waiting(office)
    refs = ("m0@acme.example",)
    office.write_in(id="r1@acme.example", refs=refs, headers={"Auto-Submitted": "auto-replied"})
    office.receive(bounce("ana@acme.example", "m0@acme.example"), reverse_path="")
    office.write_in(id="s1@other.example", sender="Eve <eve@other.example>", refs=refs)
    assert len(office.planned(thread)) == 3


def test_an_absence_with_a_return_date_moves_them(office: Office) -> None:
    thread = waiting(office)
    office.write_in(
        id="ooo@acme.example",
        refs=("m0@acme.example",),
        subject="Out of office",
        body="I am out of the office until 20 November 2026 and will answer then.",
        headers={"Auto-Submitted": "auto-replied"},
    )
    steps = office.planned(thread)
    (moved,) = office.happened("follow-ups-moved")
    back = datetime.fromisoformat(moved["return_on"]).replace(tzinfo=UTC)
    assert back.date() >= datetime(2026, 11, 20, tzinfo=UTC).date()
    assert all(one.due_at > back + timedelta(days=1) for one in steps)
    gaps = [after.due_at - before.due_at for before, after in pairwise(steps)]
    assert all(gap >= timedelta(days=2) for gap in gaps)


def test_nothing_is_sent_in_the_customers_night(office: Office) -> None:
    thread = waiting(office)
    from inbox.store import accounts

    with office.db.write() as conn:
        account = accounts.find(conn, "acme.example")
        accounts.update_facts(conn, account.id, tags=["zone:America/Los_Angeles"])
    office.until("2026-11-04 15:45")  # 07:45 there
    assert "waiting-for-you" not in office.templates()
    office.until("2026-11-04 16:15")
    assert "waiting-for-you" in office.templates()
    assert len(office.planned(thread)) == 2


def test_one_reminder_a_day_from_all_threads_together(office: Office) -> None:
    numbers = [office.write_in(id=f"t{one}@acme.example") for one in range(2)]
    for thread in numbers:
        office.desk().wait(thread, office.now)
    office.work(days=4)
    sent = [one for one in office.items() if one.template == "waiting-for-you"]
    assert len(sent) == 2
    times = [one.created_at for one in sent]
    assert times[1] - times[0] >= timedelta(hours=24)


def test_closing_says_so_and_reopening_takes_it_back(office: Office) -> None:
    thread = office.write_in()
    office.desk().close(thread, office.now)
    assert [one.template for one in office.planned(thread)] == ["resolution"]
    office.desk().reopen(thread, office.now)
    assert not office.planned(thread)
    office.later(minutes=1)
    office.desk().close(thread, office.now)
    office.work(hours=1)
    assert office.templates().count("resolution") == 1


def test_after_a_handoff_the_customer_learns_who_answers_now(office: Office) -> None:
    thread = office.write_in()
    offer = Offer(thread, "success", "ines", "It is theirs.", asks=("the contract",))
    made = handoff.offer(office.db, offer, office.now, sla.told)
    assert not office.planned(thread)
    handoff.accept(office.db, made.id, "maya", office.now, sla.told)
    office.work(hours=6)
    assert office.templates().count("handoff-introduction") == 1
    assert any("Maya" in (text := one.raw.decode()) and "Ines" in text for one in office.left)


def test_a_stage_begins_its_sequence(office: Office) -> None:
    stage = RULES.replace(
        "fallback:",
        "  - name: signed\n    why: They signed.\n    when: {subject contains: signed}\n"
        "    then: {stage: welcome}\n    tests:\n      - given: {subject: signed}\n"
        "        expect: {stage: welcome}\nfallback:",
    )
    office.write("rules/10-all.yaml", stage)
    office.activate()
    thread = office.write_in(subject="We signed")
    assert [one.template for one in office.planned(thread)] == ["welcome"]
    office.work(hours=1)
    assert "welcome" in office.templates()


def test_what_is_coming_is_listed_with_the_ladder_and_can_be_changed(office: Office) -> None:
    thread = office.write_in()
    other = waiting(office, id="w@acme.example")
    account = office.thread("m0@acme.example").account_id

    def listed() -> list[tuple[str, str, int]]:
        with office.looking() as conn:
            found = coming(conn, office.context().files, account, office.now)
        return [(one.template, one.state, one.thread_id) for one in found]

    assert listed() == [
        ("first-response-late", "ladder", thread),
        ("waiting-for-you", "planned", other),
        ("waiting-for-you", "planned", other),
        ("closing-notice", "planned", other),
    ]
    planner = Planner(office.db, "ines")
    first, second, third = office.planned(other)
    planner.pause(first.id, office.now)
    planner.cancel(second.id, office.now)
    text = "Dear Ana,\nplease write."
    planner.edit(third.id, "Last call", text, office.now + timedelta(hours=1), office.now)
    assert [row[1] for row in listed() if row[2] == other] == ["planned", "paused"]
    office.work(hours=2)
    assert any(one.mail["Subject"] == "Last call" for one in office.left)
    planner.resume(first.id, office.now)
    kinds = ("follow-up-paused", "follow-up-edited", "follow-up-resumed")
    assert len(office.happened(*kinds)) == 3
