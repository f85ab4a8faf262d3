"""A database with our schema for one test, on SQLite or PostgreSQL, and mail to put into it.

Not a fixture itself: `db` in `tests/conftest.py` is made of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import make_url, text

from inbox.store import intake, schema
from inbox.store.database import Conn, Database
from inbox.store.tables import metadata

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
"""The instant at which tests happen, unless they say another one."""


def prepare(url: str) -> None:
    """Make the schema in the empty database at `url`."""
    db = Database(url)
    try:
        schema.create(db)
    finally:
        db.close()


@cache
def _empty_sqlite() -> bytes:
    """A SQLite file with our schema; copying it takes a tenth of what making it takes."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "aboard.db"
        prepare(f"sqlite:///{path}")
        return path.read_bytes()


def opened(request: pytest.FixtureRequest, postgres_place: str) -> Iterator[Database]:
    """The database of a test whose fixture has the parameter `sqlite` or `postgres`.

    `postgres_place` names a fixture with the URL of a PostgreSQL database that tests empty and use
    in turn: emptying takes a tenth of what making one takes.
    """
    if request.param == "sqlite":
        url = request.getfixturevalue("sqlite_url")
        Path(str(make_url(url).database)).write_bytes(_empty_sqlite())
        db = Database(url, pool_size=12)
    else:
        request.getfixturevalue("postgres_server")
        db = Database(request.getfixturevalue(postgres_place), pool_size=12)
        with db.write() as conn:
            conn.execute(_UNGUARDED)
            conn.execute(_EMPTY)
    yield db
    db.close()


_EMPTY = text(
    f"TRUNCATE {', '.join(table.name for table in metadata.sorted_tables)}, search_index"
    " RESTART IDENTITY"
)
_UNGUARDED = text("SET LOCAL session_replication_role = replica")
"""The audit log refuses to be emptied; its triggers sleep for this transaction."""


BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


ON_POSTGRES = pytest.mark.parametrize(
    "db", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
"""For tests of what only writers beside each other can show: SQLite has one."""


def waits_for_lock(db: Database) -> bool:
    """Does a session on this PostgreSQL database stand waiting for what another one holds?"""
    with db.read() as conn:
        return bool(conn.scalar(_WAITING))


_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def entry(
    *, at: datetime = NOW, origin: str | None = None, node: str = "n1", source: str = "smtp"
) -> intake.Entry:
    """A ledger row about to be written."""
    return intake.Entry(
        source=source,
        node=node,
        reverse_path="",
        forward_paths=("hello@aboard.example",),
        peer="",
        accepted_at=at,
        origin=origin,
    )


def put(conn: Conn, *raws: bytes, **how: object) -> None:
    """Accept raw mails, one ledger row each."""
    intake.insert_accepted(conn, [(intake.pack(raw), entry(**how)) for raw in raws])  # type: ignore[arg-type]
