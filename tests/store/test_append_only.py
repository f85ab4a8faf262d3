"""The audit log is only added to: the database itself refuses anything else."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError

from inbox.store import audit_log, schema
from inbox.store.access_tables import audit_log as table
from inbox.store.append_only import SAID
from inbox.store.audit_log import Entry, Wanted
from inbox.store.database import Database
from tests.databases import NOW

DEEDS = {
    "update": update(table).values(actor="person:nobody"),
    "delete": delete(table),
    "replace": text(
        "INSERT OR REPLACE INTO audit_log (id, at, kind, actor, address, subject, data, refused)"
        " SELECT id, at, kind, 'person:nobody', address, subject, data, refused FROM audit_log"
    ),
    "truncate": text("TRUNCATE audit_log"),
}
ONLY = {"replace": "sqlite", "truncate": "postgresql"}


def _refuses(db: Database) -> None:
    with db.write() as conn:
        audit_log.add(conn, Entry(NOW, "export", "person:maya", "report volume"))
    for name, deed in DEEDS.items():
        with db.write() as conn:
            if ONLY.get(name, conn.dialect.name) != conn.dialect.name:
                continue
        with pytest.raises(DBAPIError, match=SAID), db.write() as conn:
            conn.execute(deed)
    with db.read() as conn:
        (kept,) = audit_log.listing(conn, Wanted())
    assert (kept.actor, kept.subject) == ("person:maya", "report volume")


def test_what_is_in_the_audit_log_is_neither_changed_nor_deleted(db: Database) -> None:
    _refuses(db)


def test_nor_is_it_in_a_database_that_was_brought_up_to_date(db_url: str) -> None:
    db = Database(db_url)
    try:
        schema.upgrade(db)
        _refuses(db)
    finally:
        db.close()
