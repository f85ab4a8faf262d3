"""The numbers that an audit names: given once, and not there any more."""

from __future__ import annotations

import pytest

from inbox.store import intake, ledger
from inbox.store.database import Database
from tests.databases import put


@pytest.mark.parametrize("deleted", [(), (1,), (2,), (4,), (1, 3, 4), (1, 2, 3, 4)])
def test_every_number_that_was_given_and_is_gone_is_named(
    db: Database, deleted: tuple[int, ...]
) -> None:
    with db.read() as conn:
        assert ledger.gaps(conn) == ()
    with db.write() as conn:
        put(conn, b"1", b"2", b"3", b"4")
    with db.write() as conn:
        conn.execute(intake.ledger.delete().where(intake.ledger.c.id.in_(deleted)))
    with db.read() as conn:
        assert ledger.gaps(conn) == deleted
        assert ledger.gaps(conn, limit=2) == deleted[:2]
