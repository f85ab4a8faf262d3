"""Which rules acted on which messages: for run policies, coverage and hit counts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, func, select

from inbox.store.database import Conn
from inbox.store.tables import rule_hits

_RAN = (
    select(rule_hits.c.rule, func.max(rule_hits.c.at).label("at"))
    .where(rule_hits.c.thread_id == bindparam("thread_id"))
    .group_by(rule_hits.c.rule)
)


def ran_at(conn: Conn, thread_id: int) -> dict[str, datetime]:
    """rule -> when it last acted on this thread."""
    return {row.rule: row.at for row in conn.execute(_RAN, {"thread_id": thread_id})}


_RAN_BEFORE = (
    select(rule_hits.c.rule, func.max(rule_hits.c.at).label("at"))
    .where(rule_hits.c.thread_id == bindparam("thread_id"))
    .where(rule_hits.c.message_id < bindparam("message_id"))
    .group_by(rule_hits.c.rule)
)


def ran_before(conn: Conn, thread_id: int, message_id: int) -> dict[str, datetime]:
    """rule -> when it had last acted on this thread before this message was filed."""
    asked = {"thread_id": thread_id, "message_id": message_id}
    return {row.rule: row.at for row in conn.execute(_RAN_BEFORE, asked)}
