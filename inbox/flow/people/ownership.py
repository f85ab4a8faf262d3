"""Who answers for threads as they come: `routing.ownership` decides; here it is given what members
have to do and who is away. `flow.promises.rehoming` chooses again when somebody leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from inbox.store import absences, workload
from inbox.store.database import Conn
from routing.ownership import Choice, Need, Workload, choose
from routing.teams import Directory, Team

OWNER_CHANGED = "owner-changed"
"""Kind of the event that says who answers now, and why."""

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
