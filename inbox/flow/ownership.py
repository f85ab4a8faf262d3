"""Who answers for threads: chosen as they come, and chosen again when somebody leaves or is away.

`routing.ownership` decides; here it is given what members have to do and who is away, and what it
says is put into force.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from inbox.errors import AboardError
from inbox.store import absences, handoffs, people, rehoming, workload
from inbox.store.database import Conn, Database
from inbox.store.rehoming import Pile
from routing.ownership import Choice, Need, Workload, answerable, choose
from routing.teams import Directory, Team

OWNER_CHANGED = "owner-changed"
"""Kind of the event that says who answers now, and why."""

SEARCH_EVERY = timedelta(minutes=1)
_TAKING_TURNS = frozenset({"round-robin", "fewest-open"})


class Owners:
    """Chooses owners within one transaction; every choice counts for the next one."""

    def __init__(
        self, conn: Conn, directory: Directory, person_ids: Mapping[str, int], now: datetime
    ) -> None:
        self._conn = conn
        self._directory = directory
        self._person_ids = person_ids
        self._now = now
        self._teams = {team.name: team for team in directory.teams}
        self._away: frozenset[str] | None = None
        self._loads: dict[str, dict[str, Workload]] | None = None
        self._given = 0

    @property
    def away(self) -> frozenset[str]:
        """The handles of everybody who is away now."""
        if self._away is None:
            self._away = absences.away(self._conn, self._now)
        return self._away

    def choose(self, team: str, wanted: Need, named: str = "") -> Choice:
        """Who answers for a thread that comes to the team; `named` is whom a rule asks for."""
        passed_over: tuple[str, ...] = ()
        if named in self._person_ids:
            if named not in self.away:
                return Choice(named, True, ("named by the rule",))
            passed_over = (f"{named} is named by the rule and is away",)
        found = self._teams[team]
        loads = self._workloads(found)
        choice = choose(self._directory, found, wanted, loads, self.away)
        if choice.owned:
            self._count(found, choice.handle)
        return Choice(choice.handle, choice.owned, (*passed_over, *choice.why))

    def handle(self, number: int) -> str:
        """The handle of a person in the directory; empty for one who has left."""
        return next((one for one, key in self._person_ids.items() if key == number), "")

    def number(self, handle: str) -> int:
        """The key of a person in the directory."""
        return self._person_ids[handle]

    def _workloads(self, team: Team) -> Mapping[str, Workload]:
        if not _needs_loads(self._directory, team):
            return {}
        if self._loads is None:
            # All at once and in order of their names, so that two workers cannot wait in a ring.
            taking = [
                one.name for one in self._directory.teams if _needs_loads(self._directory, one)
            ]
            self._loads = workload.take_turns(self._conn, taking)
        return self._loads.get(team.name, {})

    def _count(self, team: Team, handle: str) -> None:
        if self._loads is None or team.name not in self._loads:
            return
        self._given += 1  # what one transaction gives out has an order too
        at = self._now + timedelta(microseconds=self._given)
        for loads in self._loads.values():
            if handle in loads:
                before = loads[handle]
                given_at = at if loads is self._loads[team.name] else before.given_at
                loads[handle] = Workload(before.open_threads + 1, given_at)
        workload.given(self._conn, team.name, self._person_ids[handle], at)


def _needs_loads(directory: Directory, team: Team) -> bool:
    capped = {one.handle for one in directory.people if one.cap is not None}
    return bool(_TAKING_TURNS & set(team.strategy)) or bool(capped & set(team.members))


@dataclass(frozen=True, slots=True)
class House:
    """What re-homing goes by."""

    directory: Directory
    person_ids: Mapping[str, int]
    fallback_team: str
    """Where the threads of a team go that is no longer in the file."""


def house_of(conn: Conn, directory: Directory, fallback_team: str) -> House:
    """The house as the tables of people and a directory that is in force make it."""
    known = people.everybody(conn).values()
    return House(directory, {one.handle: one.id for one in known if one.active}, fallback_team)


def rehome(conn: Conn, house: House, now: datetime) -> int:
    """Give everything to somebody who is there: threads of those who have left, of teams that
    are gone, and those that wait for their team while its duty holder comes or goes.

    What somebody owns who is only away stays with them until the customer writes again. Runs in
    the transaction that changed people, teams or absences; how many threads moved.
    """
    away = absences.away(conn, now)
    teams = {team.name: team for team in house.directory.teams}
    moved = 0
    for pile in rehoming.piles(conn):
        team = teams.get(pile.team) or teams[house.fallback_team]
        stays = pile.person_active and pile.team == team.name
        if stays and pile.owned:
            continue
        choice = answerable(house.directory, team, away)
        if stays and choice.handle == pile.handle:
            continue
        moved += _move(conn, house, pile, team.name, choice, now)
    return moved


def _move(conn: Conn, house: House, pile: Pile, team: str, choice: Choice, now: datetime) -> int:
    person_id = house.person_ids[choice.handle]
    why = [_left(pile), *choice.why] if not pile.person_active else list(choice.why)
    data: dict[str, Any] = {"from": pile.handle, "to": choice.handle, "owned": False}
    data |= {"team": team, "why": "; ".join(why)}
    if team != pile.team:
        data |= {"from_team": pile.team, "why": "; ".join((f"team {pile.team} is gone", *why))}
    if not pile.person_active:
        handoffs.hand_over(conn, pile.person_id, person_id)
    return rehoming.move(conn, pile, team, person_id, (OWNER_CHANGED, data), now)


def _left(pile: Pile) -> str:
    return f"{pile.handle} is no longer in teams.yaml"


@dataclass(slots=True)
class Attendance:
    """Notes as time passes that somebody's absence has begun or ended, and re-homes. Once a minute
    also what was given to somebody just as they left, by who had not heard of it yet."""

    looked_at: datetime | None = None
    searched_at: datetime | None = None

    def keep(self, db: Database, house: Callable[[Conn], House], now: datetime) -> int:
        """Re-home where an absence began or ended since the last look; how many threads moved."""
        after = self.looked_at
        with db.read() as conn:
            changed = after is None or absences.changes_between(conn, after, now)
            if not changed and not self._any_left_behind(conn, now):
                self.looked_at = now
                return 0
        with db.write() as conn:
            moved = rehome(conn, house(conn), now)
        # Not before: what failed is tried again.
        self.looked_at = self.searched_at = now
        return moved

    def _any_left_behind(self, conn: Conn, now: datetime) -> bool:
        if self.searched_at is not None and now - self.searched_at < SEARCH_EVERY:
            return False
        if rehoming.any_unanswerable(conn):
            return True
        self.searched_at = now
        return False


@dataclass(frozen=True, slots=True)
class Leave:
    """Somebody is going to be away."""

    handle: str
    from_at: datetime
    until_at: datetime | None
    note: str = ""


def leave(db: Database, house: House, wanted: Leave, now: datetime) -> int:
    """Note an absence; where it runs already what waits finds somebody else at once. How many
    threads moved. Raises `NotFound`."""
    with db.write() as conn:
        person = people.by_handle(conn, wanted.handle)
        absences.add(conn, person.id, wanted.from_at, wanted.until_at, wanted.note, now)
        return rehome(conn, house, now)


def come_back(db: Database, house: House, handle: str, now: datetime) -> int:
    """End somebody's running absence; how many threads moved. Raises `NotFound`, `AboardError`
    where none runs."""
    with db.write() as conn:
        person = people.by_handle(conn, handle)
        if not absences.end(conn, person.id, now):
            raise AboardError(f"{handle} is not noted as away (`aboard people` lists who is)")
        return rehome(conn, house, now)
