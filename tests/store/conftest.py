"""The database that the tests of this folder run against, once on each kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from inbox.store.database import Database
from tests import databases


@pytest.fixture(params=databases.BOTH)
def db(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A fresh database with our schema; the test runs on SQLite and on PostgreSQL."""
    yield from databases.opened(request)
