"""Lets SQLite count what its indexes hold, by which it chooses among them.

Without a count it takes an inbox of a hundred thousand threads for a small one, and sorts a list
that an index has in order. PostgreSQL counts by itself.
"""

from __future__ import annotations

from sqlalchemy import inspect, text

from inbox.store.database import Conn, Database

SAMPLE = 1_000
"""Rows of an index that are looked at; the write lock is held for some hundredths of a second."""
FEW = 1_000
"""Threads below which any plan will do."""
GROWN = 8
"""Times as many threads as at the last count: then it is done again."""

_THREADS = text("SELECT coalesce(max(id), 0) FROM threads")
_COUNTED = text(
    "SELECT stat FROM sqlite_stat1 WHERE tbl = 'threads' AND idx = 'ix_threads_last_message_at'"
)
_INDEXED = text(
    "SELECT DISTINCT tables.name"
    " FROM sqlite_master AS tables, pragma_index_list(tables.name) AS whole"
    " WHERE tables.type = 'table' AND NOT whole.partial"
    " AND substr(tables.name, 1, 12) <> 'search_index' AND tables.name NOT LIKE 'sqlite%'"
)
"""Tables with an index over all of their rows. Others would be counted row by row, however many
they are: the words of the full text among them, which no list chooses an index by."""


def count_if_grown(db: Database) -> bool:
    """Count, where there is so much more to count than the last time; was it done?

    Connections that are open keep to what they read when they were opened, so those of this process
    are opened anew. Raises `StoreError`.
    """
    if not db.is_sqlite:
        return False
    with db.read() as conn:
        if not _grown(conn):
            return False
    with db.write() as conn:
        conn.exec_driver_sql(f"PRAGMA analysis_limit = {SAMPLE}")
        for name in conn.scalars(_INDEXED).all():
            conn.exec_driver_sql(f'ANALYZE "{name}"')
    db.close()
    return True


def _grown(conn: Conn) -> bool:
    there = int(conn.scalar(_THREADS) or 0)
    if there < FEW:
        return False
    counted = conn.scalar(_COUNTED) if inspect(conn).has_table("sqlite_stat1") else None
    return counted is None or there >= GROWN * int(str(counted).split()[0])
