"""Who is looking at what, how people like their pages, whose pictures they let in.

Revision 0012, after 0011.
"""

import sqlalchemy as sa
from alembic import op

from inbox.store.columns import Key, UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Three tables."""
    op.create_table(
        "presence",
        sa.Column("person_id", Key, nullable=False),
        sa.Column("tab", sa.String(40), nullable=False),
        sa.Column("thread_id", Key, nullable=False),
        sa.Column("does", sa.String(8), nullable=False),
        sa.Column("since", UtcDateTime, nullable=False),
        sa.Column("seen_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("person_id", "tab", name="pk_presence"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_presence_person_id"),
        sa.ForeignKeyConstraint(["thread_id"], ["threads.id"], name="fk_presence_thread_id"),
        sa.CheckConstraint("does IN ('views', 'writes')", name=op.f("ck_presence_does")),
    )
    op.create_index("ix_presence_seen_at", "presence", ["seen_at"])
    op.create_index("ix_presence_thread_id", "presence", ["thread_id"])
    op.create_table(
        "preferences",
        sa.Column("person_id", Key, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("value", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("person_id", "name", name="pk_preferences"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_preferences_person_id"),
    )
    op.create_table(
        "picture_senders",
        sa.Column("person_id", Key, nullable=False),
        sa.Column("address", sa.String(520), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("person_id", "address", name="pk_picture_senders"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_picture_senders_person_id"),
    )


def downgrade() -> None:
    """Nobody is anywhere, and everybody likes what everybody gets."""
    op.drop_table("picture_senders")
    op.drop_table("preferences")
    op.drop_index("ix_presence_thread_id", "presence")
    op.drop_index("ix_presence_seen_at", "presence")
    op.drop_table("presence")
