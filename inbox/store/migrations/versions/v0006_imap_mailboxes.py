"""Mailboxes that are polled.

Revision 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

from inbox.store import columns

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TO_MOVE = sa.text("to_move")
LEFT = sa.text("outcome IN ('too-large', 'refused')")
OPEN = sa.text("recovered_at IS NULL")


def upgrade() -> None:
    op.add_column("ledger", sa.Column("arrived_at", columns.UtcDateTime(), nullable=True))
    op.add_column("ledger", sa.Column("opens_as", sa.String(length=10), nullable=True))
    op.create_table(
        "imap_mailboxes",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=True),
        sa.Column("leased_until", columns.UtcDateTime(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("last_ok_at", columns.UtcDateTime(), nullable=True),
        sa.Column("failing_since", columns.UtcDateTime(), nullable=True),
        sa.Column("cause", sa.String(length=20), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("error_at", columns.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_imap_mailboxes")),
    )
    _folders()
    _uids()
    _stalls()


def _folders() -> None:
    op.create_table(
        "imap_folders",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("mailbox", sa.String(length=40), nullable=False),
        sa.Column("folder", sa.String(length=200), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger(), nullable=False),
        sa.Column("last_uid", sa.BigInteger(), nullable=False),
        sa.Column("rescan_to", sa.BigInteger(), nullable=False),
        sa.Column("careful_to", sa.BigInteger(), nullable=False),
        sa.Column("archive_before", columns.UtcDateTime(), nullable=False),
        sa.Column("archive_to", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", columns.UtcDateTime(), nullable=False),
        sa.Column("looked_at", columns.UtcDateTime(), nullable=True),
        sa.Column("reconciled_at", columns.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["mailbox"], ["imap_mailboxes.name"], name=op.f("fk_imap_folders_mailbox")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imap_folders")),
        sa.UniqueConstraint("mailbox", "folder", name=op.f("uq_imap_folders_mailbox_folder")),
    )


def _uids() -> None:
    op.create_table(
        "imap_uids",
        sa.Column("folder_id", columns.Key, nullable=False),
        sa.Column("uidvalidity", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("ledger_id", columns.Key, nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("noted_at", columns.UtcDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("to_move", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('accepted', 'known', 'gone', 'too-large', 'refused')",
            name=op.f("ck_imap_uids_outcome"),
        ),
        sa.CheckConstraint(
            "outcome NOT IN ('accepted', 'known') OR ledger_id IS NOT NULL",
            name=op.f("ck_imap_uids_ledger"),
        ),
        sa.ForeignKeyConstraint(
            ["folder_id"], ["imap_folders.id"], name=op.f("fk_imap_uids_folder_id")
        ),
        sa.ForeignKeyConstraint(["ledger_id"], ["ledger.id"], name=op.f("fk_imap_uids_ledger_id")),
        sa.PrimaryKeyConstraint("folder_id", "uidvalidity", "uid", name=op.f("pk_imap_uids")),
    )
    op.create_index(op.f("ix_imap_uids_ledger_id"), "imap_uids", ["ledger_id"])
    op.create_index("ix_imap_uids_content", "imap_uids", ["folder_id", "sha256"])
    for name, where in (("ix_imap_uids_to_move", TO_MOVE), ("ix_imap_uids_left", LEFT)):
        op.create_index(
            name, "imap_uids", ["folder_id", "uid"], sqlite_where=where, postgresql_where=where
        )


def _stalls() -> None:
    op.create_table(
        "imap_stalls",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("mailbox", sa.String(length=40), nullable=False),
        sa.Column("since", columns.UtcDateTime(), nullable=False),
        sa.Column("said_at", columns.UtcDateTime(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("recovered_at", columns.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["mailbox"], ["imap_mailboxes.name"], name=op.f("fk_imap_stalls_mailbox")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imap_stalls")),
    )
    op.create_index(op.f("ix_imap_stalls_mailbox"), "imap_stalls", ["mailbox"])
    op.create_index(
        "uq_imap_stalls_open",
        "imap_stalls",
        ["mailbox"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )


def downgrade() -> None:
    for table in ("imap_stalls", "imap_uids", "imap_folders", "imap_mailboxes"):
        op.drop_table(table)
    op.drop_column("ledger", "opens_as")
    op.drop_column("ledger", "arrived_at")
