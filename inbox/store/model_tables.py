"""Tables of the classifier: models by hash, which one was in force when, labels, shadow answers.

What is in force now stands in `active_sets` (kinds `classifier` and `classifier-shadow`), like all
else that nodes agree on.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from inbox.store.columns import Key, UtcDateTime
from inbox.store.tables import metadata

models = Table(
    "models",
    metadata,
    Column("hash", String(64), primary_key=True),  # SHA-256 of the file
    Column("model_id", String(12), nullable=False, index=True),
    Column("size", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("manifest", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

# One row each time that another model came into force. Going back adds a row too: nothing is
# forgotten, and `previous_id` says what the step before was.
model_steps = Table(
    "model_steps",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("hash", String(64), ForeignKey("models.hash"), nullable=False),
    Column("previous_id", Key, ForeignKey("model_steps.id")),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(120), nullable=False),
    Column("why", Text, nullable=False),
)

# What a person said about where a mail belongs. The text is the message's; it is not copied.
labels = Table(
    "labels",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("thread_id", Key, ForeignKey("threads.id"), nullable=False, index=True),
    Column("message_id", Key, ForeignKey("messages.id"), nullable=False, index=True),
    Column("team", String(40), nullable=False),
    Column("was_team", String(40), nullable=False),
    Column("was_decided_by", String(12), nullable=False),
    Column("by_id", Key, ForeignKey("people.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("opted_out", Boolean, nullable=False),  # noted, but nothing is learned from it
    Column("undone_at", UtcDateTime),
)

# What a model in shadow would have said, beside what was in force.
model_shadow = Table(
    "model_shadow",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("hash", String(64), ForeignKey("models.hash"), nullable=False),
    Column("message_id", Key, ForeignKey("messages.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("team", String(40), nullable=False),
    Column("score", Float, nullable=False),
    Column("abstain", Boolean, nullable=False),
    Column("live_team", String(40), nullable=False),  # empty where no model was in force
    Column("live_abstain", Boolean, nullable=False),
    Index("ix_model_shadow_hash", "hash", "id"),
)

TABLES = (models, model_steps, labels, model_shadow)
