"""Two people at one thing in the same moment: one comes first, the other sees what it did."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from inbox.errors import AboardError
from inbox.flow.working import drafts as drafting
from inbox.flow.working.drafts import Drafting, Typed, Upload
from inbox.flow.working.undo import undo
from inbox.flow.working.work import Desk
from inbox.store import accounts, drafts, people, threads, views
from inbox.store.accounts import NewAccount
from inbox.store.database import Conn, Database
from inbox.store.drafts import DraftFile
from inbox.store.seers import Seer
from inbox.store.threads import Thread
from inbox.store.view_tables import saved_views
from inbox.store.views import Named
from tests.flow.house import House, mail
from tests.services.waiting import until


@pytest.fixture
def thread(house: House) -> Thread:
    """A thread that waits for support."""
    house.receive(mail(id="one@acme.example"))
    house.later(minutes=1)
    return house.thread("one@acme.example")


def behind(db: Database, first: Callable[[Conn], object], second: Callable[[], object]) -> object:
    """What `second` came to, begun while the transaction of `first` was open and waiting for it
    (or through with what it did, where it waits for nothing)."""
    came: list[object] = []

    def run() -> None:
        try:
            came.append(second())
        except Exception as error:
            came.append(error)

    beside = threading.Thread(target=run)
    with db.write() as conn:
        first(conn)
        beside.start()
        until(lambda: came or _waits(db), within=60)
    beside.join(60)
    return came[0]


def _waits(db: Database) -> bool:
    """SQLite lets nobody write beside another, so that there is nothing to see to."""
    if db.is_sqlite:
        return True
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    with db.read() as conn:
        return bool(conn.scalar(text(f"{waiting} AND wait_event_type = 'Lock'")))


def test_a_view_of_a_name_that_somebody_gives_at_the_same_moment_is_refused(house: House) -> None:
    with house.looking() as conn:
        seer = Seer(people.by_handle(conn, "ines").id, "ines", "agent", frozenset({"support"}))

    def save(title: str) -> int:
        with house.db.write() as conn:
            return views.save(conn, seer, Named(title, "is:open"), house.now)

    came = behind(
        house.db,
        lambda conn: views.save(conn, seer, Named("Mine", "is:open"), house.now),
        lambda: save("Mine"),
    )
    assert isinstance(came, AboardError) and "there is a view called 'Mine' already" in str(came)
    made = behind(
        house.db,
        lambda conn: views.save(conn, seer, Named("Two", "is:open"), house.now),
        lambda: save("Three"),
    )
    assert isinstance(made, int), made
    places = [row.position for row in house.rows(saved_views)]
    assert sorted(places) == [1, 2, 3], "two at one place"


def test_a_lead_who_renames_the_view_of_another_meets_the_names_of_that_one(house: House) -> None:
    with house.db.write() as conn:
        ines, maya = (people.by_handle(conn, one).id for one in ("ines", "maya"))
        owner = Seer(ines, "ines", "agent", frozenset())
        lead = Seer(maya, "maya", "lead", frozenset())
        views.save(conn, owner, Named("One", "is:open"), house.now)
        two = views.save(conn, owner, Named("Two", "is:open", shared="all"), house.now)
        views.save(conn, lead, Named("Three", "is:open"), house.now)
        with pytest.raises(AboardError, match="'One' already"):
            views.change(conn, lead, two, Named("One", "is:open", shared="all"))
        views.change(conn, lead, two, Named("Three", "is:open", shared="all"))


def test_files_that_are_added_at_the_same_moment_are_counted_together(
    house: House, thread: Thread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafting, "MOST_FILES", 1)
    writing = Drafting(house.db, "ines")
    saved = writing.save(Typed(thread.id, "note", "See the file.", {}), house.now)
    assert saved is not None
    number = saved.draft.id

    def add(conn: Conn) -> None:
        drafts.locked(conn, number)
        drafts.attach(conn, DraftFile(0, number, "a.txt", "text/plain", 1, None), b"a", house.now)

    upload = Upload("b.txt", "text/plain", b"b", b"r" * 16)
    came = behind(house.db, add, lambda: writing.attach(number, thread.id, upload, house.now))
    assert isinstance(came, AboardError) and "a mail takes 1 files" in str(came)
    with house.looking() as conn:
        assert [one.name for one in drafts.files_of(conn, [number])[number]] == ["a.txt"]


def test_an_undo_holds_the_account_to_which_its_thread_went_meanwhile(
    house: House, thread: Thread
) -> None:
    Desk(house.db, "ines", run="r1").tag(thread.id, ["sso"], [], house.now)
    with house.db.write() as conn:
        other = accounts.create(conn, NewAccount("Other", house.now), ["other.example"])
    held: list[bool] = []

    def move(conn: Conn) -> None:
        accounts.lock(conn, [thread.account_id])
        threads.save(conn, thread.id, account_id=other)

    def told(conn: Conn, after: Thread, _event: int) -> None:
        assert after.account_id == other
        held.append(_is_locked(house.db, other))

    came: Any = behind(house.db, move, lambda: undo(house.db, "r1", "ines", house.now, told))
    assert getattr(came, "threads", came) == (thread.id,)
    assert held == [True]
    again = behind(house.db, lambda conn: None, lambda: undo(house.db, "r1", "ines", house.now))
    assert isinstance(again, AboardError) and "undone already" in str(again)


def _is_locked(db: Database, account_id: int) -> bool:
    """By who means to change it, not only by rows that refer to it. On SQLite whoever writes holds
    everything."""
    if db.is_sqlite:
        return True
    free = text("SELECT id FROM accounts WHERE id = :id FOR NO KEY UPDATE SKIP LOCKED")
    with db.write() as conn:
        return conn.scalar(free, {"id": account_id}) is None
