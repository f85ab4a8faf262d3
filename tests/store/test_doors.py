"""The two doors of the database, and what SQLite was told to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import Event, Thread, get_ident

import pytest
from sqlalchemy import select, text

from inbox.errors import StoreError
from inbox.store import database, intake, ledger
from inbox.store.database import Database
from inbox.store.tables import raw_mail, tallies
from tests.databases import NOW, prepare, put


def _count(db: Database) -> int:
    with db.read() as conn:
        return sum(ledger.state_counts(conn).values())


def test_no_update_is_lost_when_many_threads_add_to_one_number(db: Database) -> None:
    with db.write() as conn:
        conn.execute(tallies.insert(), {"node": "n", "source": "smtp", "accepted": 0})

    def add() -> None:
        for _ in range(10):
            with db.write() as conn:
                row = select(tallies.c.accepted).where(tallies.c.node == "n")
                before = conn.scalar(database.for_update(conn, row))
                conn.execute(tallies.update().values(accepted=before + 1))

    threads = [Thread(target=add) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.read() as conn:
        assert conn.scalar(select(tallies.c.accepted)) == 60


def test_a_reader_goes_on_while_a_writer_is_open_and_sees_only_what_is_committed(
    db: Database,
) -> None:
    with db.write() as writer:
        put(writer, b"From: a@b.example\n\none")
        assert _count(db) == 0
    assert _count(db) == 1


def test_a_reader_keeps_one_view_while_others_commit(db: Database) -> None:
    with db.read() as reader:
        first = ledger.state_counts(reader)
        with db.write() as writer:
            put(writer, b"From: a@b.example\n\none")
        assert ledger.state_counts(reader) == first
        assert ledger.tallied(reader) == {}
    assert _count(db) == 1


def test_a_block_that_raises_leaves_nothing_behind(db: Database) -> None:
    with pytest.raises(RuntimeError, match="on purpose"), db.write() as conn:
        put(conn, b"From: a@b.example\n\none")
        raise RuntimeError("on purpose")
    assert _count(db) == 0
    with db.read() as conn:
        assert ledger.tallied(conn) == {}


def test_every_stored_instant_is_aware_and_comes_back_in_utc(db: Database) -> None:
    berlin = timezone(timedelta(hours=2))
    with db.write() as conn:
        put(conn, b"x", at=datetime(2026, 7, 1, 12, 0, tzinfo=berlin))
    with db.read() as conn:
        stored = ledger.by_id(conn, 1).accepted_at
    assert stored.isoformat() == "2026-07-01T10:00:00+00:00"


def test_a_naive_instant_is_refused(db: Database) -> None:
    with pytest.raises(Exception, match="naive datetime"), db.write() as conn:
        put(conn, b"x", at=NOW.replace(tzinfo=None))
    assert _count(db) == 0


def test_keys_given_out_beforehand_are_given_once(db: Database) -> None:
    def take(count: int) -> list[int]:
        with db.write() as conn:
            keys = database.Keys(conn, raw_mail, block=3)
            given = [keys.take() for _ in range(count)]
            packed = [intake.pack(str(number).encode()) for number in given]
            conn.execute(
                raw_mail.insert(),
                [
                    {
                        "id": key,
                        "sha256": one.sha256,
                        "size": one.size,
                        "packing": one.packing,
                        "content": one.content,
                        "stored_at": NOW,
                    }
                    for key, one in zip(given, packed, strict=True)
                ],
            )
            return given

    first, second = take(7), take(4)
    assert len({*first, *second}) == 11


def test_two_transactions_that_wait_for_each_other_are_a_conflict_and_not_a_broken_database(
    postgres_url: str,
) -> None:
    prepare(postgres_url)
    db = Database(postgres_url)
    with db.write() as conn:
        for node in ("a", "b"):
            conn.execute(tallies.insert(), {"node": node, "source": "smtp", "accepted": 0})
    held_a, held_b, found = Event(), Event(), []

    def cross(mine: str, other: str, held: Event, awaited: Event) -> None:
        change = tallies.update().values(accepted=1)
        try:
            with db.write() as conn:
                conn.execute(change.where(tallies.c.node == mine))
                held.set()
                awaited.wait(10)
                conn.execute(change.where(tallies.c.node == other))
        except Exception as error:
            found.append(error)

    threads = [
        Thread(target=cross, args=("a", "b", held_a, held_b)),
        Thread(target=cross, args=("b", "a", held_b, held_a)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.close()
    assert [database.is_conflict(error) for error in found] == [True], found


# --- SQLite alone ----------------------------------------------------------------------------


@pytest.fixture
def file_db(sqlite_url: str) -> Iterator[Database]:
    prepare(sqlite_url)
    db = Database(sqlite_url)
    yield db
    db.close()


def _pragmas(conn: object) -> dict[str, object]:
    names = ("journal_mode", "synchronous", "foreign_keys", "wal_autocheckpoint", "busy_timeout")
    return {name: conn.execute(text(f"PRAGMA {name}")).scalar() for name in names}  # type: ignore[attr-defined]


def test_every_connection_to_sqlite_is_durable_and_checks_foreign_keys(file_db: Database) -> None:
    expected = {
        "journal_mode": "wal",
        "synchronous": 2,  # FULL
        "foreign_keys": 1,
        "wal_autocheckpoint": 0,
        "busy_timeout": database.BUSY_MS,
    }
    with file_db.write() as one, file_db.read() as two, file_db.read() as three:
        assert [_pragmas(conn) for conn in (one, two, three)] == [expected] * 3


def test_the_write_ahead_log_grows_until_the_one_checkpointer_empties_it(
    file_db: Database, tmp_path: Path
) -> None:
    wal = tmp_path / "aboard.db-wal"
    for number in range(40):
        with file_db.write() as conn:
            put(conn, b"%d" % number * 20_000)
    frames, moved = file_db.checkpoint()
    assert frames == moved > 40
    grown = wal.stat().st_size
    with file_db.write() as conn:
        put(conn, b"after")
    assert wal.stat().st_size == grown  # the log began anew from its start


def test_a_checkpoint_beside_a_reader_and_a_writer_neither_waits_long_nor_loses(
    file_db: Database,
) -> None:
    with file_db.write() as conn:
        put(conn, b"first")
    with file_db.read() as reader:
        before = ledger.state_counts(reader)
        with file_db.write() as conn:
            put(conn, b"second")
        done = Event()

        def checkpoint() -> None:
            file_db.checkpoint()
            done.set()

        thread = Thread(target=checkpoint)
        thread.start()
        assert done.wait(5), "the checkpoint waits for a reader, with every writer locked out"
        thread.join()
        assert ledger.state_counts(reader) == before
        with file_db.write() as conn:
            put(conn, b"third")
    moved: list[tuple[int, int]] = []
    with file_db.write() as writer:
        put(writer, b"fourth")
        thread = Thread(target=lambda: moved.append(file_db.checkpoint()))
        thread.start()
        thread.join(5)
        assert not thread.is_alive(), "the checkpoint waits for a writer"
    assert moved == [(0, 0)], "a checkpoint ran beside a writer: the WAL-reset bug"
    assert file_db.checkpoint()[1] > 0
    assert _count(file_db) == 4


def test_writers_that_overlap_without_end_do_not_keep_the_checkpoint_out(
    file_db: Database,
) -> None:
    stop, errors = Event(), []

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            try:
                with file_db.write() as conn:
                    put(conn, f"{get_ident()} {number}".encode())
            except StoreError as error:
                errors.append(error)

    threads = [Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    moved = [file_db.checkpoint()[1] for _ in range(20)]
    stop.set()
    for thread in threads:
        thread.join()
    assert not errors
    assert any(moved)


def test_the_checkpointer_leaves_the_patience_of_its_connection_as_it_was(
    sqlite_url: str,
) -> None:
    db = Database(sqlite_url, pool_size=1)
    db.checkpoint()
    with db.read() as conn:
        assert _pragmas(conn)["busy_timeout"] == database.BUSY_MS
    db.close()


def test_a_locked_database_is_a_store_error_that_names_the_file(
    file_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_MS", 50)
    impatient = Database(str(file_db.url))
    with (
        file_db.write(),
        pytest.raises(StoreError, match=r"aboard\.db.*locked"),
        impatient.write(),
    ):
        pass
    impatient.close()


def test_a_file_that_is_no_database_is_a_store_error(tmp_path: Path) -> None:
    path = tmp_path / "aboard.db"
    path.write_bytes(b"no database, but long enough to look at" * 100)
    db = Database(f"sqlite:///{path}")
    with pytest.raises(StoreError, match="not a database"), db.read() as conn:
        database.ping(conn)
    db.close()
    assert path.read_bytes().startswith(b"no database")


def test_a_corrupt_page_is_a_store_error_and_is_not_repaired(
    file_db: Database, tmp_path: Path
) -> None:
    with file_db.write() as conn:
        for number in range(30):
            put(conn, b"%d" % number * 9_000)
    file_db.close()  # the last one out empties the log
    path = tmp_path / "aboard.db"
    whole = bytearray(path.read_bytes())
    size = 4096
    for page in range(2, len(whole) // size):
        whole[page * size : page * size + 12] = b"\xff" * 12
    path.write_bytes(whole)
    with pytest.raises(StoreError), file_db.read() as conn:
        ledger.state_counts(conn)
        conn.execute(select(raw_mail)).all()
    assert path.read_bytes() == bytes(whole)


def test_the_wal_reset_bug_is_told_by_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    for version, broken in (((3, 51, 2), True), ((3, 51, 3), False), ((3, 52, 0), False)):
        monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
        assert database.has_wal_reset_bug() is broken


def test_a_postgresql_that_is_not_there_is_a_store_error_without_the_password() -> None:
    db = Database("postgresql://ada:s3cret@127.0.0.1:1/aboard?connect_timeout=2")
    with pytest.raises(StoreError) as refusal, db.read() as conn:
        database.ping(conn)
    assert "s3cret" not in str(refusal.value)
    db.close()
