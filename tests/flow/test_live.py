"""What a watch finds: every event once, in any order of commits; people until they go quiet."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from inbox.flow.working import live
from inbox.store import feed, people, presence, timeline
from inbox.store.database import Database
from inbox.store.seers import Seer
from inbox.store.tables import events
from inbox.store.timeline import Event
from tests.databases import NOW
from tests.store.company import BOTH_PEOPLE, open_thread

SECOND = timedelta(seconds=1)


@pytest.fixture
def thread(db: Database) -> int:
    """A thread of an account, with two people of ours."""
    from inbox.store import accounts

    with db.write() as conn:
        people.sync(conn, BOTH_PEOPLE)
        accounts.create(conn, accounts.NewAccount("ACME", NOW))
        return open_thread(conn)


def happen(db: Database, thread_id: int, kind: str = "note") -> int:
    with db.write() as conn:
        return timeline.add(conn, Event(1, thread_id, None, NOW, kind, "person:tom", {}))


def person(db: Database, handle: str) -> int:
    with db.read() as conn:
        return people.by_handle(conn, handle).id


def test_every_event_is_found_once(db: Database, thread: int) -> None:
    happen(db, thread)
    watch = live.Watch(db)
    watch.start()
    assert watch.look(NOW).changes == ()
    numbers = [happen(db, thread), happen(db, thread, "owner-changed")]
    found = watch.look(NOW)
    assert [(one.id, one.kind, one.thread_id) for one in found.changes] == [
        (numbers[0], "note", thread),
        (numbers[1], "owner-changed", thread),
    ]
    assert watch.look(NOW + SECOND).changes == ()


@pytest.mark.postgres
def test_an_event_that_is_committed_late_is_not_missed(postgres_url: str) -> None:
    from inbox.store import accounts, schema

    db = Database(postgres_url)
    schema.create(db)
    with db.write() as conn:
        people.sync(conn, BOTH_PEOPLE)
        accounts.create(conn, accounts.NewAccount("ACME", NOW))
        accounts.create(conn, accounts.NewAccount("Nord", NOW))
        thread = open_thread(conn)
    watch = live.Watch(db)
    watch.start()

    def event(account: int) -> dict[str, Any]:
        row = {"account_id": account, "thread_id": thread, "at": NOW, "kind": "note"}
        return row | {"actor": "aboard", "data": {}}

    with db.write() as slow:
        slow.execute(events.insert(), event(1))
        with db.write() as quick:
            quick.execute(events.insert(), event(2))
        assert [one.account_id for one in watch.look(NOW).changes] == [2]
        again = live.Watch(db)  # a process that starts just now misses it no more
        again.start()
    assert [one.account_id for one in watch.look(NOW + SECOND).changes] == [1]
    assert [one.account_id for one in again.look(NOW + SECOND).changes] == [1]
    later = NOW + 2 * live.LOOK_BACK
    assert watch.look(later).changes == watch.look(later + SECOND).changes == ()
    db.close()


def test_too_much_at_once_is_not_told_one_by_one(
    db: Database, thread: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_CHANGES", 3)
    watch = live.Watch(db)
    start = watch.start()
    for _ in range(4):
        happen(db, thread)
    found = watch.look(NOW)
    assert found.too_many and found.changes == ()
    assert not watch.look(NOW).too_many
    assert live.missed(db, start) is None, "a browser that missed as much reads everything again"


def test_what_a_browser_missed_is_told_from_the_event_that_it_saw(
    db: Database, thread: int
) -> None:
    first = happen(db, thread)
    second = happen(db, thread)
    missed = live.missed(db, first)
    assert missed is not None and [one.id for one in missed] == [second]
    assert live.missed(db, second) == ()
    assert live.missed(db, second + 1000) is None, "a database put back from a backup"


def test_people_are_there_until_they_go_or_say_nothing_for_long(db: Database, thread: int) -> None:
    tom, maya = person(db, "tom"), person(db, "maya")
    watch = live.Watch(db)
    live.at_thread(db, tom, "tab-one-1", thread, "views", NOW)
    live.at_thread(db, tom, "tab-two-2", thread, "writes", NOW + 5 * SECOND)
    live.at_thread(db, maya, "tab-three", thread, "views", NOW + 5 * SECOND)
    found = watch.look(NOW + 10 * SECOND).here
    assert [(one.handle, one.does) for one in found] == [("maya", "views"), ("tom", "writes")]
    live.at_thread(db, tom, "tab-two-2", thread, "writes", NOW + 20 * SECOND)
    assert watch.look(NOW + 21 * SECOND).here[1].since == NOW + 5 * SECOND
    live.left(db, maya, "tab-three")
    assert [one.handle for one in watch.look(NOW + 22 * SECOND).here] == ["tom"]
    assert watch.look(NOW + 20 * SECOND + live.EXPIRES).here == ()


def test_old_tabs_are_swept_and_leave_no_rows(db: Database, thread: int) -> None:
    tom = person(db, "tom")
    live.at_thread(db, tom, "tab-one-1", thread, "views", NOW)
    live.at_thread(db, tom, "tab-two-2", thread, "views", NOW + 100 * live.EXPIRES)
    with db.write() as conn:
        assert presence.forget(conn, NOW + 200 * live.EXPIRES) == 1


def test_only_who_may_see_a_confidential_thread_hears_of_it(db: Database, thread: int) -> None:
    with db.write() as conn:
        hidden = open_thread(conn, team="success", confidential=True)
    watch = live.Watch(db)
    watch.start()
    happen(db, thread)
    happen(db, hidden)
    look = watch.look(NOW)
    assert look.confidential == {hidden}
    stranger = Seer(10**6, "zoe", "agent", frozenset({"support"}))
    member = Seer(10**6, "zoe", "agent", frozenset({"success"}))
    with db.read() as conn:
        assert feed.seen(conn, [thread, hidden], stranger) == {thread}
        assert feed.seen(conn, [thread, hidden], member) == {thread, hidden}
