"""The tick does each step of a ladder once, on time, and nothing that is not due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from inbox.flow.promises import handoff
from inbox.flow.promises.climb import Fired
from inbox.flow.promises.handoff import Offer
from inbox.flow.promises.tick import SteadyClock
from inbox.store.clock_tables import handoffs
from inbox.store.database import Conn
from tests.sla.office import Office, Post, mail

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def test_the_ladder_is_climbed_step_by_step_and_each_step_once(office: Office) -> None:
    office.receive(mail(id="a@x"))
    thread = office.thread("a@x")
    office.days(7.5 / 24)
    assert office.post.notified == [
        (thread.id, "1h before", ("ines",)),
        (thread.id, "due", ("ines",)),
        (thread.id, "1h after", ("tom",)),
        (thread.id, "3h after", ("maya",)),
    ]
    assert office.post.mails == [(thread.id, "first-response-late")]
    after = office.thread("a@x")
    assert (after.priority, after.tags) == ("high", ("late",))
    assert office.rows(_people(), handle="tom")[0].id == after.accountable_id
    assert after.claimed_at is not None
    first = office.targets(thread.id)["first_response"]
    assert (first.breached_at, first.next_at, first.next_step) == (first.due_at, None, None)


def _people():  # type: ignore[no-untyped-def]
    from inbox.store.tables import people

    return people


def test_each_step_leaves_one_event_that_says_what_it_did(office: Office) -> None:
    office.receive(mail(id="a@x"))
    office.days(7.5 / 24)
    (risk,) = office.kinds("target-at-risk")
    (breach,) = office.kinds("target-breached")
    first, second = office.kinds("target-escalated")
    assert (risk["metric"], risk["notified"]) == ("first_response", ["ines"])
    assert (breach["follow_up"], breach["mail"]) == ("first-response-late", "queued")
    assert breach["due"] == "2026-11-02T13:00:00Z"
    assert (first["priority"], first["tags"], first["notified"]) == ("high", ["late"], ["tom"])
    assert (second["reassigned"], second["notified"]) == ("tom", ["maya"])


def test_nothing_is_done_before_it_is_due_and_nothing_at_night(office: Office) -> None:
    office.now = datetime(2026, 11, 2, 16, 0, tzinfo=UTC)  # 17:00 in Berlin, one hour is left
    office.receive(mail(id="a@x"))
    office.now = datetime(2026, 11, 3, 9, 59, 59, tzinfo=UTC)
    assert office.tick().fired == 0
    office.later(seconds=1)
    assert office.tick().fired == 1  # an hour before 12:00 in Berlin


def test_after_downtime_only_the_latest_due_step_is_done_and_the_others_are_on_record(
    office: Office,
) -> None:
    office.receive(mail(id="a@x"))
    thread = office.thread("a@x").id
    office.later(hours=5, minutes=10)
    done = office.tick()
    assert (done.fired, done.skipped) == (1, 2)
    assert office.steps() == ["1h after"]
    assert office.steps(skipped=True) == ["1h before", "due"]
    assert office.post.mails == []  # the apology belonged to a step that was passed over
    assert office.targets(thread)["first_response"].breached_at == NOW + timedelta(hours=4)
    assert office.tick().fired == 0


def test_a_reply_ends_the_ladder(office: Office) -> None:
    office.receive(mail(id="a@x"))
    office.later(hours=3, minutes=30)
    office.tick()
    office.reply(office.thread("a@x").id)
    office.later(days=1)
    assert [one for one in office.post.notified if one[1] != "1h before"] == []
    office.tick()
    assert office.post.mails == []


def test_a_reply_in_the_second_of_the_deadline_comes_first(office: Office) -> None:
    office.receive(mail(id="a@x"))
    office.later(hours=4)
    office.reply(office.thread("a@x").id)
    office.tick()
    first = office.targets(office.thread("a@x").id)["first_response"]
    assert (first.state, first.breached_at) == ("met", None)
    assert office.post.mails == []


def test_what_is_owned_and_untouched_returns_to_the_team(office: Office) -> None:
    office.receive(mail(id="a@x"))
    thread = office.thread("a@x").id
    office.desk("tom").claim(thread, office.now)
    office.later(hours=1)
    office.tick()
    after = office.thread("a@x")
    assert after.claimed_at is None
    assert office.rows(_people(), handle="ines")[0].id == after.accountable_id
    assert office.targets(thread)["untouched"].state == "stopped"
    moved = office.kinds("owner-changed")[-1]
    assert (moved["from"], moved["to"], moved["owned"]) == ("tom", "ines", False)


def test_what_is_owned_and_touched_stays(office: Office) -> None:
    office.receive(mail(id="a@x"))
    thread = office.thread("a@x").id
    office.desk("tom").claim(thread, office.now)
    office.later(minutes=50)
    office.desk("tom").note(thread, "I look at it", office.now)
    office.later(minutes=50)
    office.tick()
    assert office.thread("a@x").claimed_at is not None


def test_an_offer_that_nobody_accepts_comes_back_and_its_clock_stops(office: Office) -> None:
    office.receive(mail(id="a@x"))
    thread = office.thread("a@x").id
    handoff.offer(office.db, Offer(thread, "success", "ines", "It is theirs"), office.now)
    office.later(hours=2)
    office.tick()
    (offer,) = office.rows(handoffs)
    assert offer.state == "returned"
    assert office.targets(thread)["handoff_acceptance"].state == "stopped"
    assert office.kinds("handoff-returned")[0]["answer"] == "nobody accepted in time"
    assert office.thread("a@x").team == "support"


def test_what_was_snoozed_wakes_and_says_so(office: Office) -> None:
    office.receive(mail(id="a@x"))
    thread = office.thread("a@x").id
    office.desk("ines").snooze(thread, office.now + timedelta(hours=2), office.now)
    office.later(hours=1, minutes=59)
    assert office.tick().woken == 0
    office.later(minutes=1)
    assert office.tick().woken == 1
    after = office.thread("a@x")
    assert (after.status, after.snoozed_until) == ("open", None)
    assert office.kinds("status-changed")[-1]["why"] == "its time has come"


class Broken(Post):
    """Effects that fail for one thread."""

    def __init__(self, thread_id: int) -> None:
        super().__init__()
        self.bad = thread_id

    def notify(self, conn: Conn, fired: Fired, handles: tuple[str, ...]) -> None:
        """Fail, or note whom."""
        if fired.due.target.thread_id == self.bad:
            raise ValueError("this one cannot be told")
        super().notify(conn, fired, handles)


def test_a_step_that_cannot_be_done_hurts_no_other_and_is_tried_again(office: Office) -> None:
    for name in "abc":
        office.receive(mail(f"Ana <ana@{name}.example>", id=f"{name}@x"))
    bad = office.thread("b@x").id
    office.post = Broken(bad)
    office.later(hours=3)
    done = office.tick()
    assert (done.fired, done.failed) == (2, 1)
    assert bad not in {one[0] for one in office.post.notified}
    office.post.bad = 0
    assert office.tick().fired == 0  # not at once
    office.later(minutes=5)
    assert office.tick().fired == 1
    assert office.post.notified[-1][0] == bad


def test_many_batches_are_done_in_one_tick(office: Office) -> None:
    for number in range(7):
        office.receive(mail(f"Ana <ana@c{number}.example>", id=f"{number}@x"))
    office.later(hours=3)
    assert office.ticker(batch=2).tick(office.now).fired == 7


def test_a_stop_is_heard_between_batches(office: Office) -> None:
    for number in range(5):
        office.receive(mail(f"Ana <ana@c{number}.example>", id=f"{number}@x"))
    office.later(hours=3)
    asked = iter([False, False, True])
    assert office.ticker(batch=2).tick(office.now, lambda: next(asked)).fired == 2


def test_a_weekend_and_a_change_of_the_clock_cost_no_business_time(office: Office) -> None:
    office.now = datetime(2026, 10, 23, 15, 0, tzinfo=UTC)  # Friday 17:00, summer time
    office.receive(mail(id="a@x"))
    due = office.targets(office.thread("a@x").id)["first_response"].due_at
    assert due == datetime(2026, 10, 26, 11, 0, tzinfo=UTC)  # Monday 12:00, winter time
    office.now = datetime(2026, 10, 26, 9, 59, tzinfo=UTC)
    assert office.tick().fired == 0
    office.later(minutes=1)
    assert office.tick().fired == 1


def test_a_clock_that_runs_is_steady_whatever_its_drift() -> None:
    clock = SteadyClock()
    for minute in range(600):
        drift = timedelta(seconds=minute * 0.5)
        assert clock.steady(NOW + timedelta(minutes=minute) + drift, minute * 60.0)


def test_a_jump_pauses_the_sweep_until_two_readings_a_minute_apart_agree() -> None:
    for jump in (timedelta(minutes=11), -timedelta(hours=1), timedelta(days=1)):
        clock = SteadyClock()
        assert clock.steady(NOW, 0.0)
        assert not clock.steady(NOW + jump + timedelta(seconds=1), 1.0)
        assert not clock.steady(NOW + jump + timedelta(seconds=30), 30.0)
        assert clock.steady(NOW + jump + timedelta(seconds=61), 61.0)
        assert clock.steady(NOW + jump + timedelta(seconds=62), 62.0)


def test_a_clock_that_goes_on_jumping_is_never_trusted() -> None:
    clock = SteadyClock()
    assert clock.steady(NOW, 0.0)
    for second in range(1, 300):
        assert not clock.steady(NOW + timedelta(hours=second), float(second))


def test_a_clock_that_jumps_and_jumps_back_is_trusted_after_a_minute() -> None:
    clock = SteadyClock()
    assert clock.steady(NOW, 0.0)
    assert not clock.steady(NOW + timedelta(hours=1), 1.0)
    assert not clock.steady(NOW + timedelta(seconds=2), 2.0)
    assert clock.steady(NOW + timedelta(seconds=63), 63.0)


def test_a_jump_of_less_than_ten_minutes_is_an_adjustment() -> None:
    clock = SteadyClock()
    assert clock.steady(NOW, 0.0)
    assert clock.steady(NOW + timedelta(minutes=9), 1.0)
