"""A whole company on a frozen clock, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from inbox.store.database import Database
from tests import databases
from tests.services.postgres import Postgres
from tests.sla.office import SLA, Office, open_office

BERLIN = SLA.replace("{mon-fri: 09:00-18:00}}", "{mon-fri: 09:00-18:00}, holidays: [DE]}")


@pytest.fixture(scope="session")
def postgres_of_journeys(postgres_run: Postgres) -> Iterator[str]:
    """The PostgreSQL database that these stories use one after the other."""
    url = postgres_run.fresh_database(databases.prepare)
    yield url
    postgres_run.drop(url)


@pytest.fixture(params=databases.BOTH)
def db(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database with our schema and nothing in it."""
    yield from databases.opened(request, "postgres_of_journeys")


@pytest.fixture
def office(db: Database, tmp_path: Path) -> Office:
    """Support answers within four working hours of Berlin, holidays left out."""
    return open_office(db, tmp_path, **{"sla.yaml": BERLIN})
