"""What the search language means in SQL: conditions over threads, and the mails that hold a text.

What a seer may not see is part of every condition here, so it is neither found nor counted. Words,
`from:` and `to:` are looked up in the full text first, whose answer is the newest `MOST` mails and
notes that hold them: no search costs more than looking at so many, however large the store is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Table, Text, and_, cast, false, func, not_, select, text, true

from inbox.store import search
from inbox.store.among import among
from inbox.store.asking import Asked, Term
from inbox.store.clock_tables import targets
from inbox.store.database import Conn
from inbox.store.search import Sought, words_of
from inbox.store.seers import Seer, attachments_seen, events_seen, threads_seen, whole_messages
from inbox.store.tables import (
    account_domains,
    accounts,
    attachments,
    events,
    messages,
    people,
    threads,
)
from inbox.store.view_tables import LIVE, UNCLAIMED

MOST = 2_000
"""Mails, and notes, that one search looks at: the newest that hold its words."""

PROBED = 200
"""The same for a search that only asks whether there is something."""

Cond = ColumnElement[bool]
Heard = dict[tuple[Sought, bool], tuple[int, tuple[int, ...]]]
"""What the full text said while one page was made: (words, in notes) -> how many numbers it was
asked for at most, and the newest ones."""
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Eyes:
    """Who looks, and when."""

    seer: Seer | None
    """None: a command, which sees everything and owns nothing."""
    now: datetime
    zone: tzinfo = UTC
    """In which their days begin."""


@dataclass(frozen=True, slots=True)
class Place:
    """A mail or a note that was found, newest first."""

    at: datetime
    message_id: int | None
    event_id: int | None
    thread_id: int


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that a search found, and whether there may be more that it did not look at."""

    places: tuple[Place, ...] = ()
    cut: bool = False
    threads: frozenset[int] = field(default=frozenset())


@dataclass(frozen=True, slots=True)
class Over:
    """What was asked as conditions over `threads`; all of them must hold."""

    conditions: tuple[Cond, ...]
    cut: bool
    """Do more mails or notes hold a word than were looked at? Then threads may be missing, or be
    there although an older mail holds what none may."""


def over_threads(conn: Conn, asked: Asked, eyes: Eyes) -> Over:
    """Conditions over `threads` for what was asked."""
    wanted = [threads.c.merged_into_id.is_(None), threads_seen(eyes.seer)]
    wanted += _plain(conn, asked, eyes)
    wanted += [_has_files(eyes, one.negated) for one in asked.of("has")]
    wanted += _overlap(asked)
    if asked.is_for_mails:
        found = mails(conn, asked, eyes)
        return Over((*wanted, among(conn, threads.c.id, found.threads)), found.cut)
    cut = False
    for sought, terms in _turned(asked):
        held = _mails(conn, Asked(terms), eyes, sought, [])
        wanted.append(not_(among(conn, threads.c.id, held.threads)))
        cut = cut or held.cut
    return Over(tuple(wanted), cut)


def _turned(asked: Asked) -> list[tuple[Sought, tuple[Term, ...]]]:
    """What no mail of a thread may hold, where nothing is asked that one must."""
    found: list[tuple[Sought, tuple[Term, ...]]] = []
    for one in asked.terms:
        if one.negated and one.name in ("text", "from", "to"):
            plain = Term(one.name, one.value, False, one.written)
            found.append((Sought((words_of(one.value),)), (plain,)))
    return found


def mails(
    conn: Conn, asked: Asked, eyes: Eyes, heard: Heard | None = None, most: int | None = None
) -> Found:
    """The mails and notes that hold what was asked, newest first. What the full text says is added
    to `heard`, and what it said of the same words is taken from there."""
    named = [one for one in asked.of("from", "to") if not one.negated]
    phrases = dict.fromkeys((*asked.phrases(), *(words_of(one.value) for one in named)))
    sought = Sought(tuple(phrases), asked.phrases(negated=True))
    reach = _Reach(most or MOST, {} if heard is None else heard)
    return _mails(conn, asked, eyes, sought, _plain(conn, asked, eyes), reach)


@dataclass(frozen=True, slots=True)
class _Reach:
    """How far back a search looks, and what the full text said already."""

    most: int = field(default_factory=lambda: MOST)
    heard: Heard = field(default_factory=dict)

    def newest(self, conn: Conn, sought: Sought, *, notes: bool = False) -> tuple[int, ...]:
        asked_for, known = self.heard.get((sought, notes), (0, ()))
        if asked_for < self.most:
            known = search.newest(conn, sought, self.most, notes=notes)
            self.heard[sought, notes] = (self.most, known)
        return known[: self.most]


