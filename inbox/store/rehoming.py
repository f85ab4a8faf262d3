"""Threads that need somebody else to answer for them, found and moved in bulk."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ColumnElement, and_, cast, insert, literal, null, select, update

from inbox.store.columns import Key, UtcDateTime
from inbox.store.database import Conn, for_update
from inbox.store.tables import account_owners, accounts, events, people, teams, threads


@dataclass(frozen=True, slots=True)
class Pile:
    """Threads of one team that one person answers for, and whether they own them."""

    team: str
    team_active: bool
    person_id: int
    handle: str
    person_active: bool
    owned: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """A thread that somebody else answers for now."""

    thread_id: int
    event_id: int
    was_owned: bool


_LIVING = and_(threads.c.status != "closed", threads.c.merged_into_id.is_(None))
_OWNS_ACCOUNT = (
    select(account_owners.c.person_id)
    .where(account_owners.c.account_id == threads.c.account_id)
    .where(account_owners.c.team == threads.c.team)
    .where(account_owners.c.person_id == threads.c.accountable_id)
    .exists()
)


def piles(conn: Conn) -> tuple[Pile, ...]:
    """Everything that is not closed, by team, person and whether it is owned. Threads that wait
    for the team with the account's owner count as owned."""
    owned = (threads.c.claimed_at.is_not(None) | _OWNS_ACCOUNT).label("owned")
    wanted = (
        select(
            threads.c.team,
            teams.c.active.label("team_active"),
            threads.c.accountable_id,
            people.c.handle,
            people.c.active.label("person_active"),
            owned,
        )
        .join(people, people.c.id == threads.c.accountable_id)
        .join(teams, teams.c.name == threads.c.team)
        .where(_LIVING)
        .distinct()
    )
    return tuple(
        Pile(row[0], bool(row[1]), row[2], row[3], bool(row[4]), bool(row[5]))
        for row in conn.execute(wanted)
    )


def _of(pile: Pile) -> ColumnElement[bool]:
    owned = threads.c.claimed_at.is_not(None) | _OWNS_ACCOUNT
    return and_(
        _LIVING,
        threads.c.team == pile.team,
        threads.c.accountable_id == pile.person_id,
        owned if pile.owned else ~owned,
    )


def hold_accounts(conn: Conn, handles: Collection[str], team_names: Collection[str]) -> None:
    """Hold the accounts of all that is owned by others than these people, or is of other teams."""
    gone = list(conn.scalars(select(people.c.id).where(people.c.handle.not_in(handles))))
    ended = list(conn.scalars(select(teams.c.name).where(teams.c.name.not_in(team_names))))
    if not gone and not ended:
        return
    theirs = threads.c.accountable_id.in_(gone) | threads.c.team.in_(ended)
    wanted = select(threads.c.account_id).where(_LIVING, threads.c.claimed_at.is_not(None), theirs)
    held = select(accounts.c.id).where(accounts.c.id.in_(wanted)).order_by(accounts.c.id)
    conn.execute(for_update(conn, held)).all()


def move(
    conn: Conn, pile: Pile, team: str, person_id: int, event: Any, now: datetime
) -> tuple[Moved, ...]:
    """Give a pile to another person (and team); an event on each thread.

    `event` is (kind, data). What was owned is no longer: it waits for somebody of the team.
    """
    # Locked before they are read: another node at the same work finds them moved, and says nothing.
    mine = select(threads.c.id).where(_of(pile)).order_by(threads.c.id)
    conn.execute(for_update(conn, mine))
    kind, data = event
    happened = select(
        threads.c.account_id,
        threads.c.id,
        cast(null(), Key),
        literal(now, UtcDateTime()),
        literal(kind),
        literal("aboard"),
        literal(data, JSON()),
    ).where(_of(pile))
    columns = ["account_id", "thread_id", "message_id", "at", "kind", "actor", "data"]
    said = insert(events).from_select(columns, happened)
    made = conn.execute(said.returning(events.c.thread_id, events.c.id)).all()
    conn.execute(
        update(threads)
        .where(_of(pile))
        .values(team=team, accountable_id=person_id, claimed_at=None, version=threads.c.version + 1)
    )
    return tuple(Moved(row[0], row[1], pile.owned) for row in sorted(made))


def any_unanswerable(conn: Conn) -> bool:
    """Is anything that is not closed with somebody who has left, or a team that is gone? Reads the
    few index entries of those."""
    gone = select(people.c.id).where(people.c.active.is_(False))
    ended = select(teams.c.name).where(teams.c.active.is_(False))
    found = select(threads.c.id).where(_LIVING).limit(1)
    by_person = conn.scalar(found.where(threads.c.accountable_id.in_(gone)))
    return by_person is not None or conn.scalar(found.where(threads.c.team.in_(ended))) is not None


def unanswerable(conn: Conn, limit: int = 100) -> tuple[tuple[int, str, str, bool], ...]:
    """(thread, handle, team, is the team gone) of what is not closed and is answered for by
    somebody who has left, or belongs to a team that is gone; for the audit."""
    wanted = (
        select(threads.c.id, people.c.handle, threads.c.team, teams.c.active)
        .join(people, people.c.id == threads.c.accountable_id)
        .join(teams, teams.c.name == threads.c.team)
        .where(_LIVING)
        .where(people.c.active.is_(False) | teams.c.active.is_(False))
        .order_by(threads.c.id)
        .limit(limit)
    )
    return tuple((row[0], row[1], row[2], not row[3]) for row in conn.execute(wanted))


def duty_holders_gone(conn: Conn) -> tuple[str, ...]:
    """Active teams whose duty holder has left; for the audit."""
    wanted = (
        select(teams.c.name)
        .join(people, people.c.id == teams.c.duty_id)
        .where(teams.c.active.is_(True), people.c.active.is_(False))
    )
    return tuple(conn.scalars(wanted.order_by(teams.c.name)))
