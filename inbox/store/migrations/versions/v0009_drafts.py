"""Work on threads: drafts with versions and files, followers, mentions, side mails, deeds.

Revision 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op

from inbox.store import columns

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _drafts()
    _draft_versions()
    _draft_files()
    _followers()
    _mentions()
    _side_mails()
    _deeds()


def _drafts() -> None:
    op.create_table(
        "drafts",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("thread_id", columns.Key, nullable=False),
        sa.Column("author_id", columns.Key, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("seen_event_id", columns.Key, nullable=True),
        sa.Column("seen_message_id", columns.Key, nullable=True),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("item_id", columns.Key, nullable=True),
        sa.Column("created_at", columns.UtcDateTime(), nullable=False),
        sa.Column("updated_at", columns.UtcDateTime(), nullable=False),
        sa.CheckConstraint("kind IN ('reply', 'note', 'forward')", name=op.f("ck_drafts_kind")),
        sa.CheckConstraint("state IN ('open', 'sent', 'discarded')", name=op.f("ck_drafts_state")),
        sa.ForeignKeyConstraint(["thread_id"], ["threads.id"], name=op.f("fk_drafts_thread_id")),
        sa.ForeignKeyConstraint(["author_id"], ["people.id"], name=op.f("fk_drafts_author_id")),
        sa.ForeignKeyConstraint(["item_id"], ["outbox.id"], name=op.f("fk_drafts_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drafts")),
    )
    op.create_index(op.f("ix_drafts_author_id"), "drafts", ["author_id"], unique=False)
    op.create_index(op.f("ix_drafts_item_id"), "drafts", ["item_id"], unique=False)
    op.create_index(
        "ix_drafts_open",
        "drafts",
        ["thread_id", "updated_at"],
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(op.f("ix_drafts_thread_id"), "drafts", ["thread_id"], unique=False)


def _draft_versions() -> None:
    op.create_table(
        "draft_versions",
        sa.Column("draft_id", columns.Key, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", columns.UtcDateTime(), nullable=False),
        sa.Column("by_id", columns.Key, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("aside", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["draft_id"], ["drafts.id"], name=op.f("fk_draft_versions_draft_id")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["people.id"], name=op.f("fk_draft_versions_by_id")),
        sa.PrimaryKeyConstraint("draft_id", "version", name=op.f("pk_draft_versions")),
    )


def _draft_files() -> None:
    op.create_table(
        "draft_files",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("draft_id", columns.Key, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.String(length=200), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("content_id", sa.String(length=80), nullable=True),
        sa.Column("at", columns.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["draft_id"], ["drafts.id"], name=op.f("fk_draft_files_draft_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft_files")),
    )
    op.create_index(op.f("ix_draft_files_draft_id"), "draft_files", ["draft_id"], unique=False)


def _followers() -> None:
    op.create_table(
        "followers",
        sa.Column("thread_id", columns.Key, nullable=False),
        sa.Column("person_id", columns.Key, nullable=False),
        sa.Column("at", columns.UtcDateTime(), nullable=False),
        sa.Column("why", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["thread_id"], ["threads.id"], name=op.f("fk_followers_thread_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_followers_person_id")),
        sa.PrimaryKeyConstraint("thread_id", "person_id", name=op.f("pk_followers")),
    )
    op.create_index(op.f("ix_followers_person_id"), "followers", ["person_id"], unique=False)


def _mentions() -> None:
    op.create_table(
        "mentions",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("event_id", columns.Key, nullable=False),
        sa.Column("thread_id", columns.Key, nullable=False),
        sa.Column("person_id", columns.Key, nullable=False),
        sa.Column("by_id", columns.Key, nullable=False),
        sa.Column("at", columns.UtcDateTime(), nullable=False),
        sa.Column("read_at", columns.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_mentions_event_id")),
        sa.ForeignKeyConstraint(["thread_id"], ["threads.id"], name=op.f("fk_mentions_thread_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_mentions_person_id")),
        sa.ForeignKeyConstraint(["by_id"], ["people.id"], name=op.f("fk_mentions_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mentions")),
    )
    op.create_index(op.f("ix_mentions_event_id"), "mentions", ["event_id"], unique=False)
    op.create_index(op.f("ix_mentions_thread_id"), "mentions", ["thread_id"], unique=False)
    op.create_index(
        "ix_mentions_unread",
        "mentions",
        ["person_id", "at"],
        sqlite_where=sa.text("read_at IS NULL"),
        postgresql_where=sa.text("read_at IS NULL"),
    )


def _side_mails() -> None:
    op.create_table(
        "side_mails",
        sa.Column("item_id", columns.Key, nullable=False),
        sa.Column("thread_id", columns.Key, nullable=False),
        sa.Column("address", sa.String(length=520), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["outbox.id"], name=op.f("fk_side_mails_item_id")),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["threads.id"], name=op.f("fk_side_mails_thread_id")
        ),
        sa.PrimaryKeyConstraint("item_id", "address", name=op.f("pk_side_mails")),
    )
    op.create_index(
        op.f("ix_side_mails_thread_id_address"),
        "side_mails",
        ["thread_id", "address"],
        unique=False,
    )


def _deeds() -> None:
    op.create_table(
        "deeds",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("run", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("thread_id", columns.Key, nullable=True),
        sa.Column("by_id", columns.Key, nullable=False),
        sa.Column("at", columns.UtcDateTime(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("undone_at", columns.UtcDateTime(), nullable=True),
        sa.Column("undone_by_id", columns.Key, nullable=True),
        sa.ForeignKeyConstraint(["thread_id"], ["threads.id"], name=op.f("fk_deeds_thread_id")),
        sa.ForeignKeyConstraint(["by_id"], ["people.id"], name=op.f("fk_deeds_by_id")),
        sa.ForeignKeyConstraint(
            ["undone_by_id"], ["people.id"], name=op.f("fk_deeds_undone_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deeds")),
    )
    op.create_index(op.f("ix_deeds_run"), "deeds", ["run"], unique=False)
    op.create_index(op.f("ix_deeds_thread_id"), "deeds", ["thread_id"], unique=False)


def downgrade() -> None:
    for table in (
        "deeds",
        "side_mails",
        "mentions",
        "followers",
        "draft_files",
        "draft_versions",
        "drafts",
    ):
        op.drop_table(table)
