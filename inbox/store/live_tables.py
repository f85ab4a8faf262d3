"""Tables of people at their screens: who looks at which thread, how they like their pages, and
whose pictures they let in.
"""

from __future__ import annotations

from sqlalchemy import JSON, CheckConstraint, Column, ForeignKey, String, Table

from inbox.store.columns import Key, UtcDateTime
from inbox.store.tables import metadata

DOES = ("views", "writes")

# One row a tab of a browser; it says nothing any more once `seen_at` is old.
presence = Table(
    "presence",
    metadata,
    Column("person_id", Key, ForeignKey("people.id"), primary_key=True),
    Column("tab", String(40), primary_key=True),
    Column("thread_id", Key, ForeignKey("threads.id"), nullable=False, index=True),
    Column("does", String(8), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False, index=True),
    CheckConstraint("does IN ('views', 'writes')", name="does"),
)

preferences = Table(
    "preferences",
    metadata,
    Column("person_id", Key, ForeignKey("people.id"), primary_key=True),
    Column("name", String(40), primary_key=True),
    Column("value", JSON, nullable=False),
)

# Senders whose remote pictures somebody always lets in. One person's choice is nobody else's.
picture_senders = Table(
    "picture_senders",
    metadata,
    Column("person_id", Key, ForeignKey("people.id"), primary_key=True),
    Column("address", String(520), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)

TABLES = (presence, preferences, picture_senders)
