"""Targets of stored threads follow what is filed and what people do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from inbox.flow.promises import handoff
from inbox.flow.promises.handoff import Offer
from inbox.store.database import Database
from tests.flow.house import SLA as PLAIN
from tests.sla.office import SLA, Office, mail, open_office

H = timedelta(hours=1)


def test_a_customers_mail_opens_a_response_and_a_resolution_in_the_teams_hours(
    office: Office,
) -> None:
    office.receive(mail(id="a@x"))  # Monday 09:00 UTC, 10:00 in Berlin
    found = office.targets(office.thread("a@x").id)
    assert found.keys() == {"first_response", "resolution"}
    first = found["first_response"]
    assert (first.state, first.policy, first.team) == ("open", "default", "support")
    assert first.due_at == office.now + 4 * H
    assert (first.next_step, first.next_at) == ("1h before", office.now + 3 * H)
    assert found["resolution"].due_at == datetime(2026, 11, 5, 9, 0, tzinfo=UTC)


def test_a_teams_own_hours_count_where_it_has_some(office: Office) -> None:
    office.receive(mail(id="a@x", subject="Your invoice"))  # success works in New York
    first = office.targets(office.thread("a@x").id)["first_response"]
    assert (first.team, first.due_at) == ("success", datetime(2026, 11, 2, 17, 0, tzinfo=UTC))


def test_a_rules_policy_applies_and_a_reply_under_another_moves_the_open_target(
    office: Office,
) -> None:
    office.receive(mail(id="a@x"))
    office.later(minutes=30)
    office.receive(mail(id="b@x", refs=["a@x"], subject="An outage"))
    first = office.targets(office.thread("a@x").id)["first_response"]
    assert (first.policy, first.due_at) == ("urgent", office.now + H / 2)
    assert first.next_step == "10m before"


def test_automatic_mail_opens_and_meets_nothing(office: Office) -> None:
    office.receive(mail(id="a@x", headers={"Auto-Submitted": "auto-replied"}))
    assert office.targets(office.thread("a@x").id) == {}
    office.receive(mail(id="b@x"))
    thread = office.thread("b@x").id
    office.receive(mail(id="c@x", refs=["b@x"], headers={"Auto-Submitted": "auto-replied"}))
    assert office.targets(thread)["first_response"].state == "open"


def test_a_reply_meets_the_response_at_the_instant_it_is_queued(office: Office) -> None:
    office.receive(mail(id="a@x"))
    thread = office.thread("a@x").id
    office.later(hours=2)
    office.reply(thread)
    first = office.targets(thread)["first_response"]
    assert (first.state, first.settled_at, first.breached_at) == ("met", office.now, None)
    assert (first.next_at, first.used_seconds) == (None, 7200)
    office.later(hours=1)
    office.receive(mail(id="b@x", refs=["a@x"]))
    assert office.targets(thread)["next_response"].due_at == office.now + 5 * H + 16 * H


def test_waiting_pauses_the_customers_clocks_exactly_and_their_mail_resumes_them(
    office: Office,
) -> None:
    office.receive(mail(id="a@x"))
    thread = office.thread("a@x").id
    office.later(hours=1)
    office.reply(thread)
    office.desk("ines").wait(thread, office.now)
    paused = office.targets(thread)["resolution"]
    assert (paused.state, paused.due_at, paused.next_at) == ("paused", None, None)
    office.later(days=7)
    office.receive(mail(id="b@x", refs=["a@x"]))
    found = office.targets(thread)["resolution"]
    assert (found.state, found.used_seconds) == ("open", 3600)
    assert found.due_at is not None
    assert found.due_at > office.now + timedelta(days=2)
    assert office.tick().fired == 0  # never due the second it resumes


def test_closing_stops_and_a_customers_mail_opens_the_next_cycle(office: Office) -> None:
    office.receive(mail(id="a@x"))
    thread = office.thread("a@x").id
    office.desk("ines").close(thread, office.now)
    found = office.targets(thread)
    assert (found["first_response"].state, found["resolution"].state) == ("stopped", "met")
    office.later(hours=1)
    office.receive(mail(id="b@x", refs=["a@x"]))
    again = office.targets(thread)
    assert again["first_response"].state == "open"
    assert again["first_response"].cycle != found["first_response"].cycle


def test_history_that_is_imported_warns_nobody_about_what_was_due_before_it_came(
    office: Office,
) -> None:
    old = mail(id="a@x", date="Mon, 05 Jan 2015 08:00:00 +0000")
    office.accept(old, source="file", dated=True)
    office.file()
    first = office.targets(office.thread("a@x").id)["first_response"]
    assert first.breached_at == datetime(2015, 1, 5, 12, 0, tzinfo=UTC)
    assert (first.next_at, first.next_step) == (None, None)
    assert office.tick().fired == 0
    assert office.post.mails == []


def test_two_threads_that_become_one_have_each_promise_once(office: Office) -> None:
    office.receive(mail(id="a@x"))
    office.later(minutes=5)
    office.receive(mail(id="c@x", refs=["b@x"]))
    office.later(minutes=5)
    office.receive(mail(id="b@x", refs=["a@x"]))
    assert len(office.components()) == 1
    found = office.targets(office.thread("a@x").id)
    running = [one for one in office.rows(_targets()) if one.state == "open"]
    assert sorted(one.metric for one in running) == ["first_response", "resolution"]
    assert found["first_response"].thread_id == office.thread("a@x").id


def _targets():  # type: ignore[no-untyped-def]
    from inbox.store.clock_tables import targets

    return targets


def test_a_handoff_has_a_clock_of_its_own_and_the_customers_runs_on(office: Office) -> None:
    office.receive(mail(id="a@x"))
    thread = office.thread("a@x").id
    office.later(minutes=30)
    wanted = Offer(thread, "success", "ines", "They ask about the contract")
    offer = handoff.offer(office.db, wanted, office.now)
    found = office.targets(thread)
    assert found["handoff_acceptance"].due_at == office.now + 2 * H
    assert found["first_response"].state == "open"
    handoff.accept(office.db, offer.id, "maya", office.now)
    assert office.targets(thread)["handoff_acceptance"].state == "met"


def test_a_target_stays_under_the_files_it_opened_under(office: Office) -> None:
    office.receive(mail(id="a@x"))
    thread = office.thread("a@x").id
    before = office.targets(thread)["first_response"]
    office.write("sla.yaml", SLA.replace("first_response: 4h", "first_response: 30m"))
    office.activate()
    office.later(minutes=1)
    office.receive(mail(id="b@x", refs=["a@x"]))
    office.receive(mail(id="c@x"))
    after = office.targets(thread)["first_response"]
    assert (after.due_at, after.policy_set) == (before.due_at, before.policy_set)
    fresh = office.targets(office.thread("c@x").id)["first_response"]
    assert fresh.due_at == office.now + H / 2
    assert fresh.policy_set != before.policy_set


def test_policies_without_targets_promise_nothing(db: Database, tmp_path: Path) -> None:
    office = open_office(db, tmp_path, **{"sla.yaml": PLAIN})
    office.receive(mail(id="a@x"))
    assert office.targets(office.thread("a@x").id) == {}
    assert office.tick().fired == 0


def test_our_own_peoples_mail_has_no_clocks(office: Office) -> None:
    office.receive(mail("Tom <tom@aboard.example>", id="a@x"))
    assert office.targets(office.thread("a@x").id) == {}


def test_a_bad_sla_file_never_replaces_the_good_one(office: Office) -> None:
    office.write("sla.yaml", "policies: [{name: default, targets: {first_response: soon}}]")
    office.activate()
    office.receive(mail(id="a@x"))
    assert office.targets(office.thread("a@x").id)["first_response"].due_at == office.now + 4 * H
