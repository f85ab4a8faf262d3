"""Whole lives of threads on a frozen clock: weekends, holidays, absences, handoffs, escalation.

Times are told on Berlin's clock, as the people of the story see them; the office ticks every
quarter of an hour.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from inbox.errors import AboardError
from inbox.flow.promises import handoff
from inbox.flow.promises.handoff import Offer
from inbox.store import absences, handoffs, people
from inbox.store.threads import Thread
from tests.sla.office import Office, mail

BERLIN = ZoneInfo("Europe/Berlin")
FIRST = "one@acme.example"


def at(office: Office, text: str) -> None:
    """It is this moment in Berlin."""
    office.now = datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


def until(office: Office, text: str) -> None:
    """Time goes on to this moment in Berlin, with a tick every quarter of an hour."""
    end = datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)
    while office.now < end:
        office.now = min(office.now + timedelta(minutes=15), end)
        office.tick()


def writes(office: Office, mail_id: str = FIRST, *refs: str, **more: str) -> Thread:
    """The customer writes."""
    office.receive(mail(id=mail_id, refs=refs, subject="Login", **more))
    return office.thread(mail_id)


def berlin(moment: datetime | None) -> str:
    assert moment is not None
    return f"{moment.astimezone(BERLIN):%a %d %H:%M}"


def due(office: Office, thread: Thread, metric: str) -> str:
    return berlin(office.targets(thread.id)[metric].due_at)


def owner(office: Office, thread: Thread) -> tuple[str, str, bool]:
    found = office.thread(FIRST)
    with office.looking() as conn:
        return found.team, people.by_id(conn, found.accountable_id).handle, bool(found.claimed_at)


def test_a_weekend_is_not_waited_for_and_monday_is(office: Office) -> None:
    at(office, "2026-03-06T17:30")  # a Friday
    thread = writes(office)
    assert due(office, thread, "first_response") == "Mon 09 12:30"
    until(office, "2026-03-09T11:15")
    assert office.steps() == []
    until(office, "2026-03-09T11:30")
    assert office.steps() == ["1h before"]
    until(office, "2026-03-09T12:30")
    assert office.post.mails == [(thread.id, "first-response-late")]
    office.reply(thread.id)
    target = office.targets(thread.id)["first_response"]
    assert (target.state, berlin(target.breached_at)) == ("met", "Mon 09 12:30")
    until(office, "2026-03-10T18:00")
    assert office.post.mails == [(thread.id, "first-response-late")]


def test_easter_and_the_change_of_clocks_are_counted_as_people_live_them(office: Office) -> None:
    at(office, "2026-03-27T17:00")  # the last Friday of winter time
    before = writes(office)
    assert due(office, before, "first_response") == "Mon 30 12:00"
    at(office, "2026-04-02T16:00")  # the Thursday before Good Friday
    office.receive(mail(id="easter@acme.example", subject="Before the holidays"))
    easter = office.thread("easter@acme.example")
    assert due(office, easter, "first_response") == "Tue 07 11:00"
    at(office, "2026-10-23T17:00")  # the last Friday of summer time
    office.receive(mail(id="autumn@acme.example", subject="Autumn"))
    assert due(office, office.thread("autumn@acme.example"), "first_response") == "Mon 26 12:00"


def test_escalation_goes_to_the_end_each_step_once_and_then_is_silent(office: Office) -> None:
    at(office, "2026-03-02T09:00")
    thread = writes(office)
    until(office, "2026-03-13T18:00")
    told = [(step, who) for number, step, who in office.post.notified if number == thread.id]
    late = [one for one in told if one[0] in ("due", "1h after", "3h after")]
    # The last: the lead to whom it went left it untouched too, so it is the team's again.
    wanted = [("due", "ines"), ("1h after", "tom"), ("3h after", "maya"), ("due", "tom")]
    assert late == [(step, (who,)) for step, who in wanted]
    assert office.post.mails == [(thread.id, "first-response-late")]
    found = office.thread(FIRST)
    assert (found.priority, "late" in found.tags) == ("high", True)
    assert owner(office, thread) == ("support", "ines", False)


def test_who_leaves_a_thread_untouched_loses_it_and_a_note_keeps_it(office: Office) -> None:
    at(office, "2026-03-02T09:00")
    thread = writes(office)
    office.desk("tom").claim(thread.id, office.now)
    until(office, "2026-03-02T09:45")
    office.desk("tom").note(thread.id, "Asked the vendor.", office.now)
    until(office, "2026-03-02T10:30")
    assert owner(office, thread) == ("support", "tom", True)
    office.desk("tom").release(thread.id, office.now)
    office.desk("tom").claim(thread.id, office.now)
    until(office, "2026-03-02T11:30")
    assert owner(office, thread) == ("support", "ines", False)


def test_an_absence_leaves_nothing_behind(office: Office) -> None:
    at(office, "2026-03-02T09:00")
    thread = writes(office)
    office.desk("ines").claim(thread.id, office.now)
    office.reply(thread.id)
    with office.db.write() as conn:
        away = people.by_handle(conn, "ines")
        back = office.now + timedelta(days=3)
        absences.add(conn, away.id, office.now, back, "fair", office.now)
    until(office, "2026-03-02T16:00")
    assert owner(office, thread) == ("support", "ines", True)
    writes(office, "two@acme.example", FIRST)
    assert owner(office, thread) == ("support", "tom", False)
    assert due(office, thread, "next_response") == "Tue 03 13:00"


def test_a_handoff_is_refused_comes_back_by_the_clock_and_is_accepted_at_last(
    office: Office,
) -> None:
    at(office, "2026-03-02T09:00")
    thread = writes(office)
    promised = due(office, thread, "first_response")
    offer = Offer(thread.id, "success", "ines", "They ask for a contract", "New here.", ("a date",))
    refused = handoff.offer(office.db, offer, office.now)
    handoff.decline(office.db, refused.id, "lena", "Not signed yet", office.now)
    assert owner(office, thread) == ("support", "ines", False)

    until(office, "2026-03-02T15:00")  # 09:00 in New York
    late = handoff.offer(office.db, offer, office.now)
    until(office, "2026-03-02T16:45")
    with office.looking() as conn:
        assert handoffs.by_id(conn, late.id).state == "offered"
    until(office, "2026-03-02T17:00")
    with office.looking() as conn:
        assert handoffs.by_id(conn, late.id).state == "returned"
    with pytest.raises(AboardError, match="was returned"):
        handoff.accept(office.db, late.id, "lena", office.now)

    third = handoff.offer(office.db, offer, office.now)
    handoff.accept(office.db, third.id, "lena", office.now)
    assert owner(office, thread) == ("success", "lena", True)
    assert due(office, thread, "first_response") == promised  # the customer's clock ran on
    kinds = [data["handoff"] for data in office.kinds("handoff-returned", "handoff-accepted")]
    assert kinds == [str(late.id), str(third.id)]


def test_a_reply_in_the_second_in_which_it_is_due_forestalls_the_follow_up(office: Office) -> None:
    at(office, "2026-03-02T09:00")
    thread = writes(office)
    at(office, "2026-03-02T13:00")
    office.reply(thread.id)
    office.tick()
    assert office.post.mails == []
    assert office.targets(thread.id)["first_response"].breached_at is None

    at(office, "2026-03-03T09:00")
    office.receive(mail(id="other@acme.example", subject="Other"))
    other = office.thread("other@acme.example")
    at(office, "2026-03-03T13:00")
    office.tick()
    office.reply(other.id)
    assert office.post.mails == [(other.id, "first-response-late")]


def test_a_snooze_ends_by_itself_and_mail_ends_it_before(office: Office) -> None:
    at(office, "2026-03-02T09:00")
    thread = writes(office)
    office.desk("ines").snooze(thread.id, office.now + timedelta(days=2), office.now)
    until(office, "2026-03-04T08:45")
    assert office.thread(FIRST).status == "snoozed"
    until(office, "2026-03-04T09:00")
    assert office.thread(FIRST).status == "open"
    office.desk("ines").snooze(thread.id, office.now + timedelta(days=2), office.now)
    writes(office, "three@acme.example", FIRST)
    assert office.thread(FIRST).status == "open"


def test_downtime_over_a_whole_ladder_fires_only_its_latest_step(office: Office) -> None:
    at(office, "2026-03-02T09:00")
    writes(office)
    at(office, "2026-03-02T17:30")  # nobody ticked all day
    office.tick()
    assert "3h after" in office.steps()
    assert {"1h before", "due", "1h after"} <= set(office.steps(skipped=True))
    assert office.post.mails == []  # a mail that says we are late, four hours late itself
    assert office.targets(office.thread(FIRST).id)["first_response"].breached_at is not None
