"""Couriers that write at the same moment share a transaction, and nobody pays for a neighbour."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import select

from inbox.store import signing_keys
from inbox.store.database import Conn, Database
from inbox.store.outbox_tables import signing_keys as table
from inbox.store.together import Together
from tests.databases import NOW


class Clean(Exception):
    """Found out before anything was written."""


def adds(secret: bytes, error: Exception | None = None) -> Callable[[Conn], bytes]:
    def work(conn: Conn) -> bytes:
        if isinstance(error, Clean):
            raise error
        signing_keys.add(conn, secret, NOW)
        if error is not None:
            raise error
        return secret

    return work


def at_once(together: Together, *works: Callable[[Conn], bytes]) -> list[object]:
    """What became of each, all asked for while one transaction is still open."""
    found: list[object] = [None] * len(works)
    begun, go = threading.Event(), threading.Event()

    def first(conn: Conn) -> None:
        begun.set()
        assert go.wait(10)

    def run(number: int) -> None:
        try:
            found[number] = together.run(works[number])
        except Exception as error:
            found[number] = error

    holder = threading.Thread(target=together.run, args=(first,))
    holder.start()
    assert begun.wait(10)
    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(works))]
    for thread in threads:
        thread.start()
    threading.Event().wait(0.2)
    go.set()
    for thread in (holder, *threads):
        thread.join(20)
    return found


def stored(db: Database) -> set[bytes]:
    with db.read() as conn:
        return {bytes(one) for one in conn.scalars(select(table.c.secret))}


def test_what_is_asked_for_at_once_is_written_in_few_transactions(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = 0
    usual = db.write

    def counting() -> object:
        nonlocal begun
        begun += 1
        return usual()

    monkeypatch.setattr(db, "write", counting)
    secrets = [f"{number}".encode() for number in range(8)]
    assert at_once(Together(db, (Clean,)), *map(adds, secrets)) == secrets
    assert stored(db) == set(secrets)
    assert begun == (2 if db.is_sqlite else 9)


@pytest.mark.parametrize("error", [Clean("mine alone"), RuntimeError("a bug")])
def test_one_who_fails_takes_nobody_along(db: Database, error: Exception) -> None:
    found = at_once(Together(db, (Clean,)), adds(b"a"), adds(b"b", error), adds(b"c"))
    assert found == [b"a", error, b"c"]
    assert stored(db) == {b"a", b"c"}
