"""Tables of who may come in: credentials, one-time tokens, sessions, failures, the audit log.

Nothing here opens a door by being read: of passwords, tokens and cookies only hashes are stored.
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
    String,
    Table,
    Text,
)

from inbox.store.columns import Key, UtcDateTime
from inbox.store.tables import metadata

credentials = Table(
    "credentials",
    metadata,
    Column("person_id", Key, ForeignKey("people.id"), primary_key=True),
    Column("password", Text, nullable=False),  # argon2id, with its salt and its parameters
    Column("changed_at", UtcDateTime, nullable=False),
)

one_time_tokens = Table(
    "one_time_tokens",
    metadata,
    Column("hash", String(64), primary_key=True),  # SHA-256 of 256 random bits
    Column("person_id", Key, ForeignKey("people.id"), nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime),  # or withdrawn: it opens nothing any more
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("hash", String(64), nullable=False, unique=True),  # SHA-256 of 256 random bits
    Column("person_id", Key, ForeignKey("people.id"), nullable=False, index=True),
    Column("how", String(8), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("address", String(64), nullable=False),  # from where, as far as it can be believed
    Column("agent", String(200), nullable=False),  # which browser, as it says
    CheckConstraint("how IN ('password', 'token', 'demo')", name="how"),
)

# How often signing in failed, by account and address together and by address alone: an account
# alone is never counted, so that no stranger can lock its owner out.
failures = Table(
    "sign_in_failures",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("count", Integer, nullable=False),
    Column("last_at", UtcDateTime, nullable=False, index=True),
)

# Who did what as an admin and who took data away. Rows are added, never changed.
audit_log = Table(
    "audit_log",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("person_id", Key, ForeignKey("people.id")),  # null: a command, or nobody we know
    Column("actor", String(120), nullable=False),
    Column("address", String(64), nullable=False),
    Column("subject", String(400), nullable=False),  # `message 12`, `session 3`, `person maya`
    Column("data", JSON, nullable=False),
    Column("refused", Boolean, nullable=False),
    Index("ix_audit_log_at", "at", "id"),
    Index("ix_audit_log_person_id", "person_id", "id"),
    Index("ix_audit_log_kind", "kind", "id"),
    sqlite_autoincrement=True,
)

TABLES = (credentials, one_time_tokens, sessions, failures, audit_log)
