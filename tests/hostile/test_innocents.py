"""Mail is charged for what it does, not for a locked database, a signal or a neighbour process."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.clock import monotonic, utc_now
from inbox.errors import NotFound
from inbox.ingest import Told, ingest_files, retry_quarantined, runs_of
from inbox.store.database import Database
from inbox.store.tables import ledger as ledger_table
from inbox.worker import Seat, Supervisor
from tests.databases import prepare
from tests.flow.house import House, mail, make
from tests.hostile.rig import Impatient, Waiting
from tests.services.waiting import until


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path) -> Iterator[House]:
    prepare(sqlite_url)
    with closing(Database(sqlite_url)) as db:
        house = make(db, tmp_path)
        tight = replace(house.settings.filing, wall_seconds=3)
        house.settings = replace(house.settings, database=sqlite_url, filing=tight)
        house.now = utc_now()
        yield house


@contextmanager
def reading(house: House, kind: type[Supervisor], *raws: bytes) -> Iterator[Supervisor]:
    """Workers, one of which is in the middle of reading these mails."""
    supervisor = kind(house.settings, house.db)
    supervisor.start()
    try:
        assert supervisor.wait_ready(20)
        house.accept(*raws)
        supervisor.wake()
        until((house.settings.folder / "reading").exists)
        yield supervisor
    finally:
        (house.settings.folder / "go on").touch()
        supervisor.stop()


def go_on(house: House) -> None:
    (house.settings.folder / "go on").touch()


def at_work(supervisor: Supervisor) -> Seat:
    return until(lambda: next((seat for seat in supervisor._seats if seat.begun), None))


def all_filed(house: House, count: int) -> None:
    until(lambda: house.states() == {"filed": count}, within=20)
    assert {row.attempts for row in house.ledger()} == {1}


@pytest.mark.parametrize(("kind", "ended"), [(Waiting, 0), (Impatient, 1)])
def test_waiting_for_a_locked_database_charges_no_mail(
    house: House, kind: type[Supervisor], ended: int
) -> None:
    with reading(house, kind, mail(id="1@a"), mail(id="2@a")) as supervisor:
        with house.db.write():
            go_on(house)
            held = monotonic()
            wall = house.settings.filing.wall_seconds
            until(lambda: monotonic() - held > wall + 1.5, within=wall + 5)
        all_filed(house, 2)
        assert supervisor.ended == ended


@pytest.mark.parametrize(("number", "ended"), [(signal.SIGTERM, 0), (signal.SIGHUP, 1)])
def test_ending_a_worker_from_outside_charges_no_mail(
    house: House, number: signal.Signals, ended: int
) -> None:
    if ended and signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip(f"{number.name} is ignored by whoever runs the tests (nohup)")
    with reading(house, Waiting, mail(id="1@a"), mail(id="2@a")) as supervisor:
        seat = at_work(supervisor)
        os.kill(seat.process.pid or 0, number)
        go_on(house)
        until(lambda: not seat.process.is_alive())
        all_filed(house, 2)
        assert seat.process.exitcode == (-number if ended else 0)
        assert supervisor.ended == ended


def test_workers_of_the_same_node_beside_these_leave_their_mails_alone(house: House) -> None:
    with reading(house, Waiting, mail(id="1@a"), mail(id="2@a")):
        beside = Supervisor(house.settings, house.db)
        beside.start()
        try:
            house.accept(mail(id="3@a"))
            beside.wake()
            until(lambda: house.states() == {"pending": 2, "filed": 1})
        finally:
            beside.stop()
        go_on(house)
        all_filed(house, 3)


def test_a_worker_that_does_not_stop_in_time_gives_its_mails_back(house: House) -> None:
    with reading(house, Waiting, mail(id="1@a"), mail(id="2@a")) as supervisor:
        supervisor.stop_seconds = -2.9
        supervisor.stop()
    rows = house.rows(ledger_table)
    assert sorted(row.attempts for row in rows) == [0, 1]
    assert all(row.leased_until < utc_now() for row in rows)


def put_off(house: House, number: int) -> None:
    """The mail was tried once, and is due tomorrow; a mail that nobody tried is due at once."""
    tomorrow = house.now + timedelta(days=1)
    with house.db.write() as conn:
        mine = ledger_table.update().where(ledger_table.c.id == number)
        conn.execute(mine.values(attempts=1, run_after=tomorrow))


def test_an_ingest_counts_and_awaits_its_own_mails_alone(house: House, tmp_path: Path) -> None:
    house.accept(mail(id="not.due@a"), source="file")
    put_off(house, 1)
    for number in range(3):
        (tmp_path / f"{number}.eml").write_bytes(mail(id=f"{number % 2}@a"))
    paths = [tmp_path / f"{number}.eml" for number in range(3)]
    filed: list[int] = []
    done = ingest_files(house.db, house.settings, paths, told=Told(filed_mails=filed.append))
    assert (done.accepted, done.filed, done.duplicates, done.pending) == (3, 2, 1, 0)
    assert house.states() == {"filed": 2, "duplicate": 1, "pending": 1}
    assert sum(filed) <= 3


def test_a_retry_counts_and_awaits_its_own_mails_alone(house: House) -> None:
    for _ in range(2):
        house.accept(mail(id="1@a"))
    with house.db.write() as conn:
        conn.execute(
            ledger_table.update().values(state="quarantined", cause="test", settled_at=house.now)
        )
    house.accept(mail(id="not.due@a"))
    put_off(house, 3)
    done = retry_quarantined(house.db, house.settings, [2])
    assert (done.accepted, done.filed, done.pending) == (1, 1, 0)
    assert house.states() == {"quarantined": 1, "filed": 1, "pending": 1}
    with pytest.raises(NotFound, match="99"):  # and nothing is done for the one beside it
        retry_quarantined(house.db, house.settings, [1, 99])
    assert house.states() == {"quarantined": 1, "filed": 1, "pending": 1}


@given(st.lists(st.integers(1, 60)))
def test_runs_hold_the_same_numbers_and_do_not_touch(numbers: list[int]) -> None:
    runs = runs_of(numbers)
    held = [number for first, last in runs for number in range(first, last + 1)]
    assert held == sorted(set(numbers))
    assert all(one[1] + 1 < two[0] for one, two in pairwise(runs))
