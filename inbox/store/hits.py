"""Which rules acted on which messages: for run policies, coverage and hit counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, case, exists, func, select

from inbox.store.database import Conn
from inbox.store.tables import assignments, rule_hits

_OF_THREAD = select(rule_hits.c.rule, rule_hits.c.at, rule_hits.c.message_id).where(
    rule_hits.c.thread_id == bindparam("thread_id")
)
_OF_THREADS = select(rule_hits.c.thread_id, rule_hits.c.rule, rule_hits.c.at).where(
    rule_hits.c.thread_id.in_(bindparam("thread_ids", expanding=True))
)
_BEFORE = _OF_THREAD.where(rule_hits.c.message_id < bindparam("message_id"))


def nearest(ran: Iterable[tuple[str, datetime]], at: datetime) -> dict[str, datetime]:
    """rule -> the instant nearest to `at` of those at which it acted.

    Mail may be filed in another order than that in which it came, so the last hit may lie after
    the mail that is asked about; the nearest one is what a cool-down is about.
    """
    found: dict[str, datetime] = {}
    for rule, when in ran:
        known = found.get(rule)
        if known is None or abs(when - at) < abs(known - at):
            found[rule] = when
    return found


def of_threads(conn: Conn, thread_ids: Iterable[int]) -> dict[int, list[tuple[str, datetime]]]:
    """thread -> each rule that acted on it, and when, by the time of the mails; all are there."""
    found: dict[int, list[tuple[str, datetime]]] = {one: [] for one in thread_ids}
    if found:
        for row in conn.execute(_OF_THREADS, {"thread_ids": list(found)}):
            found[row.thread_id].append((row.rule, row.at))
    return found


def ran_before(conn: Conn, thread_id: int, message_id: int, at: datetime) -> dict[str, datetime]:
    """rule -> when it acted on this thread, nearest to `at`, of what was filed before a message."""
    rows = conn.execute(_BEFORE, {"thread_id": thread_id, "message_id": message_id})
    return nearest(((row.rule, row.at) for row in rows), at)


@dataclass(frozen=True, slots=True)
class RuleHits:
    """What one rule did."""

    hits: int
    """Messages that it acted on, in the window."""
    decided: int
    """Threads that it gave their team, in the window."""
    overridden: int
    """Those of them that a person gave to another team later, and did not take back."""
    last_hit_at: datetime | None


def add(
    conn: Conn, rules: Iterable[str], decided: str, where: tuple[int, int], at: datetime
) -> None:
    """Rules acted on (thread, message) at an instant; `decided` is the one that named the team."""
    rows = [
        {"rule": rule, "thread_id": where[0], "message_id": where[1], "at": at}
        | {"decided": rule == decided}
        for rule in rules
    ]
    if rows:
        conn.execute(rule_hits.insert(), rows)


TAKES_BACK = "takes_back"
"""In a stored decision: the number of the assignment that it takes back."""

_MADE = assignments.alias("made")
_LATER = assignments.alias("later")
_BACK = assignments.alias("back")


def takes_back(table: Any) -> Any:
    """Over `assignments` or an alias: the number of the one that it takes back, or null."""
    return table.c.decision[TAKES_BACK].as_integer()


_TAKEN_BACK = exists().where(
    _BACK.c.thread_id == _LATER.c.thread_id,
    _BACK.c.id > _LATER.c.id,
    takes_back(_BACK) == _LATER.c.id,
)
_OVERRIDDEN = exists().where(
    _MADE.c.message_id == rule_hits.c.message_id,
    _MADE.c.rule == rule_hits.c.rule,
    _LATER.c.thread_id == _MADE.c.thread_id,
    _LATER.c.decided_by == "person",
    _LATER.c.id > _MADE.c.id,
    _LATER.c.team != _MADE.c.team,
    takes_back(_LATER).is_(None),
    ~_TAKEN_BACK,
)


def by_rule(conn: Conn, since: datetime) -> dict[str, RuleHits]:
    """rule -> what it did since then, and when it last acted at all; by the time of the mails."""
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
