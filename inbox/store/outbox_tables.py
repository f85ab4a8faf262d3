"""Tables of what leaves: outbox items and their recipients, planned follow-ups, signing keys.

An item's bytes are in `raw_mail`, made once when it is enqueued: whatever happens on the way, the
same bytes with the same Message-ID are sent. Its unique key is why nothing goes out twice.
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
    UniqueConstraint,
    text,
)

from inbox.store.columns import Key, UtcDateTime
from inbox.store.tables import metadata

ITEM_STATES = (
    "held",  # no smarthost was configured: only a person releases it
    "queued",
    "sending",  # leased by a courier; `phase` says how far it got
    "sent",
    "failed",
    "uncertain",  # the connection was lost after the final dot: it may have arrived
    "cancelled",
    "expired",
)

MOST_KEY = 400
"""Characters of an item's key."""
MOST_SEQUENCE = 80

outbox = Table(
    "outbox",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    # (subject kind, subject id, sequence, step, cycle, recipient) for automatic mail, a random
    # name for a person's.
    Column("key", String(MOST_KEY), nullable=False, unique=True),
    Column("kind", String(10), nullable=False),
    Column("template", String(80)),
    Column("thread_id", Key, ForeignKey("threads.id"), index=True),
    Column("account_id", Key, ForeignKey("accounts.id"), index=True),
    Column("by_id", Key, ForeignKey("people.id")),
    Column("answers_id", Key, ForeignKey("messages.id")),  # the message that it answers
    Column("message_id", Key, ForeignKey("messages.id"), index=True),  # as it is on the timeline
    Column("raw_id", Key, ForeignKey("raw_mail.id"), nullable=False, index=True),
    Column("mail_id", String(1000), nullable=False, unique=True),
    Column("subject", Text, nullable=False),
    Column("reverse_path", String(520), nullable=False),  # empty: the null reverse-path
    Column("state", String(10), nullable=False),
    Column("phase", String(10)),
    Column("cancel_if_answered", Boolean, nullable=False),  # the customer's mail cancels it
    Column("created_at", UtcDateTime, nullable=False),
    Column("run_after", UtcDateTime, nullable=False),  # undo window, send later, back-off
    Column("expires_at", UtcDateTime, nullable=False),
    Column("settled_at", UtcDateTime),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("leased_by", String(80)),
    Column("leased_until", UtcDateTime),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("cause", String(60)),
    Column("detail", Text),
    CheckConstraint("kind IN ('automatic', 'reply', 'notice')", name="kind"),
    CheckConstraint(
        "state IN ('held', 'queued', 'sending', 'sent', 'failed', 'uncertain', 'cancelled',"
        " 'expired')",
        name="state",
    ),
    CheckConstraint("phase IN ('connect', 'envelope', 'data', 'dot')", name="phase"),
    Index(
        "ix_outbox_due",
        "run_after",
        "id",
        sqlite_where=text("state IN ('queued', 'sending')"),
        postgresql_where=text("state IN ('queued', 'sending')"),
    ),
    Index(
        "ix_outbox_open",
        "state",
        "id",
        sqlite_where=text("state IN ('held', 'failed', 'uncertain')"),
        postgresql_where=text("state IN ('held', 'failed', 'uncertain')"),
    ),
)

outbox_recipients = Table(
    "outbox_recipients",
    metadata,
    Column("item_id", Key, ForeignKey("outbox.id"), primary_key=True),
    Column("address", String(520), primary_key=True, index=True),
    Column("field", String(3), nullable=False),
    Column("state", String(10), nullable=False),
    Column("code", Integer),  # of the SMTP reply
    Column("status", String(12)),  # enhanced status code, or that of a bounce
    Column("reply", Text),
    Column("at", UtcDateTime),
    CheckConstraint("field IN ('to', 'cc', 'bcc')", name="field"),
    CheckConstraint("state IN ('pending', 'accepted', 'refused', 'bounced')", name="state"),
)

SEQUENCE_STATES = ("running", "paused", "cancelled", "done")

# One run of a sequence of follow-ups, on a thread or an account, for one person.
sequences = Table(
    "sequences",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("name", String(MOST_SEQUENCE), nullable=False),
    Column("account_id", Key, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("thread_id", Key, ForeignKey("threads.id"), index=True),
    Column("cycle", Key, ForeignKey("events.id"), nullable=False),  # the event that started it
    Column("recipient", String(520), nullable=False),
    Column("state", String(10), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("why", Text),
    CheckConstraint("state IN ('running', 'paused', 'cancelled', 'done')", name="state"),
    UniqueConstraint("name", "cycle", "recipient"),
)

# Everything automatic that is going to leave, so that it can be seen, edited and cancelled.
planned = Table(
    "planned",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("sequence_id", Key, ForeignKey("sequences.id"), nullable=False),
    Column("step", String(80), nullable=False),
    Column("template", String(80), nullable=False),
    Column("asks", Boolean, nullable=False),  # it asks the customer: their mail cancels it
    Column("due_at", UtcDateTime, nullable=False),
    Column("state", String(10), nullable=False),
    Column("edited", JSON),  # {"subject", "body"} as a person rewrote it
    Column("item_id", Key, ForeignKey("outbox.id")),
    Column("settled_at", UtcDateTime),
    Column("why", Text),
    CheckConstraint(
        "state IN ('planned', 'paused', 'queued', 'cancelled', 'skipped')", name="state"
    ),
    UniqueConstraint("sequence_id", "step"),
    Index(
        "ix_planned_due",
        "due_at",
        "id",
        sqlite_where=text("state = 'planned'"),
        postgresql_where=text("state = 'planned'"),
    ),
)

# What reply addresses and reverse-paths are signed with. The newest signs, all of them verify.
signing_keys = Table(
    "signing_keys",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("secret", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

TABLES = (outbox, outbox_recipients, sequences, planned, signing_keys)
