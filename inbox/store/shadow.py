"""Where rules in shadow mode would have decided otherwise; the tables of it, and its counts.

Only differences are kept: what both rulesets agree on is known from the assignments. Of rules with
a run policy it is also kept when they would have run, for that decides whether they may again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ForeignKey, Index, String, Table, bindparam, func, select

from inbox.store.columns import Key, UtcDateTime
from inbox.store.database import Conn
from inbox.store.tables import assignments, messages, metadata, rule_hits

shadow_results = Table(
    "shadow_results",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("shadow", String(64), nullable=False),  # hash of the rules in shadow mode
    Column("ruleset", String(64), nullable=False),  # hash of the rules that decided
    Column("thread_id", Key, ForeignKey("threads.id"), nullable=False, index=True),
    Column("message_id", Key, ForeignKey("messages.id"), nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("live_team", String(40), nullable=False),
    Column("shadow_team", String(40), nullable=False),
    Column("live_rule", String(120)),
    Column("shadow_rule", String(120)),
    Index("ix_shadow_results_shadow_at", "shadow", "at"),
)


# Its thread is that of its message, which moves when threads are joined.
shadow_hits = Table(
    "shadow_hits",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=True),
    Column("message_id", Key, ForeignKey("messages.id"), nullable=False, index=True),
    Column("shadow", String(64), nullable=False),
    Column("rule", String(120), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

TABLES = (shadow_results, shadow_hits)

_RAN = (
    select(shadow_hits.c.rule, shadow_hits.c.at)
    .join(messages, messages.c.id == shadow_hits.c.message_id)
    .where(messages.c.thread_id == bindparam("thread_id"))
    .where(shadow_hits.c.shadow == bindparam("shadow"))
)


def ran(conn: Conn, thread_id: int, shadow_hash: str) -> tuple[tuple[str, datetime], ...]:
    """(rule, when it would have acted on this thread), of rules with a run policy."""
    found = conn.execute(_RAN, {"thread_id": thread_id, "shadow": shadow_hash})
    return tuple((row.rule, row.at) for row in found)


_RAN_LIVE = (
    select(rule_hits.c.rule, rule_hits.c.at)
    .join(assignments, assignments.c.message_id == rule_hits.c.message_id)
    .where(rule_hits.c.thread_id == bindparam("thread_id"))
    .where(assignments.c.at < bindparam("until"))
)


def ran_live(conn: Conn, thread_id: int, until: datetime) -> tuple[tuple[str, datetime], ...]:
    """(rule, when it acted on this thread), of the live rules and of mail filed before `until`."""
    found = conn.execute(_RAN_LIVE, {"thread_id": thread_id, "until": until})
    return tuple((row.rule, row.at) for row in found)


@dataclass(frozen=True, slots=True)
class Difference:
    """Messages that the live rules sent to one team and the shadow rules to another."""

    live_team: str
    shadow_team: str
    live_rule: str | None
    shadow_rule: str | None
    count: int
    last_at: datetime
    last_message_id: int


def differences(conn: Conn, shadow_hash: str) -> tuple[Difference, ...]:
    """What this shadow set would have decided otherwise, the most frequent first."""
    one = shadow_results.c
    grouped = (one.live_team, one.shadow_team, one.live_rule, one.shadow_rule)
    count = func.count().label("count")
    found = conn.execute(
        select(*grouped, count, func.max(one.at), func.max(one.message_id))
        .where(one.shadow == shadow_hash)
        .group_by(*grouped)
        .order_by(count.desc(), *grouped)
    )
    return tuple(Difference(*row) for row in found)


def compared(conn: Conn, since: datetime) -> int:
    """How many decisions about mail were made since then, and so compared."""
    found = conn.scalar(
        select(func.count())
        .select_from(assignments)
        .where(assignments.c.message_id.is_not(None), assignments.c.at >= since)
    )
    return int(found or 0)
