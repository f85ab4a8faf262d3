"""The minute oracle of business time: every minute of a year is asked whether it is open.

It shares nothing with `routing.hours`: it knows no windows as instants, it converts every instant
to a local clock reading, keeps the highest reading that the clock has shown so far, and looks that
up in a painted week. Ambiguous and missing local times need no case of their own here.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
from numpy.typing import NDArray

from routing.hours import Calendar

MINUTE = timedelta(minutes=1)
STEP = 60
"""Minutes between two looks at an offset; between two that differ every minute is looked at."""
YEARS = range(2015, 2041)
MARGIN = 4
"""Days on either side of a year that are painted too."""


def zones() -> list[str]:
    """Every IANA zone of this machine, in order."""
    return sorted(one for one in available_timezones() if one != "localtime")


def offsets(zone: ZoneInfo, first: datetime, minutes: int) -> NDArray[np.int64]:
    """The zone's offset in minutes at each of so many minutes from `first` on."""
    grid = [_offset(zone, first + number * MINUTE) for number in range(0, minutes, STEP)]
    found = np.repeat(np.array(grid, dtype=np.int64), STEP)[:minutes]
    for index in np.flatnonzero(np.diff(np.array(grid))):
        for number in range(int(index) * STEP, (int(index) + 1) * STEP):
            found[number] = _offset(zone, first + number * MINUTE)
    return found


def _offset(zone: ZoneInfo, instant: datetime) -> int:
    found = instant.astimezone(zone).utcoffset()
    assert found is not None
    return int(found.total_seconds()) // 60


class Clock:
    """What the highest reading of a zone's clock was at every minute of a year."""

    def __init__(self, zone: str, year: int) -> None:
        self.zone = zone
        self.first = datetime(year, 1, 1, tzinfo=UTC)
        self.end = datetime(year + 1, 1, 1, tzinfo=UTC)
        self.minutes = (self.end - self.first) // MINUTE
        before = MARGIN * 1440  # readings of the days before count for the highest
        shifts = offsets(ZoneInfo(zone), self.first - before * MINUTE, before + self.minutes)
        readings = np.arange(before + self.minutes) + shifts
        # Counted from local midnight, 2 * MARGIN days before the year, so that none is negative.
        self.highest = np.maximum.accumulate(readings)[before:] + before
        self.changes = 1 + np.flatnonzero(np.diff(self.highest) != 1)
        self.painted_from = (self.first - 2 * MARGIN * timedelta(days=1)).date()

    def open_minutes(self, calendar: Calendar) -> NDArray[np.bool_]:
        """For every minute of the year: does the calendar say that it is open?"""
        days = self.minutes // 1440 + 4 * MARGIN
        wall = np.zeros((days + 2) * 1440, dtype=bool)
        for number in range(days):
            day = self.painted_from + timedelta(days=number)
            if not self._off(calendar, day):
                for begin, end in calendar.week[day.weekday()]:
                    wall[number * 1440 + begin : number * 1440 + end] = True
        return wall[self.highest]

    def _off(self, calendar: Calendar, day: date) -> bool:
        return day in calendar.closed or bool(calendar.day_off(day))


@dataclass(frozen=True, slots=True)
class Sums:
    """Open seconds up to any instant of a year, by counting minutes."""

    clock: Clock
    is_open: NDArray[np.bool_]
    before: NDArray[np.int64]

    @classmethod
    def of(cls, clock: Clock, calendar: Calendar) -> Sums:
        """Count them."""
        is_open = clock.open_minutes(calendar)
        return cls(clock, is_open, np.concatenate(([0], np.cumsum(is_open) * 60)))

    def used(self, at: datetime) -> int:
        """Open seconds of the year before `at`."""
        minute, second = divmod(int((at - self.clock.first).total_seconds()), 60)
        inside = second if minute < len(self.is_open) and self.is_open[minute] else 0
        return int(self.before[minute]) + inside

    def reached(self, seconds: int) -> datetime | None:
        """The first instant of the year before which so many open seconds lie."""
        minute = int(np.searchsorted(self.before, seconds, side="left")) - 1
        if minute + 1 >= len(self.before):
            return None
        rest = seconds - int(self.before[minute])
        return self.clock.first + minute * MINUTE + timedelta(seconds=rest)


def some_calendar(zone: str, rng: random.Random) -> Calendar:
    """A calendar as admins write them, and as they would never: odd minutes, night shifts."""
    week: list[tuple[tuple[int, int], ...]] = []
    style = rng.randrange(4)
    usual = tuple(_windows(rng, style))
    for day in range(7):
        if style < 2:
            week.append(usual if day < 5 else ())
        else:
            week.append(tuple(_windows(rng, style)) if rng.random() < 0.8 else ())
    year = rng.choice(list(YEARS))
    closed = {
        date(year, 1, 1) + timedelta(days=rng.randrange(365)) for _ in range(rng.randrange(9))
    }
    holidays = rng.choice([(), (), (("DE", "BE"),), (("US", "CA"), ("GB", "")), (("IL", ""),)])
    return Calendar(zone, tuple(week), holidays, frozenset(closed))


def _windows(rng: random.Random, style: int) -> list[tuple[int, int]]:
    if style == 0:
        return [(9 * 60, 12 * 60), (13 * 60, 18 * 60)]
    if style == 1:
        begin = rng.choice([0, 120, 150, 1320])  # where clocks are changed, and across midnight
        return [(begin, begin + rng.choice([30, 60, 360, 480]))]
    found: list[tuple[int, int]] = []
    at = rng.randrange(0, 600)
    while at < 1440 and len(found) < 4:
        end = at + rng.randrange(1, 500)
        if end > 1440 and found and end - 1440 > found[0][0]:
            end = 1440
        found.append((at, end))
        at = end + rng.randrange(1, 300)
    return found
