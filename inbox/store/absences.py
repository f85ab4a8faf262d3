"""When people of ours are away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select, update

from inbox.store.clock_tables import absences
from inbox.store.database import Conn, new_key
from inbox.store.tables import people


@dataclass(frozen=True, slots=True)
class Absence:
    """Somebody is away from an instant on, until another or until further notice."""

    id: int
    person_id: int
    from_at: datetime
    until_at: datetime | None
    note: str


def add(
    conn: Conn,
    person_id: int,
    from_at: datetime,
    until_at: datetime | None,
    note: str,
    now: datetime,
) -> int:
    """Note an absence; its number."""
    row = {"person_id": person_id, "from_at": from_at, "until_at": until_at, "note": note}
    return new_key(conn.execute(absences.insert(), row | {"created_at": now}))


def end(conn: Conn, person_id: int, now: datetime) -> int:
    """Somebody is back: what runs ends now, what is to come is left; how many ended."""
    running = and_(absences.c.person_id == person_id, _covers(now), absences.c.from_at < now)
    ended = conn.execute(update(absences).where(running).values(until_at=now)).rowcount
    # One that begins at this very instant would end before it began.
    just_begun = and_(absences.c.person_id == person_id, absences.c.from_at == now)
    return ended + conn.execute(absences.delete().where(just_begun)).rowcount


def _covers(now: datetime) -> ColumnElement[bool]:
    return and_(
        absences.c.from_at <= now, or_(absences.c.until_at.is_(None), absences.c.until_at > now)
    )


_AWAY = select(people.c.handle).join(absences, absences.c.person_id == people.c.id)


def away(conn: Conn, now: datetime) -> frozenset[str]:
    """The handles of everybody who is away at `now`."""
    return frozenset(conn.scalars(_AWAY.where(_covers(now))))


def changes_between(conn: Conn, after: datetime, until: datetime) -> bool:
    """Did anybody leave or come back after the one instant and up to the other?"""
    begun = and_(absences.c.from_at > after, absences.c.from_at <= until)
    ended = and_(absences.c.until_at > after, absences.c.until_at <= until)
    return bool(conn.scalar(select(func.count()).select_from(absences).where(or_(begun, ended))))


_COMING = (
    select(absences)
    .where(or_(absences.c.until_at.is_(None), absences.c.until_at > bindparam("now")))
    .order_by(absences.c.from_at, absences.c.id)
)


def listing(conn: Conn, now: datetime) -> tuple[Absence, ...]:
    """Absences that run or are to come, the nearest first."""
    return tuple(
        Absence(row.id, row.person_id, row.from_at, row.until_at, row.note)
        for row in conn.execute(_COMING, {"now": now})
    )
