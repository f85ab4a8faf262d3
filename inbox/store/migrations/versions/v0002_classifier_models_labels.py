"""The classifier: models, which was in force when, labels of people, answers of a shadow model.

Revision 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

from inbox.store import columns

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "models",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("model_id", sa.String(length=12), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("manifest", sa.JSON(), nullable=False),
        sa.Column("created_at", columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_models")),
    )
    op.create_index(op.f("ix_models_model_id"), "models", ["model_id"], unique=False)
    op.create_table(
        "model_steps",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("previous_id", columns.Key, nullable=True),
        sa.Column("at", columns.UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["hash"], ["models.hash"], name=op.f("fk_model_steps_hash")),
        sa.ForeignKeyConstraint(
            ["previous_id"], ["model_steps.id"], name=op.f("fk_model_steps_previous_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_steps")),
    )
    _labels()
    _model_shadow()


def _labels() -> None:
    op.create_table(
        "labels",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("thread_id", columns.Key, nullable=False),
        sa.Column("message_id", columns.Key, nullable=False),
        sa.Column("team", sa.String(length=40), nullable=False),
        sa.Column("was_team", sa.String(length=40), nullable=False),
        sa.Column("was_decided_by", sa.String(length=12), nullable=False),
        sa.Column("by_id", columns.Key, nullable=False),
        sa.Column("at", columns.UtcDateTime(), nullable=False),
        sa.Column("opted_out", sa.Boolean(), nullable=False),
        sa.Column("undone_at", columns.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["thread_id"], ["threads.id"], name=op.f("fk_labels_thread_id")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_labels_message_id")),
        sa.ForeignKeyConstraint(["by_id"], ["people.id"], name=op.f("fk_labels_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_labels")),
    )
    op.create_index(op.f("ix_labels_thread_id"), "labels", ["thread_id"], unique=False)
    op.create_index(op.f("ix_labels_message_id"), "labels", ["message_id"], unique=False)


def _model_shadow() -> None:
    op.create_table(
        "model_shadow",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("message_id", columns.Key, nullable=False),
        sa.Column("at", columns.UtcDateTime(), nullable=False),
        sa.Column("team", sa.String(length=40), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("abstain", sa.Boolean(), nullable=False),
        sa.Column("live_team", sa.String(length=40), nullable=False),
        sa.Column("live_abstain", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["hash"], ["models.hash"], name=op.f("fk_model_shadow_hash")),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_model_shadow_message_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_shadow")),
    )
    op.create_index("ix_model_shadow_hash", "model_shadow", ["hash", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_model_shadow_hash", table_name="model_shadow")
    op.drop_table("model_shadow")
    op.drop_index(op.f("ix_labels_message_id"), table_name="labels")
    op.drop_index(op.f("ix_labels_thread_id"), table_name="labels")
    op.drop_table("labels")
    op.drop_table("model_steps")
    op.drop_index(op.f("ix_models_model_id"), table_name="models")
    op.drop_table("models")
