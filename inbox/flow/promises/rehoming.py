"""Who answers for threads when somebody leaves, is away or comes back: found again, told, and the
clocks follow, all in the transaction that changed people, teams or absences.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from inbox.errors import AboardError
from inbox.flow.admin.stored_sets import in_force
from inbox.flow.people.ownership import OWNER_CHANGED
from inbox.flow.promises import sla, tell
from inbox.store import absences, handoffs, people, rehoming
from inbox.store.database import Conn, Database
from inbox.store.rehoming import Moved, Pile
from routing.ownership import Choice, answerable
from routing.teams import Directory

SEARCH_EVERY = timedelta(minutes=1)


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

    What somebody owns who is only away stays with them until the customer writes again. Who answers
    now is told. Runs in the transaction that changed people, teams or absences; how many threads
    moved.
    """
    away = absences.away(conn, now)
    teams = {team.name: team for team in house.directory.teams}
    hold_left_behind(conn, house.directory)
    moved: list[Moved] = []
    for pile in rehoming.piles(conn):
        team = teams.get(pile.team) or teams[house.fallback_team]
        stays = pile.person_active and pile.team == team.name
        if stays and pile.owned:
            continue
        choice = answerable(house.directory, team, away)
        if stays and choice.handle == pile.handle:
            continue
        moved += _move(conn, house, pile, team.name, choice, now)
    tell.moved(conn, [one.event_id for one in moved])
    _stop_clocks(conn, [one.thread_id for one in moved if one.was_owned], now)
    return len(moved)


def hold_left_behind(conn: Conn, directory: Directory) -> None:
    """Hold the accounts of what people own who are not in the directory, or in teams that are not.
    Who puts another directory in force does it first of all: filing holds accounts before people.
    """
    handles = [one.handle for one in directory.people]
    rehoming.hold_accounts(conn, handles, [one.name for one in directory.teams])


def _stop_clocks(conn: Conn, thread_ids: Sequence[int], now: datetime) -> None:
    """What ran on their owners (`untouched`) runs on nobody."""
    files = in_force(conn) if thread_ids else None
    clocks = None if files is None else sla.clocks_of(files)
    if clocks is not None:
        sla.refresh(conn, clocks, thread_ids, now)


def _move(
    conn: Conn, house: House, pile: Pile, team: str, choice: Choice, now: datetime
) -> tuple[Moved, ...]:
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
