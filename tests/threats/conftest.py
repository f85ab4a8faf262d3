"""The database that the tests of this folder run against, once on each kind, and an office."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from inbox.store.database import Database
from tests import databases
from tests.followups.office import Office, open_office
from tests.services.postgres import Postgres


@pytest.fixture(scope="session")
def postgres_of_threats(postgres_run: Postgres) -> Iterator[str]:
    """The PostgreSQL database that these tests use one after the other."""
    url = postgres_run.fresh_database(databases.prepare)
    yield url
    postgres_run.drop(url)


@pytest.fixture(params=databases.BOTH)
def db(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database with our schema and nothing in it; the test runs on SQLite and PostgreSQL."""
    yield from databases.opened(request, "postgres_of_threats")


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
