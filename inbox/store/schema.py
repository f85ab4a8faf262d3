"""The schema's version: make a fresh database, bring an old one up to date, refuse a newer one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from inbox.errors import SchemaError
from inbox.store import (
    access_tables,
    agent_tables,
    append_only,
    clock_tables,
    draft_tables,
    hygiene_tables,
    live_tables,
    mailbox_tables,
    model_tables,
    outbox_tables,
    search,
    set_tables,
    shadow,
    view_tables,
)
from inbox.store.database import Database, only_one
from inbox.store.tables import metadata

if TYPE_CHECKING:
    from alembic.config import Config

# Alembic is loaded where the schema is made or changed: a tenth of a start and of every command
# would go into it, and they only compare two numbers.

MIGRATIONS = Path(__file__).parent / "migrations"
ELSEWHERE = (
    *shadow.TABLES,
    *model_tables.TABLES,
    *clock_tables.TABLES,
    *outbox_tables.TABLES,
    *hygiene_tables.TABLES,
    *live_tables.TABLES,
    *draft_tables.TABLES,
    *agent_tables.TABLES,
    *set_tables.TABLES,
    *access_tables.TABLES,
    *mailbox_tables.TABLES,
    *view_tables.TABLES,
)
"""Tables that are not on the page `tables` but with their queries."""


_MIGRATION = re.compile(r"v([0-9]{4})_\w+\.py")


def _config(conn: Connection | None = None) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    if conn is not None:
        config.attributes["connection"] = conn
    return config


def _known() -> list[str]:
    """The versions that this program can bring a database to, oldest first; files are named after
    them (tested)."""
    names = (_MIGRATION.fullmatch(path.name) for path in (MIGRATIONS / "versions").iterdir())
    return sorted(name[1] for name in names if name is not None)


def newest() -> str:
    """The schema version that this program needs."""
    known = _known()
    if not known:
        raise SchemaError("this program holds no migrations: the installation is incomplete")
    return known[-1]


def current(db: Database) -> str | None:
    """The version of a database; None for an empty one."""
    with db.read() as conn:
        return _version(conn)


def _version(conn: Connection) -> str | None:
    if not inspect(conn).has_table("alembic_version"):
        return None
    found = conn.scalar(text("SELECT version_num FROM alembic_version"))
    return None if found is None else str(found)


def create(db: Database) -> None:
    """Make every table of a fresh database at once; equal to all migrations in turn (tested).

    Nodes that start together make it once.
    """
    from alembic import command

    with db.write() as conn:
        only_one(conn)
        if _version(conn) is not None:
            return
        metadata.create_all(conn)
        for part in (search, append_only):
            for statement in part.CREATE_SQLITE if db.is_sqlite else part.CREATE_POSTGRESQL:
                conn.execute(text(statement))
        command.stamp(_config(conn), "head")


def upgrade(db: Database) -> tuple[str | None, str]:
    """Bring a database to this program's version, an empty one too; (before, after)."""
    from alembic import command

    with db.write() as conn:
        only_one(conn)
        before = _version(conn)
        command.upgrade(_config(conn), "head")
    return before, newest()


def ensure(db: Database) -> None:
    """Make a fresh database ready; refuse one of another version with what to do.

    Raises `SchemaError`.
    """
    at = current(db)
    if at == newest():
        return
    if at is None:
        if inspect(db.engine()).get_table_names():
            raise SchemaError(
                f"database {db.url.render_as_string()}: it holds tables but no schema version,"
                " so it is not ours; give Aboard a database of its own"
            )
        create(db)
        return
    if at in _known():
        raise SchemaError(
            f"database {db.url.render_as_string()}: schema {at} is older than {newest()};"
            " back it up and run `aboard db upgrade`"
        )
    raise SchemaError(
        f"database {db.url.render_as_string()}: schema {at} is newer than this program"
        f" ({newest()}); run the newer Aboard"
    )
