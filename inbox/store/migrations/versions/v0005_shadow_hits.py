"""When rules with a run policy would have run in shadow mode.

Revision 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

from inbox.store import columns

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shadow_hits",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("message_id", columns.Key, nullable=False),
        sa.Column("shadow", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.String(length=120), nullable=False),
        sa.Column("at", columns.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_shadow_hits_message_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shadow_hits")),
    )
    op.create_index(op.f("ix_shadow_hits_message_id"), "shadow_hits", ["message_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_shadow_hits_message_id"), table_name="shadow_hits")
    op.drop_table("shadow_hits")
