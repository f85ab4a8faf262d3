"""What an operator asks of an installation first."""

from __future__ import annotations

from inbox.store import schema
from inbox.store.database import Database, has_wal_reset_bug, server_version, sqlite_version


def database_facts(db: Database) -> dict[str, str]:
    """What an operator asks of a database first."""
    facts = {
        "database": db.url.render_as_string(hide_password=True),
        "schema": f"{schema.current(db)} (this program needs {schema.newest()})",
    }
    if db.is_sqlite:
        version = ".".join(map(str, sqlite_version()))
        bug = (
            "has the WAL-reset bug (fixed in 3.51.3): a single checkpointer is used"
            if has_wal_reset_bug()
            else "is free of the WAL-reset bug; a single checkpointer is used all the same"
        )
        facts["sqlite"] = f"{version}, which {bug}"
    else:
        with db.read() as conn:
            facts["postgresql"] = server_version(conn)
    return facts
