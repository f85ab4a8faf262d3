"""Two people, two teams and rows of threads for the tests of this folder; no test is here."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from inbox.store import people
from inbox.store.database import Conn
from inbox.store.tables import threads as threads_table
from routing.teams import Directory, Member, Team
from tests.databases import NOW

MINUTE = timedelta(minutes=1)
MAYA = Member("maya", "Maya Okafor", "maya@aboard.example", "admin")
TOM = Member("tom", "Tom Alvarez", "tom@aboard.example", "lead")
BOTH_PEOPLE = Directory(
    (MAYA, TOM),
    (Team("support", "Support", "tom", ("tom",)), Team("success", "Success", "maya", ("maya",))),
)


def thread_row(at: datetime = NOW, **other: Any) -> dict[str, Any]:
    """The values of an open thread of account 1 in support, but for who is accountable; `other`
    adds that and replaces any of them."""
    return {
        "account_id": 1,
        "subject": "Kickoff",
        "status": "open",
        "team": "support",
        "decided_by": "fallback",
        "priority": "normal",
        "tags": [],
        "opened_at": at,
        "last_message_at": at,
        "messages": 0,
    } | other


def open_thread(conn: Conn, at: datetime = NOW, **other: Any) -> int:
    """Write a thread for which Tom is accountable; its number."""
    row = thread_row(at, **{"accountable_id": people.by_handle(conn, "tom").id} | other)
    made = conn.execute(threads_table.insert(), row)
    return int(made.inserted_primary_key[0])
