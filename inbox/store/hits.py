"""Which rules acted on which messages: for run policies, coverage and hit counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, case, exists, func, select

from inbox.store.database import Conn
from inbox.store.tables import assignments, rule_hits

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


@dataclass(frozen=True, slots=True)
class RuleHits:
    """What one rule did."""

    hits: int
    """Messages that it acted on, in the window."""
    decided: int
    """Threads that it gave their team, in the window."""
    overridden: int
    """Those of them that a person gave to another team later."""
    last_hit_at: datetime | None


_MADE = assignments.alias("made")
_LATER = assignments.alias("later")
_OVERRIDDEN = exists().where(
    _MADE.c.message_id == rule_hits.c.message_id,
    _MADE.c.rule == rule_hits.c.rule,
    _LATER.c.thread_id == _MADE.c.thread_id,
    _LATER.c.decided_by == "person",
    _LATER.c.id > _MADE.c.id,
    _LATER.c.team != _MADE.c.team,
)


def by_rule(conn: Conn, since: datetime) -> dict[str, RuleHits]:
    """rule -> what it did since then, and when it last acted at all."""
    last = select(rule_hits.c.rule, func.max(rule_hits.c.at)).group_by(rule_hits.c.rule)
    last_at = {row[0]: row[1] for row in conn.execute(last)}
    decided = case((rule_hits.c.decided, 1), else_=0)
    overridden = case((rule_hits.c.decided & _OVERRIDDEN, 1), else_=0)
    found = conn.execute(
        select(rule_hits.c.rule, func.count(), func.sum(decided), func.sum(overridden))
        .where(rule_hits.c.at >= since)
        .group_by(rule_hits.c.rule)
    )
    counted = {row[0]: RuleHits(row[1], row[2], row[3], last_at[row[0]]) for row in found}
    return {rule: counted.get(rule, RuleHits(0, 0, 0, at)) for rule, at in last_at.items()}
