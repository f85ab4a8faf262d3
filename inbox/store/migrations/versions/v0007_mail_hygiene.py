"""Mail hygiene: what a mail asks for and only a person may allow.

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


def downgrade() -> None:
    op.drop_table("proposals")