def _mails(
    conn: Conn,
    asked: Asked,
    eyes: Eyes,
    sought: Sought,
    plain: Sequence[Cond],
    reach: _Reach | None = None,
) -> Found:
    reach = reach or _Reach()
    numbers = reach.newest(conn, sought)
    # Who wrote a note is not among its words.
    said = Sought(tuple(one for one in sought.phrases if one in asked.phrases()), sought.without)
    noted = reach.newest(conn, said, notes=True)
    over = [threads.c.merged_into_id.is_(None), threads_seen(eyes.seer), *plain]
    places = [
        *_of_messages(conn, asked, eyes, numbers, over),
        *_of_notes(conn, asked, eyes, noted, over),
    ]
    places.sort(key=lambda one: (one.at, one.message_id or 0, one.event_id or 0), reverse=True)
    cut = len(numbers) == reach.most or len(noted) == reach.most
    return Found(tuple(places), cut, frozenset(one.thread_id for one in places))


def _of_messages(
    conn: Conn, asked: Asked, eyes: Eyes, numbers: Sequence[int], over: Sequence[Cond]
) -> list[Place]:
    if not numbers:
        return []
    columns = [messages.c.id, messages.c.thread_id, messages.c.received_at]
    names = asked.of("from", "to")
    if asked.of("from"):
        columns += [messages.c.from_name, messages.c.from_address]
    if asked.of("to"):
        columns.append(messages.c.recipients)
    wanted = [among(conn, messages.c.id, numbers), whole_messages(eyes.seer)]
    wanted += _days(asked, messages.c.received_at)
    for one in asked.of("has"):
        there = select(attachments.c.id).where(attachments.c.message_id == messages.c.id)
        there = there.where(attachments.c.inline.is_(False)).correlate(messages)
        wanted.append(not_(there.exists()) if one.negated else there.exists())
    rows = conn.execute(select(*columns).where(*wanted, _in_a_thread(conn, messages, over)))
    sought = [(one.name, f" {words_of(one.value)} ", one.negated) for one in names]
    known: dict[tuple[str, str], str] = {}  # the same few people write and are written to
    return [
        Place(row.received_at, row.id, None, row.thread_id)
        for row in rows
        if all(_names(row, name, words, known) is not turned for name, words, turned in sought)
    ]


def _in_a_thread(conn: Conn, table: Table, over: Sequence[Cond]) -> Cond:
    """Is the thread of a mail or a note one of those? PostgreSQL would read all threads there are
    to join them with two thousand mails; behind an `OFFSET` it looks up the ones it needs."""
    its = select(threads.c.id).where(threads.c.id == table.c.thread_id, *over).correlate(table)
    return (its if conn.dialect.name == "sqlite" else its.offset(0)).exists()


def _names(row: Any, name: str, wanted: str, known: dict[tuple[str, str], str]) -> bool:
    """Does a mail come `from`, or go `to`, whom these words name? By whole words, as the index
    has them; `known` keeps the words of people."""
    if name == "from":
        listed = [(row.from_name, row.from_address)]
    else:
        listed = [(who, address) for one in row.recipients.values() for who, address in one]
    for one in listed:
        if one not in known:
            known[one] = f" {words_of(' '.join(one))} "
        if wanted in known[one]:
            return True
    return False


def _of_notes(
    conn: Conn, asked: Asked, eyes: Eyes, numbers: Sequence[int], over: Sequence[Cond]
) -> list[Place]:
    """Notes have an author of ours, go to nobody and carry no files."""
    if not numbers or any(not one.negated for one in asked.of("to", "has")):
        return []
    wanted = [among(conn, events.c.id, numbers), events_seen(eyes.seer)]
    wanted += _days(asked, events.c.at)
    for one in asked.of("from"):
        by = events.c.actor == f"person:{one.value.lower()}"
        wanted.append(not_(by) if one.negated else by)
    columns = (events.c.id, events.c.thread_id, events.c.at)
    rows = conn.execute(select(*columns).where(*wanted, _in_a_thread(conn, events, over)))
    return [Place(row.at, None, row.id, row.thread_id) for row in rows]


# --- Single terms ------------------------------------------------------------------------------


def _plain(conn: Conn, asked: Asked, eyes: Eyes) -> list[Cond]:
    """The terms that are conditions of a thread alone."""
    wanted: list[Cond] = []
    for one in asked.terms:
        made = _condition(conn, one, eyes)
        if made is not None:
            wanted.append(not_(made) if one.negated else made)
    return wanted


def _condition(conn: Conn, term: Term, eyes: Eyes) -> Cond | None:
    value = term.value
    if term.name == "is":
        return _state(value, eyes)
    if term.name == "team":
        mine = sorted(eyes.seer.teams) if eyes.seer else []
        return threads.c.team.in_(mine) if value == "mine" else threads.c.team == value
    if term.name == "owner":
        return _owner(value, eyes)
    if term.name == "priority":
        return threads.c.priority == value
    if term.name == "tag":
        return func.lower(cast(threads.c.tags, Text)).contains(
            f'"{value.lower()}"', autoescape=True
        )
    if term.name == "stage":
        with_stage = select(accounts.c.id).where(accounts.c.stage == value)
        return threads.c.account_id.in_(with_stage)
    if term.name == "broken":
        of_day = (targets.c.breached_at >= term.day(), targets.c.breached_at < term.day() + DAY)
        return threads.c.id.in_(select(targets.c.thread_id).where(*of_day))
    if term.name == "account":
        return among(conn, threads.c.account_id, _accounts(conn, value))
    return None


