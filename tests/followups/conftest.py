"""An office for the tests of this folder and of `tests/threats`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from inbox.store.database import Database
from tests import databases
from tests.followups.office import Office, open_office


@pytest.fixture
def office(db: Database, tmp_path: Path) -> Office:
    """A small company that follows up."""
    return open_office(db, tmp_path)


@pytest.fixture
def sqlite_office(sqlite_url: str, tmp_path: Path) -> Iterator[Office]:
    """The same, on SQLite alone: for long simulations."""
    databases.prepare(sqlite_url)
    db = Database(sqlite_url, pool_size=12)
    yield open_office(db, tmp_path)
    db.close()
