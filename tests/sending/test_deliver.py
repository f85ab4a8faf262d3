"""From the outbox to the smarthost: at most once where it must be, at least once where it may."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.errors import NotFound
from inbox.flow.evidence import explaining
from inbox.flow.evidence.audit import audit
from inbox.flow.leaving import deliver
from inbox.flow.leaving.settling import Judged, backoff
from inbox.mail.outgoing import (
    Answer,
    BeforePhase,
    Envelope,
    Outcome,
    RecipientOutcome,
    Sent,
    Uncertain,
)
from inbox.store import outbox, outbox_desk
from inbox.store.outbox import Claimed, ItemLost
from tests.flow.house import mail
from tests.sending.office import ANA, HELLO, Office
from tests.services.smtp_sink import CUT, KEEP_AND_CUT


def test_an_item_leaves_once_and_is_on_the_timeline_as_of_its_enqueue_instant(
    office: Office,
) -> None:
    put = office.put(kind="reply")
    queued_at = office.house.now
    office.house.later(minutes=3)
    assert office.carry() == ["sent"]
    assert office.carry() == []
    (kept,) = office.sink.wait_for(1)
    item = office.item(put.item_id)
    assert item.message_id is not None
    message = office.house.message(item.mail_id)
    assert (message.direction, message.received_at, message.id) == (
        "out",
        queued_at,
        item.message_id,
    )
    assert message.visible_text.strip() == "On Monday."
    (out,) = office.events("mail-out")
    assert (out.at, out.message_id, out.data["to"]) == (queued_at, message.id, [ANA])
    thread = office.house.thread("one@acme.example")
    assert (thread.status, thread.last_out_at, thread.messages) == ("waiting", queued_at, 2)
    assert message.thread_id == thread.id
    assert kept.content == _bytes(office, item.raw_id)
    assert audit(office.house.db, deep=True).balanced


def test_what_we_sent_has_no_trace_and_says_so(office: Office) -> None:
    put = office.put(kind="reply")
    assert office.carry() == ["sent"]
    number = office.item(put.item_id).message_id
    assert number is not None
    with office.house.looking() as conn, pytest.raises(NotFound, match="left from here"):
        explaining.stored(conn, number)


def _bytes(office: Office, raw_id: int) -> bytes:
    from inbox.store import ledger

    with office.house.db.read() as conn:
        return ledger.raw_bytes(conn, raw_id)


def test_a_key_is_put_in_once_whatever_is_put_under_it_again(office: Office) -> None:
    first = office.put("k")
    again = office.put("k", draft=office.draft(text="Other words."))
    assert (first.fresh, again.fresh) == (True, False)
    assert again.item_id == first.item_id
    assert office.carry() == ["sent"]
    assert len(office.sink.kept) == 1
    assert audit(office.house.db).balanced  # the bytes that were not needed are not left behind


def test_the_answer_to_what_we_sent_joins_its_thread(office: Office) -> None:
    put = office.put(kind="reply", draft=office.draft("new@acme.example"))
    office.carry()
    ours = office.item(put.item_id).mail_id
    office.house.receive(mail("New <new@acme.example>", id="two@acme.example", refs=[ours]))
    assert office.house.thread("two@acme.example").id == office.thread_id


def test_without_a_smarthost_items_are_held_until_a_person_releases_them(office: Office) -> None:
    put = office.put(held=True)
    office.house.later(days=3)
    assert office.carry() == []
    assert office.item(put.item_id).state == "held"
    with office.house.db.write() as conn:
        outbox_desk.release(conn, put.item_id, office.house.now, office.post().lifetimes)
    assert office.carry() == ["sent"]


def test_automatic_mail_expires_after_a_day_and_a_reply_is_tried_for_five(office: Office) -> None:
    automatic, reply = office.put("a"), office.put("b", "reply")
    office.sink.stop()
    days = 0.0
    while office.item(reply.item_id).state == "queued" and days < 10:
        office.carry()
        office.house.later(hours=2)
        days += 2 / 24
    assert office.item(automatic.item_id).state == "expired"
    assert 4.5 < days < 5.5
    assert office.item(reply.item_id).state == "failed"
    assert [one.kind for one in office.events("mail-expired", "mail-failed")] == [
        "mail-expired",
        "mail-failed",
    ]
    office.sink.start()


def test_what_may_not_leave_any_more_is_noticed_right_before_data(office: Office) -> None:
    asked: list[int] = []

    def recheck(conn: object, claimed: Claimed, now: object) -> str | None:
        asked.append(claimed.lease.item_id)
        return "the customer answered"

    office.recheck = recheck  # type: ignore[assignment]
    put = office.put()
    assert office.carry() == ["cancelled"]
    assert asked == [put.item_id]
    assert not office.sink.kept
    assert office.item(put.item_id).cause == "the customer answered"
    office.put("r", "reply")  # a person has decided already: nobody is asked
    assert office.carry() == ["sent"]


def test_a_reply_to_be_sent_later_is_cancelled_by_an_answer_that_comes_first(
    office: Office,
) -> None:
    later = office.house.now + timedelta(hours=3)
    put = office.put("r", "reply", run_after=later, cancel_if_answered=True)
    office.house.later(hours=1)
    assert office.carry() == []
    office.house.receive(mail(id="two@acme.example", refs=["one@acme.example"]))
    office.house.later(hours=3)
    office.carry()
    assert office.item(put.item_id).state == "cancelled"
    assert not office.sink.kept


def test_an_absent_persons_machine_cancels_nothing(office: Office) -> None:
    later = office.house.now + timedelta(hours=3)
    office.put("r", "reply", run_after=later, cancel_if_answered=True)
    office.house.later(hours=1)
    away = mail(
        id="ooo@acme.example", refs=["one@acme.example"], headers={"Auto-Submitted": "auto-replied"}
    )
    office.house.receive(away)
    office.house.later(hours=3)
    assert office.carry() == ["sent"]


def test_a_lost_answer_to_the_dot_is_uncertain_and_automatic_mail_never_leaves_again(
    office: Office,
) -> None:
    office.sink.script("DATA", KEEP_AND_CUT)
    put = office.put()
    assert office.carry() == ["uncertain"]
    for _ in range(30):
        office.house.later(hours=4)
        office.carry()
        deliver.recover(office.house.db, office.rules)
    assert len(office.sink.kept) == 1
    item = office.item(put.item_id)
    assert (item.state, item.phase) == ("uncertain", "dot")
    assert office.house.message(item.mail_id).direction == "out"
    (event,) = office.events("mail-uncertain")
    assert event.data["again"] is False
    with office.house.db.write() as conn:  # a person may, knowing what they do
        outbox_desk.retry(conn, put.item_id, office.house.now, office.post().lifetimes)
    assert office.carry() == ["sent"]
    assert office.sink.kept[0].content == office.sink.kept[1].content


def test_a_persons_uncertain_reply_leaves_again_with_the_same_bytes_and_is_shown(
    office: Office,
) -> None:
    office.sink.script("DATA", KEEP_AND_CUT)
    put = office.put(kind="reply")
    assert office.carry() == ["queued"]
    assert office.item(put.item_id).cause == "uncertain"
    assert [one.data["again"] for one in office.events("mail-uncertain")] == [True]
    office.house.later(minutes=2)
    assert office.carry() == ["sent"]
    first, second = office.sink.wait_for(2)
    assert first.content == second.content
    assert len(office.events("mail-out")) == 1
    assert office.house.thread("one@acme.example").messages == 2


def test_a_connection_cut_before_the_dot_is_tried_again(office: Office) -> None:
    office.sink.script("MAIL", CUT)
    office.put()
    assert office.carry() == ["queued"]
    assert office.carry() == []  # not at once
    office.house.later(minutes=2)
    assert office.carry() == ["sent"]
    assert len(office.sink.kept) == 1


def test_who_was_accepted_is_never_sent_to_again(office: Office) -> None:
    ben, eve = "ben@acme.example", "eve@acme.example"
    office.sink.script("RCPT", None, "550 5.1.1 no such user", "450 4.2.1 greylisted")
    put = office.put(draft=office.draft(ANA, ben, eve))
    assert office.carry() == ["queued"]
    assert {one.address: one.state for one in office.item(put.item_id).recipients} == {
        ANA: "accepted",
        ben: "refused",
        eve: "pending",
    }
    (refused,) = office.events("mail-failed")
    assert refused.data["to"] == [ben]
    assert "no such user" in refused.data["detail"]
    office.house.later(minutes=5)
    assert office.carry() == ["sent"]
    assert [one.rcpt_tos for one in office.sink.kept] == [(ANA,), (eve,)]
    assert len(office.events("mail-out")) == 1


def test_a_refused_mail_fails_with_what_the_server_said(office: Office) -> None:
    office.sink.script("DATA", "554 5.7.1 looks like spam")
    put = office.put(kind="reply")
    assert office.carry() == ["failed"]
    item = office.item(put.item_id)
    assert (item.state, "looks like spam" in (item.detail or "")) == ("failed", True)
    assert office.house.thread("one@acme.example").status == "open"  # nobody was answered
    with office.house.db.write() as conn:
        outbox_desk.retry(conn, put.item_id, office.house.now, office.post().lifetimes)
    assert office.carry() == ["sent"]


# --- Leases, fences, recovery ------------------------------------------------------------------


def run_to(office: Office, phase: str) -> Claimed:
    """A courier that dies as it is about to begin a phase, after writing that down."""

    class Died(BaseException):
        pass

    def die(envelope: Envelope, raw: bytes, before: BeforePhase) -> Outcome:
        for one in ("connect", "envelope", "data", "dot"):
            before(one)
            if one == phase:
                raise Died
        raise AssertionError

    (claimed,) = office.claim()
    with pytest.raises(Died):
        deliver.carry(office.house.db, claimed, die, office.rules)
    return claimed


@pytest.mark.parametrize("phase", ["connect", "envelope", "data"])
def test_a_dead_couriers_item_is_queued_again_before_the_dot(office: Office, phase: str) -> None:
    office.owner = "n1/4000000/0a/x"  # no such process
    put = office.put()
    run_to(office, phase)
    office.owner = "n1/1/0/b"
    assert deliver.recover(office.house.db, office.rules) == ("queued",)
    assert office.carry() == ["sent"]
    assert office.item(put.item_id).attempts == 2


@pytest.mark.parametrize(("kind", "state"), [("automatic", "uncertain"), ("reply", "queued")])
def test_a_dead_couriers_item_is_uncertain_at_the_dot(
    office: Office, kind: str, state: str
) -> None:
    office.owner = "n1/4000000/0a/x"
    office.put(kind=kind)
    run_to(office, "dot")
    assert deliver.recover(office.house.db, office.rules) == (state,)
    assert deliver.recover(office.house.db, office.rules) == ()


def test_a_lease_that_ran_out_is_taken_over_and_the_late_courier_changes_nothing(
    office: Office,
) -> None:
    office.put()
    late = run_to(office, "data")
    assert deliver.recover(office.house.db, office.rules) == ()  # it may still be at work
    office.house.later(hours=1)
    assert deliver.recover(office.house.db, office.rules) == ("queued",)
    assert office.carry() == ["sent"]
    by_recipient = (RecipientOutcome(ANA, "accepted"),)
    with pytest.raises(ItemLost):
        office.settle(Judged(late, Sent(by_recipient, Answer(250, "", ""))))
    with pytest.raises(ItemLost):
        deliver.carry(office.house.db, late, office.pool.deliver, office.rules)
    assert len(office.sink.kept) == 1


def test_two_couriers_never_hold_one_item(office: Office) -> None:
    for number in range(6):
        office.put(f"k{number}")
    first = {one.lease.item_id for one in office.claim(4)}
    second = {one.lease.item_id for one in office.claim(4)}
    assert (len(first), len(second)) == (4, 2)
    assert not first & second


def test_a_cancelled_item_stops_its_courier_before_the_mail_begins(office: Office) -> None:
    put = office.put(kind="reply")

    def cancel_first(envelope: Envelope, raw: bytes, before: BeforePhase) -> Outcome:
        def also(phase: str) -> None:
            if phase == "data":
                with office.house.db.write() as conn:
                    outbox_desk.cancel(conn, put.item_id, office.house.now, "undo")
            before(phase)

        return office.pool.deliver(envelope, raw, also)

    (claimed,) = office.claim()
    with pytest.raises(ItemLost):
        deliver.carry(office.house.db, claimed, cancel_first, office.rules)
    assert office.item(put.item_id).state == "cancelled"
    assert not office.sink.kept


def test_a_courier_that_is_told_to_stop_gives_its_item_back(office: Office) -> None:
    office.put()
    office.stopping = True
    assert office.carry() == ["queued"]
    office.stopping = False
    assert office.carry() == ["sent"]


def test_nobody_settles_an_uncertain_end_of_somebody_elses_claim(office: Office) -> None:
    office.put()
    (claimed,) = office.claim()
    with office.house.db.write() as conn, pytest.raises(ItemLost):
        stranger = outbox.Lease(claimed.lease.item_id, claimed.lease.fence + 1)
        outbox.note_phase(conn, stranger, "dot", office.house.now)
    assert office.settle(Judged(claimed, Uncertain("gone"))) == "uncertain"


@given(st.integers(1, 500), st.floats(0, 1))
def test_waits_grow_from_a_minute_to_four_hours(attempts: int, jitter: float) -> None:
    wait = backoff(attempts, jitter)
    assert timedelta(seconds=45) <= wait <= timedelta(hours=5)
    assert backoff(1, jitter) <= timedelta(seconds=75)
    assert backoff(attempts + 1, jitter) >= wait


def test_the_mail_that_comes_back_to_us_is_known(office: Office) -> None:
    put = office.put()
    office.carry()
    (kept,) = office.sink.wait_for(1)
    assert office.house.receive(kept.content).duplicates == 1
    assert office.item(put.item_id).reverse_path.startswith("hello+b")
    assert HELLO.startswith("hello@")
