"""Our own people and teams, as `teams.yaml` says; kept in step with it by `sync`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select, update

from inbox.errors import AboardError, NotFound
from inbox.store.database import Conn, upsert
from inbox.store.tables import people, team_members, teams
from routing.teams import Directory, Member, Team


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of ours who answers for threads."""

    id: int
    handle: str
    name: str
    address: str
    role: str
    active: bool
    zone: str = ""
    """Their time zone by `teams.yaml`, empty where it says none."""

    @property
    def leads(self) -> bool:
        """May they do what leads and admins may?"""
        return self.role in ("lead", "admin")

    @property
    def changes(self) -> bool:
        """May they change anything? A viewer reads."""
        return self.role != "viewer"


def _person(row: Any) -> Person:
    return Person(row.id, row.handle, row.name, row.address, row.role, row.active, row.zone or "")


def sync(conn: Conn, directory: Directory) -> None:
    """Write people, teams, members and duty holders as the file has them.

    Nobody is deleted: who is no longer in the file becomes inactive, because old threads and
    assignments name them. The caller re-homes the threads they answered for.
    """
    conn.execute(update(people).values(active=False))
    for person in directory.people:
        row = {
            "handle": person.handle,
            "name": person.name,
            "address": person.address,
            "role": person.role,
            "active": True,
            "zone": directory.zone_of(person) or None,
            "withheld": list(directory.withheld_from(person)),
        }
        upsert(conn, people, row, key=("handle",), set_=row)
    ids = {row.handle: row.id for row in conn.execute(select(people.c.handle, people.c.id))}
    conn.execute(update(teams).values(active=False))
    turns = {(row.team, row.person_id): row.given_at for row in conn.execute(select(team_members))}
    conn.execute(team_members.delete())
    for team in directory.teams:
        values = {"title": team.title, "duty_id": ids[team.duty], "active": True}
        upsert(conn, teams, {"name": team.name, **values}, key=("name",), set_=values)
        members = [
            {"team": team.name, "person_id": number, "given_at": turns.get((team.name, number))}
            for number in (ids[handle] for handle in team.members)
        ]
        conn.execute(team_members.insert(), members)


_BY_HANDLE = select(people).where(people.c.handle == bindparam("handle"))


def by_handle(conn: Conn, handle: str) -> Person:
    """One active person. Raises `NotFound`."""
    row = conn.execute(_BY_HANDLE, {"handle": handle}).first()
    if row is None or not row.active:
        raise NotFound(f"there is no person {handle!r} in teams.yaml")
    return _person(row)


def at_work(conn: Conn, handle: str) -> Person:
    """One active person who may change something. Raises `NotFound`, `AboardError` for a viewer."""
    person = by_handle(conn, handle)
    if not person.changes:
        raise AboardError(f"{person.name} is a viewer and only reads")
    return person


def by_id(conn: Conn, person_id: int) -> Person:
    """One person, active or not. Raises `NotFound`."""
    row = conn.execute(select(people).where(people.c.id == person_id)).first()
    if row is None:
        raise NotFound(f"there is no person with number {person_id}")
    return _person(row)


def everybody(conn: Conn) -> dict[int, Person]:
    """All people by number, inactive ones too."""
    return {row.id: _person(row) for row in conn.execute(select(people))}


_DUTY = (
    select(people)
    .join(teams, teams.c.duty_id == people.c.id)
    .where(teams.c.name == bindparam("team"))
)


def duty_holder(conn: Conn, team: str) -> Person:
    """Who answers for a team's unclaimed threads. Raises `NotFound` for a team not in the file."""
    row = conn.execute(_DUTY, {"team": team}).first()
    if row is None:
        raise NotFound(f"there is no team {team!r} in teams.yaml")
    return _person(row)


_MEMBERS = (
    select(people.c.handle)
    .join(team_members, team_members.c.person_id == people.c.id)
    .where(team_members.c.team == bindparam("team"), people.c.active.is_(True))
)


def members(conn: Conn, team: str) -> frozenset[str]:
    """The handles of a team's people."""
    return frozenset(conn.scalars(_MEMBERS, {"team": team}))


def every_team(conn: Conn) -> tuple[str, ...]:
    """Every team that there ever was: what was decided in the past may name one that is gone."""
    return tuple(conn.scalars(select(teams.c.name).order_by(teams.c.name)))


def team_names(conn: Conn) -> tuple[str, ...]:
    """The active teams, in the order of their names."""
    return tuple(
        conn.scalars(select(teams.c.name).where(teams.c.active.is_(True)).order_by(teams.c.name))
    )


def directory(conn: Conn) -> Directory:
    """The active people and teams as the tables have them, for when no file can say it."""
    persons = [one for one in everybody(conn).values() if one.active]
    handles = {one.id: one.handle for one in persons}
    members: dict[str, list[str]] = {}
    for row in conn.execute(select(team_members).order_by(team_members.c.person_id)):
        if row.person_id in handles:
            members.setdefault(row.team, []).append(handles[row.person_id])
    known = conn.execute(select(teams).where(teams.c.active.is_(True)).order_by(teams.c.name))
    return Directory(
        tuple(
            Member(one.handle, one.name, one.address, one.role, zone=one.zone) for one in persons
        ),
        tuple(
            Team(row.name, row.title, handles[row.duty_id], tuple(members.get(row.name, ())))
            for row in known
            if row.duty_id in handles
        ),
    )
