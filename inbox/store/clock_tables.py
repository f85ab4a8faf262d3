"""Tables of what waits for somebody: targets and their steps, handoffs, absences.

A target is one promise on one thread (first response, ...). What it means to be due is decided in
`routing.sla`; the row holds the outcome: when something has to happen next, and what happened.
"""

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
    Text,
    UniqueConstraint,
    text,
)

from inbox.store.columns import Key, UtcDateTime
from inbox.store.tables import metadata

METRICS = ("first_response", "next_response", "resolution", "handoff_acceptance", "untouched")
TARGET_STATES = ("open", "paused", "met", "stopped")

targets = Table(
    "targets",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("thread_id", Key, ForeignKey("threads.id"), nullable=False),
    Column("metric", String(20), nullable=False),
    Column("cycle", Key, ForeignKey("events.id"), nullable=False),  # the event that opened it
    Column("policy", String(60), nullable=False),
    Column("policy_set", String(64), nullable=False),  # content hash of the SLA files it is under
    Column("team", String(40), ForeignKey("teams.name"), nullable=False),  # whose hours count
    Column("opened_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime),  # null while paused, or where the metric has no limit
    Column("state", String(8), nullable=False),
    Column("breached_at", UtcDateTime),
    Column("paused_at", UtcDateTime),
    Column("used_seconds", Integer, nullable=False),  # business time used before the last resume
    Column("resumed_at", UtcDateTime, nullable=False),  # from here on `used_seconds` grows
    Column("settled_at", UtcDateTime),
    Column("next_at", UtcDateTime),  # when the next step of the ladder is due; null: none is left
    Column("next_step", String(80)),
    CheckConstraint(
        "metric IN ('first_response', 'next_response', 'resolution', 'handoff_acceptance',"
        " 'untouched')",
        name="metric",
    ),
    CheckConstraint("state IN ('open', 'paused', 'met', 'stopped')", name="state"),
    CheckConstraint("(state IN ('met', 'stopped')) = (settled_at IS NOT NULL)", name="settled"),
    UniqueConstraint("thread_id", "metric", "cycle"),
    # The tick reads here alone, so that it costs what is due and not what is open.
    Index(
        "ix_targets_due",
        "next_at",
        "id",
        sqlite_where=text("state = 'open' AND next_at IS NOT NULL"),
        postgresql_where=text("state = 'open' AND next_at IS NOT NULL"),
    ),
)

# A step of a ladder happened. The key is inserted in the transaction of what the step does: two
# nodes that sweep at once cannot do it twice.
target_steps = Table(
    "target_steps",
    metadata,
    Column("target_id", Key, ForeignKey("targets.id"), primary_key=True),
    Column("step", String(80), primary_key=True),
    Column("due_at", UtcDateTime, nullable=False),
    Column("fired_at", UtcDateTime, nullable=False),
    Column("node", String(80), nullable=False),
    Column("skipped", String(40)),  # why it did nothing: a later step was due already
)

HANDOFF_STATES = ("offered", "accepted", "declined", "returned", "withdrawn")

handoffs = Table(
    "handoffs",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("thread_id", Key, ForeignKey("threads.id"), nullable=False, index=True),
    Column("from_team", String(40), ForeignKey("teams.name"), nullable=False),
    Column("to_team", String(40), ForeignKey("teams.name"), nullable=False),
    Column("by_id", Key, ForeignKey("people.id"), nullable=False),
    Column("giver_id", Key, ForeignKey("people.id"), nullable=False),  # accountable until accepted
    Column("reason", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("asks", JSON, nullable=False),  # what the customer still waits for
    Column("state", String(10), nullable=False),
    Column("offered_at", UtcDateTime, nullable=False),
    Column("settled_at", UtcDateTime),
    Column("settled_by_id", Key, ForeignKey("people.id")),  # null: the clock did it
    Column("answer", Text),
    CheckConstraint(
        "state IN ('offered', 'accepted', 'declined', 'returned', 'withdrawn')", name="state"
    ),
    CheckConstraint("from_team <> to_team", name="teams"),
    # One open offer a thread: two leads cannot give it away at once.
    Index(
        "uq_handoffs_offered",
        "thread_id",
        unique=True,
        sqlite_where=text("state = 'offered'"),
        postgresql_where=text("state = 'offered'"),
    ),
)

absences = Table(
    "absences",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("person_id", Key, ForeignKey("people.id"), nullable=False, index=True),
    Column("from_at", UtcDateTime, nullable=False),
    Column("until_at", UtcDateTime),  # null: until further notice
    Column("note", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    CheckConstraint("until_at IS NULL OR until_at > from_at", name="order"),
)

TABLES = (targets, target_steps, handoffs, absences)
