"""One schema, however it was made; a database of another version is refused, never touched."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Integer, MetaData, Table, inspect, text

from inbox.errors import SchemaError, StoreError
from inbox.store import schema, search
from inbox.store.database import Database
from inbox.store.tables import metadata

HIDDEN = re.compile(r"^(search_index.*|alembic_version)$")


def _ours(name: str | None, kind: str, _parents: object) -> bool:
    return not (kind == "table" and HIDDEN.match(name or ""))


def _difference(db: Database) -> list[object]:
    with db.read() as conn:
        options = {"include_name": _ours, "compare_type": True, "compare_server_default": True}
        return compare_metadata(MigrationContext.configure(conn, opts=options), metadata)


def _statements(db: Database) -> list[tuple[str, ...]]:
    """What the database itself says it holds, without what depends on the order of creation."""
    if db.is_sqlite:
        query = "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master ORDER BY 1, 2"
        with db.read() as conn:
            rows = conn.execute(text(query)).all()
        return [(kind, name, table, *sorted(_parts(sql))) for kind, name, table, sql in rows]
    found: list[tuple[str, ...]] = []
    for query in (
        "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace",
        "SELECT table_name, column_name, concat_ws(' ', data_type, character_maximum_length,"
        " is_nullable, column_default, is_identity) FROM information_schema.columns"
        " WHERE table_schema = 'public'",
        "SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger"
        " WHERE NOT tgisinternal",
    ):
        with db.read() as conn:
            found += [tuple(row) for row in conn.execute(text(query))]
    return sorted(found)


def _parts(sql: str) -> list[str]:
    """The pieces of a CREATE statement, whatever their order and their blanks."""
    return [" ".join(part.split()).rstrip(" )") for part in re.split(r",(?![^(]*\))", sql)]


@pytest.fixture
def empty(db_url: str) -> Iterator[Database]:
    db = Database(db_url)
    yield db
    db.close()


def test_a_migrated_database_has_what_the_tables_page_says(empty: Database) -> None:
    before, after = schema.upgrade(empty)
    assert (before, after) == (None, schema.newest())
    assert _difference(empty) == []


def test_the_names_of_the_migrations_are_their_versions() -> None:
    scripts = ScriptDirectory(str(schema.MIGRATIONS))
    assert schema.newest() == scripts.get_current_head()
    for script in scripts.walk_revisions():
        assert Path(script.path).name.startswith(f"v{script.revision}_")


def test_a_database_of_this_version_is_opened_without_alembic(empty: Database) -> None:
    """A tenth of a start, and of every command, would go into loading it."""
    schema.ensure(empty)
    program = (
        "import sys, inbox.app\n"
        "from inbox.store import database, schema\n"
        "schema.ensure(database.Database(sys.argv[1]))\n"
        "print(sorted({'alembic', 'mako', 'pygments'} & set(sys.modules)))\n"
    )
    url = empty.url.render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, "-c", program, url], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_fresh_database_has_what_the_tables_page_says(empty: Database) -> None:
    schema.create(empty)
    assert _difference(empty) == []
    assert schema.current(empty) == schema.newest()


def test_the_comparison_notices_a_table_that_differs(empty: Database) -> None:
    schema.create(empty)
    with empty.write() as conn:
        conn.execute(text("DROP INDEX ix_messages_from_address"))
        conn.execute(text("ALTER TABLE people ADD COLUMN spare integer"))
    assert len(_difference(empty)) == 2


def test_migrations_and_creation_end_in_the_same_statements(
    empty: Database,
) -> None:
    schema.create(empty)
    created = _statements(empty)
    with empty.write() as conn:
        conn.execute(text("DROP TABLE alembic_version"))
        for statement in search.DROP:
            conn.execute(text(statement))
        metadata.drop_all(conn)
    schema.upgrade(empty)
    assert _statements(empty) == created
    assert len(created) > 40


def test_the_full_text_index_is_there_either_way(empty: Database) -> None:
    schema.upgrade(empty)
    with empty.write() as conn:
        search.add(conn, [(7, "Grüße aus Köln")])
    with empty.read() as conn:
        assert search.find(conn, "koln") == (7,)


def test_ensure_makes_an_empty_database_ready_and_leaves_a_ready_one_alone(empty: Database) -> None:
    schema.ensure(empty)
    schema.ensure(empty)
    assert schema.current(empty) == schema.newest()


def test_ensure_refuses_a_database_of_somebody_else(empty: Database) -> None:
    foreign = MetaData()
    Table("invoices", foreign, Column("id", Integer, primary_key=True))
    with empty.write() as conn:
        foreign.create_all(conn)
    with pytest.raises(SchemaError, match="not ours"):
        schema.ensure(empty)
    assert inspect(empty.engine()).get_table_names() == ["invoices"]


@pytest.mark.parametrize(("version", "says"), [("9999", "newer"), ("zz-unknown", "newer")])
def test_ensure_refuses_a_newer_database(empty: Database, version: str, says: str) -> None:
    schema.create(empty)
    with empty.write() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": version})
    with pytest.raises(SchemaError, match=says) as refusal:
        schema.ensure(empty)
    assert version in str(refusal.value)


def test_ensure_refuses_an_older_database_and_says_what_to_run(
    empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema.create(empty)
    monkeypatch.setattr(schema, "newest", lambda: "0002")
    with pytest.raises(SchemaError, match=r"older.*aboard db upgrade"):
        schema.ensure(empty)


def test_several_nodes_may_make_the_same_database_ready_at_once(db_url: str) -> None:
    gate, failed = Barrier(4), []

    def node() -> None:
        db = Database(db_url)
        try:
            gate.wait(10)
            schema.ensure(db)
        except StoreError as error:
            failed.append(str(error))
        finally:
            db.close()

    threads = [Thread(target=node) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


@pytest.mark.parametrize("url", ["mysql://u@h/d", "sqlite://", "sqlite:///"])
def test_a_database_that_cannot_serve_is_refused(url: str) -> None:
    with pytest.raises(StoreError):
        Database(url)