def _state(value: str, eyes: Eyes) -> Cond:
    if value == "live":
        return _said(LIVE)
    if value == "unclaimed":
        return _said(UNCLAIMED)
    if value == "at-risk":
        return and_(_said(LIVE), threads.c.at_risk.is_(true()))
    if value == "late":
        return and_(_said(LIVE), threads.c.due_at <= eyes.now)
    if value == "mine":
        claimed = and_(_said(LIVE), threads.c.claimed_at.is_not(None))
        return and_(claimed, _owner("me", eyes))
    return threads.c.status == value


def _said(condition: str) -> Cond:
    """A condition word for word as an index has it; see `view_tables`."""
    parts = condition.split(" AND ")
    return and_(true(), *(text(f"(threads.{part})") for part in parts))


def _owner(value: str, eyes: Eyes) -> Cond:
    if value == "me":
        return threads.c.accountable_id == eyes.seer.person_id if eyes.seer else false()
    named = select(people.c.id).where(people.c.handle == value).scalar_subquery()
    return threads.c.accountable_id == named


def _accounts(conn: Conn, value: str) -> set[int]:
    """Accounts by number, or whose name or one of whose domains holds these words, in any case and
    without accents, the same on both databases."""
    if value.isascii() and value.isdigit():
        return {int(value[:15])}
    wanted = f" {words_of(value)} "
    found = set[int]()
    named = select(accounts.c.id, accounts.c.name).where(accounts.c.merged_into_id.is_(None))
    owned = select(account_domains.c.account_id, account_domains.c.domain)
    for number, written in (*conn.execute(named), *conn.execute(owned)):
        if wanted in f" {words_of(written)} ":
            found.add(number)
    return found


def _days(asked: Asked, column: Any) -> list[Cond]:
    wanted: list[Cond] = []
    for one in asked.of("before", "after"):
        is_before = (one.name == "before") is not one.negated
        wanted.append(column < one.day() if is_before else column >= one.day())
    return wanted


def _overlap(asked: Asked) -> list[Cond]:
    """A thread is of the time from its first mail to its last."""
    wanted: list[Cond] = []
    for one in asked.of("before", "after"):
        if (one.name == "before") is not one.negated:
            wanted.append(threads.c.opened_at < one.day())
        else:
            wanted.append(threads.c.last_message_at >= one.day())
    return wanted


def _has_files(eyes: Eyes, negated: bool) -> Cond:
    there = (
        select(attachments.c.id)
        .join(messages, messages.c.id == attachments.c.message_id)
        .where(messages.c.thread_id == threads.c.id, attachments.c.inline.is_(False))
        .where(attachments_seen(eyes.seer))
        .correlate(threads)
    )
    return not_(there.exists()) if negated else there.exists()


def narrowest(conn: Conn, asked: Asked, eyes: Eyes, heard: Heard | None = None) -> Term | None:
    """The term without which something would be found, most among the newest `PROBED` mails: a
    condition where one will do, else a word or a name. None where leaving one out finds nothing."""
    heard = {} if heard is None else heard
    listed = asked.terms[:8]
    of_mails = [one for one in listed if one.name in ("text", "from", "to")]
    for some in ([one for one in listed if one not in of_mails], of_mails):
        best: tuple[int, Term] | None = None
        for one in some:
            number = _without(conn, asked, one, eyes, heard)
            if number and (best is None or number > best[0]):
                best = (number, one)
        if best:
            return best[1]
    return None


def _without(conn: Conn, asked: Asked, term: Term, eyes: Eyes, heard: Heard) -> int:
    rest = Asked(tuple(one for one in asked.terms if one is not term))
    if not rest.terms:
        return 0
    if rest.is_for_mails:
        return len(mails(conn, rest, eyes, heard, PROBED).threads)
    return how_many(conn, [rest], eyes)[0]


MOST_COUNTED = 1_000
"""Counting stops there: `999+`."""


def how_many(conn: Conn, listed: Sequence[Asked], eyes: Eyes) -> list[int]:
    """How many threads each query finds, at most `MOST_COUNTED`; one statement for all of them,
    and two more for each that looks into mails."""
    if not listed:
        return []
    columns = []
    for number, asked in enumerate(listed):
        over = over_threads(conn, asked, eyes).conditions
        few = select(threads.c.id).where(*over).limit(MOST_COUNTED)
        inner = few.subquery(f"few{number}")
        columns.append(select(func.count()).select_from(inner).scalar_subquery())
    row = conn.execute(select(*columns)).one()
    return [int(one) for one in row]
