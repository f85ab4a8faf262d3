"""Reports as facts: one row a fact, with its thread, so that every number opens its threads.

A fact belongs to a group (team, person, account or stage) and to a part (`in time`, `late`, ...).
The table of a report counts facts, its threads are the distinct ones of a cell, its CSV is the
facts themselves. What a seer may not see is part of no number.
"""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    literal_column,
    not_,
    select,
    union_all,
)

from inbox.cells import cell
from inbox.clock import iso
from inbox.errors import NotFound
from inbox.store.clock_tables import targets
from inbox.store.database import Conn, portions
from inbox.store.finding import Eyes
from inbox.store.hits import takes_back
from inbox.store.seers import threads_seen
from inbox.store.tables import accounts, assignments, messages, people, threads

BY = {"team": "Team", "person": "Person", "account": "Account", "stage": "Stage"}
DAYS = {7: "7 days", 30: "30 days", 90: "90 days", 365: "A year"}
MOST_GROUPS = 60
"""Groups of one table, the largest first; the CSV has all."""
AGES = (
    ("under a day", timedelta(days=1)),
    ("1 to 3 days", timedelta(days=3)),
    ("3 to 7 days", timedelta(days=7)),
    ("1 to 4 weeks", timedelta(days=28)),
    ("over 4 weeks", None),
)


@dataclass(frozen=True, slots=True)
class Report:
    """What a report is about."""

    name: str
    title: str
    about: str
    parts: tuple[str, ...]
    """In the order in which they are shown; empty: as they are found."""
    good: str = ""
    """The part whose share is what the report is about, where there is one."""
    undecided: str = ""
    """The part of which nobody can say yet whether it is good; no share counts it."""
    dated: bool = True
    """Does it go over a period? Else it is about now."""
    sums: bool = True
    """Are the parts of one whole? A thread that is opened is counted beside its mail."""


