"""What people have to do: threads they own, and the turns in which threads were given out."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import bindparam, func, select, update

from inbox.store.database import Conn, for_update
from inbox.store.seers import ALL, Seer, threads_seen
from inbox.store.tables import people, team_members, teams, threads
from routing.ownership import Workload

_OWNED = (
    select(people.c.handle, func.count())
    .join(threads, threads.c.accountable_id == people.c.id)
    .where(threads.c.status != "closed")  # the words of the partial index
    .where(threads.c.status.in_(("open", "waiting")))
    .where(threads.c.claimed_at.is_not(None))
    .where(threads.c.merged_into_id.is_(None))
    .group_by(people.c.handle)
)


def owned(conn: Conn, seer: Seer | None = ALL) -> dict[str, int]:
    """handle -> open and waiting threads that this person owns, of those that are seen; who owns
    none is not in it."""
    statement = _OWNED if seer is ALL else _OWNED.where(threads_seen(seer))
    return {row[0]: row[1] for row in conn.execute(statement)}


_TURNS = (
    select(team_members.c.team, people.c.handle, team_members.c.given_at)
    .join(people, people.c.id == team_members.c.person_id)
    .where(team_members.c.team.in_(bindparam("teams", expanding=True)))
)
_TEAMS = (
    select(teams.c.name)
    .where(teams.c.name.in_(bindparam("teams", expanding=True)))
    .order_by(teams.c.name)
)


def take_turns(conn: Conn, team_names: Collection[str]) -> dict[str, dict[str, Workload]]:
    """team -> handle -> workload. The teams are locked until the transaction ends, so that two
    workers do not give two threads to the person whose turn it is once."""
    listed = sorted(team_names)
    conn.execute(for_update(conn, _TEAMS), {"teams": listed}).all()
    counts = owned(conn)
    found: dict[str, dict[str, Workload]] = {name: {} for name in listed}
    for row in conn.execute(_TURNS, {"teams": listed}):
        found[row.team][row.handle] = Workload(counts.get(row.handle, 0), row.given_at)
    return found


_GIVEN = (
    update(team_members)
    .where(team_members.c.team == bindparam("the_team"))
    .where(team_members.c.person_id == bindparam("the_person"))
    .values(given_at=bindparam("moment"))
)


def given(conn: Conn, team: str, person_id: int, at: datetime) -> None:
    """Note that somebody was given a thread of the team just now."""
    conn.execute(_GIVEN, {"the_team": team, "the_person": person_id, "moment": at})
