"""The database that the tests of this folder run against, once on each kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from inbox.store.database import Database
from tests import databases
from tests.flow.house import House, make
from tests.services.postgres import Postgres


@pytest.fixture(scope="session")
def postgres_of_flow(postgres_run: Postgres) -> Iterator[str]:
    """The PostgreSQL database that these tests use one after the other."""
    url = postgres_run.fresh_database(databases.prepare)
    yield url
    postgres_run.drop(url)


@pytest.fixture(params=databases.BOTH)
def db(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database with our schema and nothing in it; the test runs on SQLite and PostgreSQL."""
    yield from databases.opened(request, "postgres_of_flow")


@pytest.fixture
def house(db: Database, tmp_path: Path) -> House:
    """A small company with its files in force; see `tests/flow/house.py`."""
    return make(db, tmp_path)
