"""The lists that people look at all day are read from an index, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, insert

from inbox.store import people, threads
from inbox.store.database import Conn, Database
from inbox.store.tables import threads as threads_table
from tests.databases import NOW
from tests.store.company import MINUTE, thread_row

MANY = 4_000


def _fill(conn: Conn) -> None:
    """One team's threads: two in three open, the others closed, five of them snoozed."""
    tom = people.by_handle(conn, "tom").id
    rows = []
    for number in range(MANY):
        status = "snoozed" if number % (MANY // 5) == 0 else "open" if number % 3 else "closed"
        rows.append(thread_row(NOW + number * MINUTE, status=status, accountable_id=tom))
    conn.execute(insert(threads_table), rows)
    conn.exec_driver_sql("ANALYZE")


def _plan(db: Database, page: threads.Page) -> str:
    """How the database reads the first statement of a list, in its own words."""
    asked: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        asked.append((statement, values))

    event.listen(db.engine(), "before_cursor_execute", note)
    with db.read() as conn:
        threads.listing(conn, page)
        event.remove(db.engine(), "before_cursor_execute", note)
        statement, values = next(one for one in asked if one[0].startswith("SELECT threads"))
        how = "EXPLAIN QUERY PLAN " if db.is_sqlite else "EXPLAIN "
        lines = conn.exec_driver_sql(how + statement, values).all()
    return "\n".join(str(line[-1]) for line in lines)


@pytest.mark.parametrize(
    ("page", "index"),
    [
        (
            threads.Page(team="support", status="snoozed"),
            "ix_threads_team_status_last_message_at",
        ),
        (
            threads.Page(team="support", status="snoozed", before=(NOW + 3 * MINUTE, 3)),
            "ix_threads_team_status_last_message_at",
        ),
        (threads.Page(), "ix_threads_last_message_at"),
    ],
)
def test_a_list_of_threads_is_read_in_order_from_its_index(
    house: Database, page: threads.Page, index: str
) -> None:
    with house.write() as conn:
        _fill(conn)
    plan = _plan(house, page)
    # One that has the statuses of all teams in order costs the same where a status is rare.
    assert index in plan or (page.status and "ix_threads_status_newest" in plan), plan
    assert "TEMP B-TREE" not in plan, plan
