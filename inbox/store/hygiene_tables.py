"""Tables of mail hygiene: what only a person may decide about a mail."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
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

TABLES = (proposals,)
