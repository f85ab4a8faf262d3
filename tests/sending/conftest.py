"""The database that the tests of this folder run against, once on each kind, and an office."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from inbox.store.database import Database
from tests import databases
from tests.flow.house import make
from tests.sending.office import Office, write_smarthost
from tests.services.postgres import Postgres
from tests.services.smtp_sink import SmtpSink


@pytest.fixture(scope="session")
def postgres_of_sending(postgres_run: Postgres) -> Iterator[str]:
    """The PostgreSQL database that these tests use one after the other."""
    url = postgres_run.fresh_database(databases.prepare)
    yield url
    postgres_run.drop(url)


@pytest.fixture(params=databases.BOTH)
def db(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database with our schema and nothing in it; the test runs on SQLite and PostgreSQL."""
    yield from databases.opened(request, "postgres_of_sending")


@pytest.fixture
def office(db: Database, tmp_path: Path, smtp_sink: SmtpSink) -> Iterator[Office]:
    """A house with mail on a thread, and a smarthost: the sink."""
    house = make(db, tmp_path)
    house.settings = write_smarthost(tmp_path, smtp_sink.port)
    made = Office(house, smtp_sink)
    yield made
    made.pool.close()
