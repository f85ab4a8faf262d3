"""The database that the tests of this folder run against, once on each kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from inbox.store import accounts, people
from inbox.store.accounts import NewAccount
from inbox.store.database import Database
from tests import databases
from tests.databases import NOW
from tests.services.postgres import Postgres
from tests.store.company import BOTH_PEOPLE


@pytest.fixture(scope="session")
def postgres_of_store(postgres_run: Postgres) -> Iterator[str]:
    """The PostgreSQL database that these tests use one after the other."""
    url = postgres_run.fresh_database(databases.prepare)
    yield url
    postgres_run.drop(url)


@pytest.fixture(params=databases.BOTH)
def db(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database with our schema and nothing in it; the test runs on SQLite and PostgreSQL."""
    yield from databases.opened(request, "postgres_of_store")


@pytest.fixture
def house(db: Database) -> Database:
    """People, teams and one account (number 1, `Acme`, acme.example)."""
    with db.write() as conn:
        people.sync(conn, BOTH_PEOPLE)
        accounts.create(conn, NewAccount("Acme", NOW), ["acme.example", "acme.test"])
    return db
