"""The sums of the wall, made at most once in a while for all who see the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from inbox.clock import monotonic
from inbox.store import finding, wall
from inbox.store.asking import Asked, Term
from inbox.store.database import Conn
from inbox.store.finding import Eyes
from inbox.store.wall import Load

STANDS_FOR = 3.0
"""Seconds for which the sums of the wall are not made again: several screens ask for the same."""
MOST_PEOPLE = 200
LATE = Asked((Term("is", "late", False, "is:late"),))
AT_RISK = Asked(
    (Term("is", "at-risk", False, "is:at-risk"), Term("is", "late", True, "-is:late")),
)
OPEN = Asked((Term("is", "open", False, "is:open"),))


@dataclass(frozen=True, slots=True)
class Tile:
    """A number with its list."""

    title: str
    count: str
    query: str
    tone: str
    about: str


@dataclass(frozen=True, slots=True)
class Sums:
    """What counting makes of the wall."""

    tiles: tuple[Tile, ...]
    teams: dict[str, dict[str, Load]]
    """team -> stage -> load."""
    stages: tuple[str, ...]


@dataclass
class Walls:
    """The sums of a process, by who may see what."""

    _kept: dict[Any, tuple[float, Sums]] = field(default_factory=dict)

    def of(self, conn: Conn, eyes: Eyes) -> Sums:
        """Not older than `STANDS_FOR`."""
        whose = None if eyes.seer is None or eyes.seer.sees_all else eyes.seer
        kept, at = self._kept.get(whose), monotonic()
        if kept is not None and at - kept[0] <= STANDS_FOR:
            return kept[1]
        if len(self._kept) > MOST_PEOPLE:
            self._kept = {}
        made = _sums(conn, eyes)
        self._kept[whose] = (at, made)
        return made


def _sums(conn: Conn, eyes: Eyes) -> Sums:
    midnight = datetime.combine(eyes.now.astimezone(UTC).date(), datetime.min.time(), UTC)
    found = wall.loads(conn, eyes)
    teams: dict[str, dict[str, Load]] = {}
    for one in found:
        teams.setdefault(one.team, {})[one.stage] = one
    late, risk, waiting = finding.how_many(conn, [LATE, AT_RISK, OPEN], eyes)
    broken = wall.broken_since(conn, eyes, midnight)
    free = sum(one.unclaimed for one in found)
    day = midnight.date().isoformat()
    tiles = (
        Tile("Late now", _many(late), "is:late", "late", "a promise is broken and still waits"),
        Tile("At risk", _many(risk), "is:at-risk -is:late", "risk", "warned of, and not yet late"),
        Tile("Broken today", str(broken), f"broken:{day}", "late", "promises since midnight UTC"),
        Tile("Unclaimed", str(free), "is:unclaimed", "calm", "nobody has taken them on"),
        Tile("Waiting on us", _many(waiting), "is:open", "calm", "the next move is ours"),
    )
    return Sums(tiles, teams, tuple(sorted({one.stage for one in found})))


def _many(number: int) -> str:
    return f"{finding.MOST_COUNTED - 1}+" if number >= finding.MOST_COUNTED else str(number)
