"""Tables of work on threads: drafts with versions and files, followers, mentions, deeds.

A draft is what somebody is about to say on a thread. Every save is a version, so that nothing that
was typed is lost to a second tab, a colleague or a reload. A deed is what a person did with what
was there before it, so that it can be undone.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    text,
)

from inbox.store.columns import Key, UtcDateTime
from inbox.store.tables import metadata

DRAFT_KINDS = ("reply", "note", "forward")
DRAFT_STATES = ("open", "sent", "discarded")

drafts = Table(
    "drafts",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("thread_id", Key, ForeignKey("threads.id"), nullable=False, index=True),
    Column("author_id", Key, ForeignKey("people.id"), nullable=False, index=True),
    Column("kind", String(8), nullable=False),
    Column("text", Text, nullable=False),
    Column("fields", JSON, nullable=False),  # recipients, subject, what follows, when
    Column("version", Integer, nullable=False),
    Column("seen_event_id", Key),  # the newest event that its author had before them
    Column("seen_message_id", Key),
    Column("state", String(9), nullable=False),
    Column("item_id", Key, ForeignKey("outbox.id"), index=True),  # what it became
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    CheckConstraint("kind IN ('reply', 'note', 'forward')", name="kind"),
    CheckConstraint("state IN ('open', 'sent', 'discarded')", name="state"),
    # What the notice beside every composer asks: who else writes, here and on the account.
    Index(
        "ix_drafts_open",
        "thread_id",
        "updated_at",
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
)

draft_versions = Table(
    "draft_versions",
    metadata,
    Column("draft_id", Key, ForeignKey("drafts.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("by_id", Key, ForeignKey("people.id"), nullable=False),
    Column("text", Text, nullable=False),
    Column("fields", JSON, nullable=False),
    Column("aside", Boolean, nullable=False),  # it met a newer one, which stayed; kept to be read
)

draft_files = Table(
    "draft_files",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("draft_id", Key, ForeignKey("drafts.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("content_type", String(200), nullable=False),
    Column("size", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("content_id", String(80)),  # a picture that the text shows
    Column("at", UtcDateTime, nullable=False),
)

followers = Table(
    "followers",
    metadata,
    Column("thread_id", Key, ForeignKey("threads.id"), primary_key=True),
    Column("person_id", Key, ForeignKey("people.id"), primary_key=True, index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("why", String(20), nullable=False),  # chose | mentioned
)

mentions = Table(
    "mentions",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("event_id", Key, ForeignKey("events.id"), nullable=False, index=True),
    Column("thread_id", Key, ForeignKey("threads.id"), nullable=False, index=True),
    Column("person_id", Key, ForeignKey("people.id"), nullable=False),
    Column("by_id", Key, ForeignKey("people.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("read_at", UtcDateTime),
    Index(
        "ix_mentions_unread",
        "person_id",
        "at",
        sqlite_where=text("read_at IS NULL"),
        postgresql_where=text("read_at IS NULL"),
    ),
)

# A mail of a thread to somebody outside of it (a bank, a supplier): neither it nor the answer to it
# is part of what the customer reads.
side_mails = Table(
    "side_mails",
    metadata,
    Column("item_id", Key, ForeignKey("outbox.id"), primary_key=True),
    Column("thread_id", Key, ForeignKey("threads.id"), nullable=False),
    Column("address", String(520), primary_key=True),
    Index("ix_side_mails_thread_id_address", "thread_id", "address"),
)

# What a person did, with what was there before it. Rows of one `run` are undone together.
deeds = Table(
    "deeds",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("run", String(40), nullable=False, index=True),
    Column("kind", String(20), nullable=False),
    Column("thread_id", Key, ForeignKey("threads.id"), index=True),
    Column("by_id", Key, ForeignKey("people.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("before", JSON, nullable=False),
    Column("after", JSON, nullable=False),
    Column("undone_at", UtcDateTime),
    Column("undone_by_id", Key, ForeignKey("people.id")),
)

TABLES = (drafts, draft_versions, draft_files, followers, mentions, side_mails, deeds)
