"""Saved views, the urgency of threads, the indexes of lists, and notes in the full text.

Revision 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op

from inbox.store import columns

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

LIVE = "status IN ('open', 'waiting') AND merged_into_id IS NULL"
RUNNING = "state = 'open'"
LISTS = {
    "ix_threads_live_due": (("due_at", "id"), LIVE),
    "ix_threads_live_team": (("team", "due_at", "id"), LIVE),
    "ix_threads_live_owner": (("accountable_id", "due_at", "id"), LIVE),
    "ix_threads_unclaimed": (
        ("due_at", "id"),
        "claimed_at IS NULL AND status IN ('waiting', 'open') AND merged_into_id IS NULL",
    ),
    "ix_threads_at_risk": (("at_risk", "due_at", "id"), LIVE),
    "ix_threads_status_due": (("status", "due_at", "id"), "merged_into_id IS NULL"),
    "ix_threads_status_newest": (("status", "last_message_at", "id"), "merged_into_id IS NULL"),
    "ix_threads_live_load": (("team", "account_id", "claimed_at", "at_risk"), LIVE),
    "ix_threads_opened_at": (("opened_at",), ""),
    "ix_messages_received_at": (("received_at",), ""),
    "ix_targets_open_due": (("due_at", "id"), RUNNING),
    "ix_targets_open_since": (("opened_at", "id"), RUNNING),
    "ix_targets_breached_at": (("breached_at",), ""),
}


def upgrade() -> None:
    op.create_table(
        "saved_views",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("owner_id", columns.Key, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("sort", sa.String(length=8), nullable=False),
        sa.Column("shared", sa.String(length=4), nullable=False),
        sa.Column("team", sa.String(length=40), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("created_at", columns.UtcDateTime(), nullable=False),
        sa.CheckConstraint("shared IN ('me', 'team', 'all')", name=op.f("ck_saved_views_shared")),
        sa.CheckConstraint("sort IN ('due', 'newest')", name=op.f("ck_saved_views_sort")),
        sa.CheckConstraint(
            "(shared = 'team') = (team IS NOT NULL)", name=op.f("ck_saved_views_team")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["people.id"], name=op.f("fk_saved_views_owner_id")),
        sa.ForeignKeyConstraint(["team"], ["teams.name"], name=op.f("fk_saved_views_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
        sa.UniqueConstraint("owner_id", "name", name=op.f("uq_saved_views_owner_id_name")),
    )
    op.create_index("ix_saved_views_shared", "saved_views", ["shared", "team"])
    op.add_column("threads", sa.Column("due_at", columns.UtcDateTime(), nullable=True))
    op.add_column("threads", sa.Column("at_risk", sa.Boolean(), nullable=True))
    _fill()
    for name, (cells, where) in LISTS.items():
        some = sa.text(where) if where else None
        op.create_index(
            name, name.split("_")[1], list(cells), sqlite_where=some, postgresql_where=some
        )


def _fill() -> None:
    """What `store/urgency.py` keeps, for the threads there are; and their notes, as words."""
    from inbox.store import search

    conn = op.get_bind()
    conn.execute(
        sa.text(
            "UPDATE threads SET due_at = coalesce((SELECT min(t.due_at) FROM targets t"
            " WHERE t.thread_id = threads.id AND t.state = 'open'), :none),"
            " at_risk = EXISTS (SELECT 1 FROM targets t WHERE t.thread_id = threads.id"
            " AND t.state = 'open' AND (t.breached_at IS NOT NULL OR EXISTS"
            " (SELECT 1 FROM target_steps s WHERE s.target_id = t.id AND s.due_at < t.due_at)))"
        ).bindparams(sa.bindparam("none", columns.NO_CLOCK, columns.UtcDateTime()))
    )
    for number, written in _notes():
        search.add_note(conn, number, written)


def _notes() -> list[tuple[int, str]]:
    events = sa.table(
        "events", sa.column("id", columns.Key), sa.column("kind"), sa.column("data", sa.JSON)
    )
    found = op.get_bind().execute(sa.select(events).where(events.c.kind == "note"))
    return [(row.id, str(row.data.get("text", ""))) for row in found]


def downgrade() -> None:
    from inbox.store import search

    for name in LISTS:
        op.drop_index(name, table_name=name.split("_")[1])
    for number, written in _notes():
        search.forget_note(op.get_bind(), number, written)
    op.drop_column("threads", "at_risk")
    op.drop_column("threads", "due_at")
    op.drop_table("saved_views")
