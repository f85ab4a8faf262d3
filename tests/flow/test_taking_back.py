"""A correction that is taken back leaves the thread as it was before, with who had claimed it."""

from __future__ import annotations

from datetime import datetime

from inbox.flow.working.correct import Corrections
from inbox.store import assignments, people, threads
from inbox.store.threads import Thread
from tests.flow.house import House, mail


def _claimed(house: House, at: datetime) -> Thread:
    """A thread of support that Ines, who is not on duty, has taken on."""
    house.receive(mail(id="1@a"))
    thread = house.thread("1@a")
    with house.db.write() as conn:
        ines = people.by_handle(conn, "ines")
        threads.save(conn, thread.id, accountable_id=ines.id, claimed_at=at)
        return threads.by_id(conn, thread.id)


def _corrected(house: House, thread: Thread) -> tuple[Corrections, int]:
    desk = Corrections(house.db)
    house.later(minutes=1)
    desk.correct(thread.id, "success", "maya", house.now)
    with house.looking() as conn:
        return desk, assignments.of_thread(conn, thread.id)[-1].id


def _owner(thread: Thread) -> tuple[object, ...]:
    return thread.team, thread.accountable_id, thread.claimed_at, thread.decided_by


def test_who_had_claimed_a_thread_has_it_again(house: House) -> None:
    before = _claimed(house, house.now)
    desk, correction = _corrected(house, before)
    moved = house.thread("1@a")
    assert (moved.team, moved.claimed_at) == ("success", None)
    assert desk.take_back(before.id, correction, "maya", house.now) == "support"
    assert _owner(house.thread("1@a")) == _owner(before)


def test_a_thread_that_nobody_had_claimed_is_claimed_by_nobody_again(house: House) -> None:
    house.receive(mail(id="1@a"))
    before = house.thread("1@a")
    desk, correction = _corrected(house, before)
    desk.take_back(before.id, correction, "maya", house.now)
    assert _owner(house.thread("1@a")) == _owner(before)


def test_a_thread_that_somebody_claimed_since_stays_theirs(house: House) -> None:
    before = _claimed(house, house.now)
    desk, correction = _corrected(house, before)
    with house.db.write() as conn:
        maya = people.by_handle(conn, "maya")
        threads.save(conn, before.id, accountable_id=maya.id, claimed_at=house.now)
    since = house.thread("1@a")
    assert desk.take_back(before.id, correction, "maya", house.now) is None
    assert _owner(house.thread("1@a")) == _owner(since)


def test_somebody_who_left_since_answers_for_nothing(house: House) -> None:
    before = _claimed(house, house.now)
    desk, correction = _corrected(house, before)
    with house.db.write() as conn:
        ines = people.by_handle(conn, "ines")
        conn.execute(
            people.people.update().where(people.people.c.id == ines.id).values(active=False)
        )
    assert desk.take_back(before.id, correction, "maya", house.now) == "support"
    after = house.thread("1@a")
    with house.looking() as conn:
        assert after.accountable_id == people.duty_holder(conn, "support").id
    assert after.claimed_at is None
