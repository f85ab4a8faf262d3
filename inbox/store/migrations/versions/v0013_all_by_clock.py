"""All threads in the order of their clocks; an index of what was merged away holds nothing else.

Revision 0013, after 0012.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One index more, and two that hold fewer rows."""
    op.create_index("ix_threads_due_at", "threads", ["due_at", "id", "team", "status"])
    some = sa.text("merged_into_id IS NOT NULL")
    for table in ("threads", "accounts"):
        name = f"ix_{table}_merged_into_id"
        op.drop_index(name, table)
        op.create_index(name, table, ["merged_into_id"], sqlite_where=some, postgresql_where=some)


def downgrade() -> None:
    """As it was: lists by clock are sorted each time."""
    for table in ("threads", "accounts"):
        name = f"ix_{table}_merged_into_id"
        op.drop_index(name, table)
        op.create_index(name, table, ["merged_into_id"])
    op.drop_index("ix_threads_due_at", "threads")