REPORTS = {
    one.name: one
    for one in (
        Report(
            "volume",
            "Volume",
            "Mails that people wrote to us, and threads that they opened.",
            ("mails", "new threads"),
            sums=False,
        ),
        Report(
            "first-response",
            "First response",
            "How soon the first mail of a thread was answered, counted by the day it came.",
            ("in time", "late", "not yet"),
            "in time",
            "not yet",
        ),
        Report(
            "attainment",
            "Promises kept",
            "Every promise of sla.yaml that ended or was broken.",
            ("kept", "broken"),
            "kept",
        ),
        Report(
            "routing",
            "Who routed",
            "What decided the team of the threads that were opened.",
            ("rule", "classifier", "person", "fallback"),
            "rule",
        ),
        Report(
            "reassignments",
            "Reassignments",
            "How often the threads that were opened went to another team.",
            ("never", "once", "more often"),
            "never",
        ),
        Report(
            "backlog",
            "Age of the backlog",
            "How long ago the threads were opened that are not closed.",
            tuple(name for name, _ in AGES),
            AGES[0][0],
            dated=False,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Asking:
    """Which report, over what, for whom."""

    name: str
    by: str
    since: datetime
    until: datetime
    eyes: Eyes
    key: str | None = None
    """Only this group."""
    part: str | None = None
    """Only this part."""


def named(name: str) -> Report:
    """A report. Raises `NotFound`."""
    found = REPORTS.get(name)
    if found is None:
        raise NotFound(f"there is no report {name!r}; there are {', '.join(REPORTS)}")
    return found


def _key(by: str) -> ColumnElement[str]:
    return {
        "team": threads.c.team,
        "person": people.c.handle,
        "account": cast(accounts.c.id, Text),  # several may be called the same
        "stage": func.coalesce(accounts.c.stage, "no stage"),
    }[by]


def _facts(asking: Asking) -> Any:
    """A table of facts: thread_id, key, part, at, seconds_from, seconds_to."""
    parts: dict[str, Any] = {
        "volume": _volume,
        "first-response": _first_response,
        "attainment": _attainment,
        "routing": _routing,
        "reassignments": _reassignments,
        "backlog": _backlog,
    }
    made = parts[named(asking.name).name](asking)
    facts = made.subquery("facts")
    wanted = select(facts)
    if asking.key is not None:
        wanted = wanted.where(facts.c.key == asking.key)
    if asking.part is not None:
        wanted = wanted.where(facts.c.part == asking.part)
    return wanted.subquery("wanted")


def _of_threads(asking: Asking, part: Any, at: Any, *more: Any) -> Select[Any]:
    """Facts over threads, with their account and who answers for them."""
    none: Any = literal_column("NULL")
    from_at, to_at = more or (none, none)
    return (
        select(
            threads.c.id.label("thread_id"),
            _key(asking.by).label("key"),
            part.label("part"),
            at.label("at"),
            from_at.label("from_at"),
            to_at.label("to_at"),
        )
        .select_from(threads)
        .join(accounts, accounts.c.id == threads.c.account_id)
        .join(people, people.c.id == threads.c.accountable_id)
        .where(threads.c.merged_into_id.is_(None), accounts.c.kind == "customer")
        .where(threads_seen(asking.eyes.seer))
    )


def _within(column: Any, asking: Asking) -> Any:
    return and_(column >= asking.since, column < asking.until)


def _volume(asking: Asking) -> Any:
    mails = _of_threads(asking, literal("mails"), messages.c.received_at)
    mails = mails.join(messages, messages.c.thread_id == threads.c.id)
    mails = mails.where(messages.c.direction == "in", messages.c.automatic.in_(("none", "list")))
    opened = _of_threads(asking, literal("new threads"), threads.c.opened_at)
    return union_all(
        mails.where(_within(messages.c.received_at, asking)),
        opened.where(_within(threads.c.opened_at, asking)),
    )


def _first_response(asking: Asking) -> Any:
    late = targets.c.breached_at.is_not(None)
    part = case((late, "late"), (targets.c.state == "met", "in time"), else_="not yet")
    facts = _of_threads(
        asking, part, targets.c.opened_at, targets.c.opened_at, targets.c.settled_at
    )
    facts = facts.join(targets, targets.c.thread_id == threads.c.id)
    wanted = and_(targets.c.metric == "first_response", targets.c.state != "stopped")
    return facts.where(wanted, _within(targets.c.opened_at, asking))


def _attainment(asking: Asking) -> Any:
    part = case((targets.c.breached_at.is_not(None), "broken"), else_="kept")
    ended = func.coalesce(targets.c.breached_at, targets.c.settled_at)
    facts = _of_threads(asking, part, ended)
    facts = facts.join(targets, targets.c.thread_id == threads.c.id)
    counts = (targets.c.state == "met") | targets.c.breached_at.is_not(None)
    return facts.where(counts, _within(ended, asking))


def _routing(asking: Asking) -> Any:
    facts = _of_threads(asking, threads.c.decided_by, threads.c.opened_at)
    return facts.where(_within(threads.c.opened_at, asking))


def _reassignments(asking: Asking) -> Any:
    moved = _moves(asking)
    moves = func.coalesce(moved.c.moves, 0)
    part = case((moves == 0, "never"), (moves == 1, "once"), else_="more often")
    facts = _of_threads(asking, part, threads.c.opened_at)
    facts = facts.outerjoin(moved, moved.c.thread_id == threads.c.id)
    return facts.where(_within(threads.c.opened_at, asking))


def _moves(asking: Asking) -> Any:
    """thread -> how often it went to another team; what was taken back was no move."""
    back = assignments.alias("back")
    taken_back = exists().where(
        back.c.thread_id == assignments.c.thread_id,
        back.c.id > assignments.c.id,
        _takes_back(back) == assignments.c.id,
    )
    before = func.lag(assignments.c.team).over(
        partition_by=assignments.c.thread_id, order_by=assignments.c.id
    )
    steps = (
        select(assignments.c.thread_id, assignments.c.team, before.label("before"))
        .join(threads, threads.c.id == assignments.c.thread_id)
        .where(_within(threads.c.opened_at, asking))
        .where(_takes_back(assignments).is_(None), not_(taken_back))
        .subquery("steps")
    )
    return (
        select(steps.c.thread_id, func.count().label("moves"))
        .where(steps.c.before != steps.c.team)
        .group_by(steps.c.thread_id)
        .subquery("moved")
    )


def _takes_back(table: Any) -> Any:
    """Only people take back: the decisions of rules, which are long, need not be read."""
    return case((table.c.decided_by == "person", takes_back(table)))


def _backlog(asking: Asking) -> Any:
    now = asking.eyes.now
    steps = [(threads.c.opened_at > now - most, name) for name, most in AGES if most is not None]
    part = case(*steps, else_=AGES[-1][0])
    return _of_threads(asking, part, threads.c.opened_at).where(threads.c.status != "closed")


@dataclass(frozen=True, slots=True)
class Cell:
    """How many facts of a group are of a part."""

    key: str
    part: str
    count: int


def cells(conn: Conn, asking: Asking) -> tuple[Cell, ...]:
    """The table of a report."""
    facts = _facts(asking)
    found = conn.execute(
        select(facts.c.key, facts.c.part, func.count()).group_by(facts.c.key, facts.c.part)
    )
    return tuple(Cell(str(row[0]), str(row[1]), int(row[2])) for row in found)


def days(conn: Conn, asking: Asking) -> dict[tuple[str, str], int]:
    """(day, part) -> how many; days are ISO dates in UTC."""
    facts = _facts(asking)
    if conn.dialect.name == "sqlite":
        day = func.substr(facts.c.at, 1, 10)
    else:
        day = func.to_char(func.timezone("UTC", facts.c.at), "YYYY-MM-DD")
    found = conn.execute(select(day, facts.c.part, func.count()).group_by(day, facts.c.part))
    return {(str(row[0]), str(row[1])): int(row[2]) for row in found}


def lengths(conn: Conn, asking: Asking) -> dict[str, list[float]]:
    """group -> seconds from the beginning to the end of each of its facts that ended, sorted."""
    facts = _facts(asking)
    wanted = select(facts.c.key, facts.c.from_at, facts.c.to_at).where(facts.c.to_at.is_not(None))
    found: dict[str, list[float]] = {}
    for row in conn.execute(wanted):
        found.setdefault(str(row.key), []).append((row.to_at - row.from_at).total_seconds())
    for listed in found.values():
        listed.sort()
    return found


def account_names(conn: Conn, keys: Collection[str]) -> dict[str, str]:
    """The names of accounts, by their numbers as keys have them; with the number where two of them
    are called the same."""
    found: dict[str, str] = {}
    for some in portions(int(one) for one in keys if one.isascii() and one.isdigit()):
        for row in conn.execute(
            select(accounts.c.id, accounts.c.name).where(accounts.c.id.in_(some))
        ):
            found[str(row.id)] = row.name
    often = Counter(found.values())
    return {key: f"{name} · {key}" if often[name] > 1 else name for key, name in found.items()}


def percentile(ordered: list[float], share: float) -> float:
    """The value below which so much lies (nearest rank)."""
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def in_cell(asking: Asking) -> ColumnElement[bool]:
    """Over `threads`: those of the facts that are asked for."""
    facts = _facts(asking)
    return threads.c.id.in_(select(facts.c.thread_id))


COLUMNS = ("thread", "subject", "account", "team", "person", "stage", "part", "at")


def rows(conn: Conn, asking: Asking) -> Iterator[tuple[Any, ...]]:
    """Every fact, oldest first, as the CSV has it: `COLUMNS`."""
    facts = _facts(asking)
    wanted = (
        select(
            threads.c.id,
            threads.c.subject,
            accounts.c.name,
            threads.c.team,
            people.c.handle,
            func.coalesce(accounts.c.stage, ""),
            facts.c.part,
            facts.c.at,
        )
        .select_from(facts)
        .join(threads, threads.c.id == facts.c.thread_id)
        .join(accounts, accounts.c.id == threads.c.account_id)
        .join(people, people.c.id == threads.c.accountable_id)
        .order_by(facts.c.at, threads.c.id)
    )
    for row in conn.execute(wanted):
        yield tuple(row)


def csv_lines(facts: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Facts as CSV (RFC 4180) with a line of `COLUMNS`; no cell begins like a formula."""
    for row in chain([COLUMNS], facts):
        out = io.StringIO()
        csv.writer(out, lineterminator="\r\n").writerow([_cell(one) for one in row])
        yield out.getvalue()


def _cell(value: Any) -> Any:
    """A value as a spreadsheet shows it, and never runs it."""
    if isinstance(value, datetime):
        return iso(value)
    return cell(value)
