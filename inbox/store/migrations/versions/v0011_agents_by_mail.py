"""Agents by mail: what our own people are told, and what they answer.

Revision 0011, after 0010.
"""

import sqlalchemy as sa
from alembic import op

from inbox.store import columns

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _notices()
    _mails()
    _choices()


def _notices() -> None:
    op.create_table(
        "agent_notices",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("person_id", columns.Key, nullable=False),
        sa.Column("thread_id", columns.Key, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("at", columns.UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("item_id", columns.Key, nullable=True),
        sa.Column("seen_id", columns.Key, nullable=True),
        sa.Column("settled_at", columns.UtcDateTime(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'sent', 'skipped')", name=op.f("ck_agent_notices_state")
        ),
        *_to("agent_notices", person_id="people", thread_id="threads"),
        *_to("agent_notices", item_id="outbox", seen_id="messages"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_notices")),
        sa.UniqueConstraint("key", name=op.f("uq_agent_notices_key")),
    )
    for name in ("person_id", "thread_id", "item_id"):
        op.create_index(op.f(f"ix_agent_notices_{name}"), "agent_notices", [name])
    _pending("agent_notices", ["person_id", "id"])


def _mails() -> None:
    op.create_table(
        "agent_mails",
        sa.Column("message_id", columns.Key, autoincrement=False, nullable=False),
        sa.Column("person_id", columns.Key, nullable=False),
        sa.Column("item_id", columns.Key, nullable=False),
        sa.Column("thread_id", columns.Key, nullable=True),
        sa.Column("seen_id", columns.Key, nullable=True),
        sa.Column("at", columns.UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("begun_at", columns.UtcDateTime(), nullable=True),
        sa.Column("steps_done", sa.JSON(), nullable=False),
        sa.Column("settled_at", columns.UtcDateTime(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'held', 'done', 'refused', 'ignored')",
            name=op.f("ck_agent_mails_state"),
        ),
        *_to("agent_mails", message_id="messages", person_id="people", item_id="outbox"),
        *_to("agent_mails", thread_id="threads", seen_id="messages"),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_agent_mails")),
    )
    for name in ("person_id", "item_id", "thread_id"):
        op.create_index(op.f(f"ix_agent_mails_{name}"), "agent_mails", [name])
    _pending("agent_mails", ["message_id"])


def _choices() -> None:
    op.create_table(
        "agent_choices",
        sa.Column("person_id", columns.Key, autoincrement=False, nullable=False),
        sa.Column("by_mail", sa.Boolean(), nullable=False),
        sa.Column("changed_at", columns.UtcDateTime(), nullable=False),
        *_to("agent_choices", person_id="people"),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_agent_choices")),
    )


def _to(table: str, **columns_to: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            [name],
            [f"{other}.id"],
            name=op.f(f"fk_{table}_{name}"),
        )
        for name, other in columns_to.items()
    ]


def _pending(table: str, listed: list[str]) -> None:
    op.create_index(
        f"ix_{table}_pending",
        table,
        listed,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )


def downgrade() -> None:
    for table in ("agent_choices", "agent_mails", "agent_notices"):
        op.drop_table(table)
