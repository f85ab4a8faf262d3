"""The database that the tests of this folder run against, once on each kind, and an office."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from inbox.store.database import Database
from tests import databases
from tests.agents.office import AgentOffice, open_agent_office
from tests.services.postgres import Postgres


@pytest.fixture(scope="session")
def postgres_of_agents(postgres_run: Postgres) -> Iterator[str]:
    """The PostgreSQL database that these tests use one after the other."""
    url = postgres_run.fresh_database(databases.prepare)
    yield url
    postgres_run.drop(url)


@pytest.fixture(params=databases.BOTH)
def db(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database with our schema and nothing in it; the test runs on SQLite and PostgreSQL."""
    yield from databases.opened(request, "postgres_of_agents")


@pytest.fixture
def office(db: Database, tmp_path: Path) -> AgentOffice:
    """A small company whose people work by mail."""
    return open_agent_office(db, tmp_path)
