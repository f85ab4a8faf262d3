"""Sessions: who is signed in, from where, and until when. Cookies are stored as hashes only."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, select, update

from inbox.store.access_tables import sessions
from inbox.store.database import Conn, new_key
from inbox.store.people import Person
from inbox.store.seers import Seer
from inbox.store.tables import people, team_members


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody's browser that is signed in."""

    id: int
    person_id: int
    how: str
    """By `password`, by one-time `token`, or with one click in the `demo`."""
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str
    agent: str


@dataclass(frozen=True, slots=True)
class New:
    """A session to be begun."""

    person_id: int
    digest: str
    how: str
    address: str
    agent: str
    expires_at: datetime


_SESSION = tuple(sessions.c[name] for name in Session.__slots__)
_FOUND = (
    select(
        *_SESSION,
        people.c.handle,
        people.c.name,
        people.c.address.label("mail_address"),
        people.c.role,
        people.c.zone,
        people.c.withheld,
        team_members.c.team,
    )
    .join(people, people.c.id == sessions.c.person_id)
    .outerjoin(team_members, team_members.c.person_id == people.c.id)
    .where(sessions.c.hash == bindparam("digest"), sessions.c.ended_at.is_(None))
    .where(sessions.c.expires_at > bindparam("now"), sessions.c.seen_at > bindparam("idle_since"))
    .where(people.c.active)
)


def begin(conn: Conn, new: New, now: datetime) -> int:
    """Note a session; its number."""
    row = {
        "person_id": new.person_id,
        "hash": new.digest,
        "how": new.how,
        "created_at": now,
        "seen_at": now,
        "expires_at": new.expires_at,
        "address": new.address[:64],
        "agent": new.agent[:200],
    }
    return new_key(conn.execute(sessions.insert(), row))


def by_digest(
    conn: Conn, digest: str, now: datetime, idle: timedelta
) -> tuple[Session, Person, Seer] | None:
    """The session behind a cookie, whose it is, and what they see; None where it does not count
    (any more), or where the person is no longer in teams.yaml. One statement."""
    asked = {"digest": digest, "now": now, "idle_since": now - idle}
    rows = conn.execute(_FOUND, asked).all()
    if not rows:
        return None
    row = rows[0]
    session = Session(*(getattr(row, name) for name in Session.__slots__))
    known = (row.person_id, row.handle, row.name, row.mail_address, row.role)
    person = Person(*known, active=True, zone=row.zone or "")
    teams = frozenset(one.team for one in rows if one.team is not None)
    withheld = frozenset(row.withheld or ())
    return session, person, Seer(person.id, person.handle, person.role, teams, withheld)


def seers(
    conn: Conn, session_ids: Collection[int], now: datetime, idle: timedelta
) -> dict[int, Seer]:
    """session -> through whose eyes it looks now, of those of these sessions that still count."""
    rows = conn.execute(
        select(sessions.c.id, people.c.id.label("person_id"), people.c.handle, people.c.role)
        .add_columns(people.c.withheld, team_members.c.team)
        .join(people, people.c.id == sessions.c.person_id)
        .outerjoin(team_members, team_members.c.person_id == people.c.id)
        .where(sessions.c.id.in_(sorted(session_ids)), sessions.c.ended_at.is_(None))
        .where(sessions.c.expires_at > now, sessions.c.seen_at > now - idle, people.c.active)
    ).all()
    found: dict[int, Seer] = {}
    for row in rows:
        before = found.get(row.id)
        teams = (before.teams if before else frozenset()) | ({row.team} if row.team else set())
        withheld = frozenset(row.withheld or ())
        found[row.id] = Seer(row.person_id, row.handle, row.role, teams, withheld)
    return found


def seen(conn: Conn, session_id: int, now: datetime) -> None:
    """Note that a session was used."""
    conn.execute(update(sessions).where(sessions.c.id == session_id).values(seen_at=now))


def of_person(conn: Conn, person_id: int, now: datetime, idle: timedelta) -> tuple[Session, ...]:
    """The sessions of somebody that still count, the one used last first."""
    found = conn.execute(
        select(*_SESSION)
        .where(sessions.c.person_id == person_id, sessions.c.ended_at.is_(None))
        .where(sessions.c.expires_at > now, sessions.c.seen_at > now - idle)
        .order_by(sessions.c.seen_at.desc(), sessions.c.id.desc())
    )
    return tuple(Session(**row._mapping) for row in found)


def counts(conn: Conn, now: datetime, idle: timedelta) -> dict[int, int]:
    """person -> how many of their sessions still count."""
    found = conn.execute(
        select(sessions.c.person_id, func.count())
        .where(sessions.c.ended_at.is_(None))
        .where(sessions.c.expires_at > now, sessions.c.seen_at > now - idle)
        .group_by(sessions.c.person_id)
    )
    return {row[0]: row[1] for row in found}


def end(
    conn: Conn,
    person_id: int,
    now: datetime,
    *,
    only: int | None = None,
    but: int | None = None,
) -> int:
    """End a person's sessions: the one with the number `only`, or all, but for `but`. How many."""
    statement = update(sessions).where(
        sessions.c.person_id == person_id, sessions.c.ended_at.is_(None)
    )
    if only is not None:
        statement = statement.where(sessions.c.id == only)
    if but is not None:
        statement = statement.where(sessions.c.id != but)
    return conn.execute(statement.values(ended_at=now)).rowcount
