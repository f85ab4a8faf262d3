"""Where rules in shadow mode would have decided otherwise.

Revision 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

from inbox.store import columns

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shadow_results",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("shadow", sa.String(length=64), nullable=False),
        sa.Column("ruleset", sa.String(length=64), nullable=False),
        sa.Column("thread_id", columns.Key, nullable=False),
        sa.Column("message_id", columns.Key, nullable=False),
        sa.Column("at", columns.UtcDateTime(), nullable=False),
        sa.Column("live_team", sa.String(length=40), nullable=False),
        sa.Column("shadow_team", sa.String(length=40), nullable=False),
        sa.Column("live_rule", sa.String(length=120), nullable=True),
        sa.Column("shadow_rule", sa.String(length=120), nullable=True),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_shadow_results_message_id")
        ),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["threads.id"], name=op.f("fk_shadow_results_thread_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shadow_results")),
    )
    op.create_index(op.f("ix_shadow_results_message_id"), "shadow_results", ["message_id"])
    op.create_index(op.f("ix_shadow_results_thread_id"), "shadow_results", ["thread_id"])
    op.create_index("ix_shadow_results_shadow_at", "shadow_results", ["shadow", "at"])


def downgrade() -> None:
    op.drop_index("ix_shadow_results_shadow_at", table_name="shadow_results")
    op.drop_index(op.f("ix_shadow_results_thread_id"), table_name="shadow_results")
    op.drop_index(op.f("ix_shadow_results_message_id"), table_name="shadow_results")
    op.drop_table("shadow_results")
