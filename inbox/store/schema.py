"""The schema's version: make a fresh database, bring an old one up to date, refuse a newer one."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from inbox.errors import SchemaError
from inbox.store import (
    access_tables,
    agent_tables,
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


def _config(conn: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    if conn is not None:
        config.attributes["connection"] = conn
    return config


def newest() -> str:
    """The schema version that this program needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise SchemaError("this program holds no migrations: the installation is incomplete")
    return head


def current(db: Database) -> str | None:
    """The version of a database; None for an empty one."""
    with db.read() as conn:
        return MigrationContext.configure(conn).get_current_revision()


def create(db: Database) -> None:
    """Make every table of a fresh database at once; equal to all migrations in turn (tested).

    Nodes that start together make it once.
    """
    with db.write() as conn:
        only_one(conn)
        if MigrationContext.configure(conn).get_current_revision() is not None:
            return
        metadata.create_all(conn)
        for statement in search.CREATE_SQLITE if db.is_sqlite else search.CREATE_POSTGRESQL:
            conn.execute(text(statement))
        command.stamp(_config(conn), "head")


def upgrade(db: Database) -> tuple[str | None, str]:
    """Bring a database to this program's version, an empty one too; (before, after)."""
    with db.write() as conn:
        only_one(conn)
        before = MigrationContext.configure(conn).get_current_revision()
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
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if at in known:
        raise SchemaError(
            f"database {db.url.render_as_string()}: schema {at} is older than {newest()};"
            " back it up and run `aboard db upgrade`"
        )
    raise SchemaError(
        f"database {db.url.render_as_string()}: schema {at} is newer than this program"
        f" ({newest()}); run the newer Aboard"
    )
