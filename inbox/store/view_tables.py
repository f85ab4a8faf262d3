"""Tables of what people see of the inbox: the views that they saved.

A view is a name and a query in the search language (`store/asking.py`); what it shows is asked each
time, so that a view never holds a thread that its reader may not see.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from inbox.store.clock_tables import targets
from inbox.store.columns import Key, UtcDateTime
from inbox.store.tables import messages, metadata, threads

SHARING = ("me", "team", "all")

saved_views = Table(
    "saved_views",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("owner_id", Key, ForeignKey("people.id"), nullable=False),
    Column("name", String(60), nullable=False),
    Column("query", Text, nullable=False),
    Column("sort", String(8), nullable=False),
    Column("shared", String(4), nullable=False),
    Column("team", String(40), ForeignKey("teams.name")),
    Column("position", Integer, nullable=False),  # in its owner's order
    Column("created_at", UtcDateTime, nullable=False),
    CheckConstraint("shared IN ('me', 'team', 'all')", name="shared"),
    CheckConstraint("sort IN ('due', 'newest')", name="sort"),
    CheckConstraint("(shared = 'team') = (team IS NOT NULL)", name="team"),
    UniqueConstraint("owner_id", "name"),
    Index("ix_saved_views_shared", "shared", "team"),
)

TABLES = (saved_views,)

# What lists are read from, so that a page of one costs the same in a house of a hundred threads
# and of a hundred thousand. The conditions stand in queries word for word: both databases take a
# partial index only where they can see that its condition holds.
LIVE = "status IN ('open', 'waiting') AND merged_into_id IS NULL"
# In another order, so that SQLite, which compares letters, does not take the larger index instead.
UNCLAIMED = "claimed_at IS NULL AND status IN ('waiting', 'open') AND merged_into_id IS NULL"
ALL = "merged_into_id IS NULL"


def _list(name: str, *columns: str, where: str) -> Index:
    cells = [threads.c[column] for column in columns]
    return Index(name, *cells, sqlite_where=text(where), postgresql_where=text(where))


def _running(name: str, column: str) -> Index:
    where = text("state = 'open'")
    cells = (targets.c[column], targets.c.id)
    return Index(name, *cells, sqlite_where=where, postgresql_where=where)


LISTS = (
    _list("ix_threads_live_due", "due_at", "id", where=LIVE),
    _list("ix_threads_live_team", "team", "due_at", "id", where=LIVE),
    _list("ix_threads_live_owner", "accountable_id", "due_at", "id", where=LIVE),
    _list("ix_threads_unclaimed", "due_at", "id", where=UNCLAIMED),
    _list("ix_threads_at_risk", "at_risk", "due_at", "id", where=LIVE),
    _list("ix_threads_status_due", "status", "due_at", "id", where=ALL),
    _list("ix_threads_status_newest", "status", "last_message_at", "id", where=ALL),
    # In an index of all, SQLite would look for the rows that were not merged, and sort them.
    _list("ix_threads_merged_into_id", "merged_into_id", where="merged_into_id IS NOT NULL"),
    # Whole sums of the wall: nothing but this index is read for them.
    _list("ix_threads_live_load", "team", "account_id", "claimed_at", "at_risk", where=LIVE),
    # Wide, so that SQLite, for which short entries cost less, prefers the ones above where it can.
    Index("ix_threads_due_at", threads.c.due_at, threads.c.id, threads.c.team, threads.c.status),
    Index("ix_threads_opened_at", threads.c.opened_at),
    Index("ix_messages_received_at", messages.c.received_at),
    _running("ix_targets_open_due", "due_at"),
    _running("ix_targets_open_since", "opened_at"),
    Index("ix_targets_breached_at", targets.c.breached_at),
)
