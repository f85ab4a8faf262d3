"""Tables of mailboxes that are polled: who polls, how far, what became of every UID, what stalled.

Every UID of a folder has a row once it is accounted for, under the UIDVALIDITY it was seen with.
What the server holds and no row names is a hole, and `flow.intake.reconcile` finds it.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from inbox.store.columns import Key, UtcDateTime
from inbox.store.tables import metadata

OUTCOMES = (
    "accepted",  # in the ledger
    "known",  # in the ledger under an earlier UIDVALIDITY of this folder
    "gone",  # somebody moved or removed it before it was fetched
    "too-large",  # left on the server
    "refused",  # the server does not give it; asked for again and again
)

imap_mailboxes = Table(
    "imap_mailboxes",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("owner", String(80)),
    Column("leased_until", UtcDateTime),
    Column("fence", Integer, nullable=False),  # of the present lease; whoever has less has none
    Column("last_ok_at", UtcDateTime),
    Column("failing_since", UtcDateTime),
    Column("cause", String(20)),
    Column("error", Text),
    Column("error_at", UtcDateTime),
)

imap_folders = Table(
    "imap_folders",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("mailbox", String(40), ForeignKey("imap_mailboxes.name"), nullable=False),
    Column("folder", String(200), nullable=False),
    Column("uidvalidity", BigInteger, nullable=False),
    Column("last_uid", BigInteger, nullable=False),  # this one and all below are accounted for
    Column("rescan_to", BigInteger, nullable=False),  # up to here content is looked up, not taken
    Column("careful_to", BigInteger, nullable=False),  # up to here mails are fetched one by one
    Column("archive_before", UtcDateTime, nullable=False),
    Column("archive_to", BigInteger, nullable=False),  # last UID when it was first seen
    Column("seen_at", UtcDateTime, nullable=False),
    Column("looked_at", UtcDateTime),
    Column("reconciled_at", UtcDateTime),  # null: as soon as possible
    UniqueConstraint("mailbox", "folder"),
)

imap_uids = Table(
    "imap_uids",
    metadata,
    Column("folder_id", Key, ForeignKey("imap_folders.id"), primary_key=True),
    Column("uidvalidity", BigInteger, primary_key=True),
    Column("uid", BigInteger, primary_key=True),
    Column("outcome", String(10), nullable=False),
    Column("ledger_id", Key, ForeignKey("ledger.id"), index=True),
    Column("sha256", String(64)),
    Column("size", BigInteger, nullable=False),
    Column("noted_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("to_move", Boolean, nullable=False),
    Column("detail", Text),
    CheckConstraint(
        "outcome IN ('accepted', 'known', 'gone', 'too-large', 'refused')", name="outcome"
    ),
    CheckConstraint("outcome NOT IN ('accepted', 'known') OR ledger_id IS NOT NULL", name="ledger"),
    Index("ix_imap_uids_content", "folder_id", "sha256"),
    Index(
        "ix_imap_uids_to_move",
        "folder_id",
        "uid",
        sqlite_where=text("to_move"),
        postgresql_where=text("to_move"),
    ),
    Index(
        "ix_imap_uids_left",
        "folder_id",
        "uid",
        sqlite_where=text("outcome IN ('too-large', 'refused')"),
        postgresql_where=text("outcome IN ('too-large', 'refused')"),
    ),
)

# Said once when a mailbox stalls, and once when it has recovered: one open row a mailbox.
imap_stalls = Table(
    "imap_stalls",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("mailbox", String(40), ForeignKey("imap_mailboxes.name"), nullable=False, index=True),
    Column("since", UtcDateTime, nullable=False),
    Column("said_at", UtcDateTime, nullable=False),
    Column("error", Text, nullable=False),
    Column("recovered_at", UtcDateTime),
    Index(
        "uq_imap_stalls_open",
        "mailbox",
        unique=True,
        sqlite_where=text("recovered_at IS NULL"),
        postgresql_where=text("recovered_at IS NULL"),
    ),
)

TABLES = (imap_mailboxes, imap_folders, imap_uids, imap_stalls)
