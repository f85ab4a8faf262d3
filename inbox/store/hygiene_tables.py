"""Tables of mail hygiene: what only a person may decide, invitations, floods and loops."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    text,
)

from inbox.store.columns import Key, UtcDateTime
from inbox.store.tables import metadata

# What a mail asks for without proof that it may: one click of a signed-in person applies it.
proposals = Table(
    "proposals",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("kind", String(40), nullable=False),
    Column("account_id", Key, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("thread_id", Key, ForeignKey("threads.id"), nullable=False, index=True),
    Column("message_id", Key, ForeignKey("messages.id"), index=True),  # the mail that asks
    Column("data", JSON, nullable=False),  # `what` is a sentence for people; the rest is the kind's
    Column("state", String(8), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("settled_at", UtcDateTime),
    Column("settled_by_id", Key, ForeignKey("people.id")),
    CheckConstraint("state IN ('open', 'applied', 'declined')", name="state"),
    CheckConstraint("(state = 'open') = (settled_at IS NULL)", name="settled"),
    Index(
        "ix_proposals_open",
        "made_at",
        "id",
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
)

# What a calendar part of a mail said about one event, in the order in which mails came: how an
# invitation stands is worked out from all rows of its UID.
invitations = Table(
    "invitations",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("account_id", Key, ForeignKey("accounts.id"), nullable=False),
    Column("thread_id", Key, ForeignKey("threads.id"), nullable=False, index=True),
    Column("message_id", Key, ForeignKey("messages.id"), nullable=False, index=True),
    Column("uid", String(255), nullable=False),
    Column("method", String(12), nullable=False),  # request | reply | cancel | counter
    Column("sequence", Integer, nullable=False),
    Column("by", String(520), nullable=False),  # who wrote the mail
    Column("data", JSON, nullable=False),  # the item as in a message's `extras.calendar`
    Column("at", UtcDateTime, nullable=False),
    Index("ix_invitations_account_id_uid", "account_id", "uid"),
)

# How many automatic mails came from an address to a mailbox in one hour, and whether the pair was
# stopped: nothing automatic leaves to the address while it is.
loops = Table(
    "loops",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("mailbox", String(520), nullable=False),
    Column("address", String(520), nullable=False, index=True),
    Column("thread_id", Key, ForeignKey("threads.id"), nullable=False, index=True),
    Column("hour_at", UtcDateTime, nullable=False),  # when the hour began that is counted
    Column("count", Integer, nullable=False),
    Column("stopped_at", UtcDateTime),
    Column("released_at", UtcDateTime),
    UniqueConstraint("mailbox", "address"),
    Index(
        "ix_loops_stopped",
        "stopped_at",
        sqlite_where=text("stopped_at IS NOT NULL"),
        postgresql_where=text("stopped_at IS NOT NULL"),
    ),
)

TABLES = (proposals, invitations, loops)
