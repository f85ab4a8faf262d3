"""A step of a ladder writes to the customer: once, in their language, within the bounds."""

from __future__ import annotations

from datetime import timedelta

from inbox.store.outbox_tables import outbox
from tests.followups.office import ANA, Office

LATE = "first-response-late"


def quiet_office(office: Office) -> None:
    """Only ladders send."""
    office.write("followups.yaml", "quiet_hours: {from: 20:00, until: 08:00}\n")
    office.activate()


def test_a_breach_writes_to_who_waits_once(office: Office) -> None:
    quiet_office(office)
    thread = office.write_in(subject="Kickoff")
    office.work(hours=7)
    (item,) = office.items()
    assert (item.kind, item.template, item.thread_id) == ("automatic", LATE, thread)
    assert item.key.startswith(f"thread/{thread}/sla:first_response/due/")
    (letter,) = office.left
    assert letter.to == (ANA,)
    assert letter.mail["Auto-Submitted"] == "auto-generated"
    assert letter.mail["In-Reply-To"] == "<m0@acme.example>"
    assert letter.reverse_path.startswith("hello+")
    (step,) = office.happened("target-breached")
    assert step["mail"] == "queued"


def test_it_is_written_in_the_language_of_the_mail(office: Office) -> None:
    quiet_office(office)
    german = "Guten Tag, wir haben eine Frage zur Einrichtung und bitten um Antwort. Vielen Dank!"
    office.write_in(subject="Frage", body=german)
    office.work(hours=7)
    assert office.left[0].mail["Content-Language"] == "de"


def test_a_reply_in_time_keeps_it_from_leaving(office: Office) -> None:
    quiet_office(office)
    thread = office.write_in()
    office.later(hours=4.5)
    office.tick()
    (item,) = office.items()
    office.desk().close(thread, office.now)
    assert office.carry() == ["cancelled"]
    assert "promise" in (office.items()[0].cause or "")
    assert not office.left
    assert item.state == "queued"


def test_the_fifth_mail_of_a_day_waits_for_the_next(office: Office) -> None:
    quiet_office(office)
    for number in range(6):
        office.write_in(id=f"t{number}@acme.example")
    office.work(hours=7)
    assert len(office.left) == 4
    office.work(hours=48)
    assert len(office.left) == 6
    for one in office.left:
        day = [x for x in office.left if one.at - timedelta(hours=24) < x.at <= one.at]
        assert len(day) <= 4


def test_what_may_never_go_says_why(office: Office) -> None:
    quiet_office(office)
    office.write_in(sender="Robot <no-reply@acme.example>")
    office.work(hours=7)
    assert not office.items()
    (why,) = office.happened("follow-up-skipped")
    assert "no automatic answers" in why["why"]


def test_a_template_that_fails_parks_its_own_mail_only(office: Office) -> None:
    quiet_office(office)
    office.write("templates/mail/first-response-late/body.txt", "{{ previous.name }}{{ stage }}x\n")
    office.activate()
    thread = office.write_in()
    with office.db.write() as conn:
        from inbox.store import sets

        there = sets.active(conn, "templates")
        assert there is not None
        broken = {**there.files, f"{LATE}/body.txt": "{{ nothing }}"}
        sets.activate(conn, "templates", "broken", broken, office.now)
    office.work(hours=7)
    (row,) = office.planned(thread)
    assert (row.state, row.template) == ("paused", LATE)
    assert "nothing" in (row.why or "")
    assert [one["step"] for one in office.happened("target-breached")]
    assert not office.rows(outbox)
