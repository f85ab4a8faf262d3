"""What admins own, as it was put in force: every set of files by its hash, and which one it is."""

from __future__ import annotations

from sqlalchemy import JSON, Column, String, Table

from inbox.store.columns import UtcDateTime
from inbox.store.tables import metadata

config_sets = Table(
    "config_sets",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("files", JSON, nullable=False),
    Column("first_active_at", UtcDateTime, nullable=False),
)

active_sets = Table(
    "active_sets",
    metadata,
    Column("kind", String(20), primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("activated_at", UtcDateTime, nullable=False),
    Column("problems", JSON, nullable=False),  # of the last load, when it was refused
)

TABLES = (config_sets, active_sets)
