"""A house that polls a mailbox of the tests' own Dovecot, on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from inbox.store.database import Database
from tests import databases
from tests.flow.house import House, make
from tests.polling.box import Box, box_of
from tests.services.dovecot import Dovecot


@pytest.fixture
def house(db: Database, tmp_path: Path) -> House:
    """A small company, today: the server's dates are not ours to choose."""
    made = make(db, tmp_path)
    made.now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - INTERNALDATE is of today
    return made


@pytest.fixture
def box(dovecot: Dovecot, house: House) -> Box:
    """An empty mailbox that is polled."""
    return box_of(dovecot, house)


@pytest.fixture
def postgres_box(dovecot: Dovecot, postgres_url: str, tmp_path: Path) -> Iterator[Box]:
    """The same on a PostgreSQL database of its own: for several nodes on it."""
    databases.prepare(postgres_url)
    db = Database(postgres_url)
    made = make(db, tmp_path)
    made.now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251
    yield box_of(dovecot, made)
    db.close()


@pytest.fixture
def small_box(dovecot: Dovecot, sqlite_url: str, tmp_path: Path) -> Iterator[Box]:
    """The same on SQLite alone, for tests of what the database has no part in."""
    databases.prepare(sqlite_url)
    db = Database(sqlite_url)
    made = make(db, tmp_path)
    made.now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251
    yield box_of(dovecot, made)
    db.close()
