"""Tables of mail between us and our own people: what they are told, and what they answer.

A notice is a row from the transaction of what happened on; the mail that tells it comes later, so
that many can be told in one. An answer is a row from the transaction that files it.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    text,
)

from inbox.store.columns import Key, UtcDateTime
from inbox.store.tables import metadata

MOST_KEY = 200
"""Characters of a notice's key."""

agent_notices = Table(
    "agent_notices",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    # (what, its number, person): nobody is told one thing twice.
    Column("key", String(MOST_KEY), nullable=False, unique=True),
    Column("person_id", Key, ForeignKey("people.id"), nullable=False, index=True),
    Column("thread_id", Key, ForeignKey("threads.id"), nullable=False, index=True),
    Column("kind", String(20), nullable=False),
    Column("data", JSON, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("state", String(10), nullable=False),
    Column("item_id", Key, ForeignKey("outbox.id"), index=True),  # the mail that tells it
    Column("seen_id", Key, ForeignKey("messages.id")),  # the newest message that the mail shows
    Column("settled_at", UtcDateTime),
    Column("why", Text),
    CheckConstraint("state IN ('pending', 'sent', 'skipped')", name="state"),
    Index(
        "ix_agent_notices_pending",
        "person_id",
        "id",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
)

# What a person of ours sent to a signed address of a notice.
agent_mails = Table(
    "agent_mails",
    metadata,
    Column("message_id", Key, ForeignKey("messages.id"), primary_key=True, autoincrement=False),
    Column("person_id", Key, ForeignKey("people.id"), nullable=False, index=True),
    Column("item_id", Key, ForeignKey("outbox.id"), nullable=False, index=True),
    Column("thread_id", Key, ForeignKey("threads.id"), index=True),
    Column("seen_id", Key, ForeignKey("messages.id")),
    Column("at", UtcDateTime, nullable=False),
    Column("state", String(10), nullable=False),
    Column("begun_at", UtcDateTime),  # a node does it since then
    Column("steps_done", JSON, nullable=False),  # sentences of what has been done of it
    Column("settled_at", UtcDateTime),
    Column("why", Text),
    CheckConstraint("state IN ('pending', 'held', 'done', 'refused', 'ignored')", name="state"),
    Index(
        "ix_agent_mails_pending",
        "message_id",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
)

# Who wants no notices by mail; a person without a row gets them.
agent_choices = Table(
    "agent_choices",
    metadata,
    Column("person_id", Key, ForeignKey("people.id"), primary_key=True, autoincrement=False),
    Column("by_mail", Boolean, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)

TABLES = (agent_notices, agent_mails, agent_choices)
