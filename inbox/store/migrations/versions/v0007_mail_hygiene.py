"""Mail hygiene: what a mail asks for and only a person may allow; invitations, floods, loops.

Revision 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op

from inbox.store import columns

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _proposals()
    _invitations()
    _floods()


def _proposals() -> None:
    op.create_table(
        "proposals",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("account_id", columns.Key, nullable=False),
        sa.Column("thread_id", columns.Key, nullable=False),
        sa.Column("message_id", columns.Key),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("made_at", columns.UtcDateTime(), nullable=False),
        sa.Column("settled_at", columns.UtcDateTime()),
        sa.Column("settled_by_id", columns.Key),
        sa.CheckConstraint(
            "state IN ('open', 'applied', 'declined')", name=op.f("ck_proposals_state")
        ),
        sa.CheckConstraint(
            "(state = 'open') = (settled_at IS NULL)", name=op.f("ck_proposals_settled")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_proposals_account_id")
        ),
        sa.ForeignKeyConstraint(["thread_id"], ["threads.id"], name=op.f("fk_proposals_thread_id")),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_proposals_message_id")
        ),
        sa.ForeignKeyConstraint(
            ["settled_by_id"], ["people.id"], name=op.f("fk_proposals_settled_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
    )
    for name in ("account_id", "thread_id", "message_id"):
        op.create_index(op.f(f"ix_proposals_{name}"), "proposals", [name])
    op.create_index(
        "ix_proposals_open",
        "proposals",
        ["made_at", "id"],
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )


def _invitations() -> None:
    op.create_table(
        "invitations",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("account_id", columns.Key, nullable=False),
        sa.Column("thread_id", columns.Key, nullable=False),
        sa.Column("message_id", columns.Key, nullable=False),
        sa.Column("uid", sa.String(length=255), nullable=False),
        sa.Column("method", sa.String(length=12), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(length=520), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("at", columns.UtcDateTime(), nullable=False),
        *(
            sa.ForeignKeyConstraint([name], [f"{there}.id"], name=op.f(f"fk_invitations_{name}"))
            for name, there in (
                ("account_id", "accounts"),
                ("thread_id", "threads"),
                ("message_id", "messages"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
    )
    for name in ("thread_id", "message_id"):
        op.create_index(op.f(f"ix_invitations_{name}"), "invitations", [name])
    op.create_index("ix_invitations_account_id_uid", "invitations", ["account_id", "uid"])


def _floods() -> None:
    op.create_table(
        "loops",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("mailbox", sa.String(length=520), nullable=False),
        sa.Column("address", sa.String(length=520), nullable=False),
        sa.Column("thread_id", columns.Key, nullable=False),
        sa.Column("hour_at", columns.UtcDateTime(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("stopped_at", columns.UtcDateTime()),
        sa.Column("released_at", columns.UtcDateTime()),
        sa.ForeignKeyConstraint(["thread_id"], ["threads.id"], name=op.f("fk_loops_thread_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loops")),
        sa.UniqueConstraint("mailbox", "address", name=op.f("uq_loops_mailbox_address")),
    )
    for name in ("address", "thread_id"):
        op.create_index(op.f(f"ix_loops_{name}"), "loops", [name])
    op.create_index(
        "ix_loops_stopped",
        "loops",
        ["stopped_at"],
        sqlite_where=sa.text("stopped_at IS NOT NULL"),
        postgresql_where=sa.text("stopped_at IS NOT NULL"),
    )
    op.add_column(
        "ledger", sa.Column("lane", sa.SmallInteger(), nullable=False, server_default="0")
    )
    op.drop_index("ix_ledger_pending", table_name="ledger")
    _pending("lane", "run_after", "id")


def _pending(*names: str) -> None:
    op.create_index(
        "ix_ledger_pending",
        "ledger",
        list(names),
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )


def downgrade() -> None:
    op.drop_index("ix_ledger_pending", table_name="ledger")
    op.drop_column("ledger", "lane")
    _pending("run_after", "id")
    for name in ("loops", "invitations", "proposals"):
        op.drop_table(name)
