"""Business time: a calendar of opening windows, and sums with it; no clock, no files, no database.

The week is written in local time, all arithmetic is done on instants. One sentence fixes what a
window means on the days on which clocks are changed: *a window opens at the first instant at which
the local clock reaches or passes its beginning, and closes at the first instant at which it
reaches or passes its end*. So a local time that does not exist becomes the next one that does, and
of a time that comes twice the first counts. Business time is elapsed time, never a difference of
clock readings.

A window belongs to the day on which it begins: the night shift of a Monday runs to its end on
Tuesday morning even where Tuesday is a holiday, and does not begin where Monday is one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_A_DAY = 1440
HORIZON_YEARS = 20
"""How far `add` and `next_open` look for open hours before they say that there are none."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NO_TIME = timedelta(0)

Window = tuple[int, int]
"""(beginning, end) in minutes since local midnight; an end beyond 1440 lies on the next day."""


class NoOpenHours(ValueError):
    """A calendar has too few open hours within `HORIZON_YEARS` for what was asked of it."""


@dataclass(frozen=True, slots=True)
class _Year:
    """The opening times of one UTC year, in microseconds since 1970."""

    begins: tuple[int, ...]
    ends: tuple[int, ...]
    before: tuple[int, ...]
    """Open time of the year before each opening."""
    total: int

    def used(self, at: int) -> int:
        """Open time of the year that lies before `at`."""
        index = bisect_right(self.begins, at) - 1
        if index < 0:
            return 0
        return self.before[index] + min(at, self.ends[index]) - self.begins[index]

    def reached(self, used: int) -> int:
        """The first instant at which so much open time of the year has passed; `used` > 0."""
        index = bisect_right(self.before, used - 1) - 1
        return self.begins[index] + used - self.before[index]


@dataclass(frozen=True, slots=True)
class Calendar:
    """When somebody works. Equal calendars are interchangeable; years are worked out when needed.

    `week` holds the windows of Monday to Sunday; `holidays` names public holidays as (country,
    region or ""), `closed` holds days off of one's own.
    """

    zone: str
    week: tuple[tuple[Window, ...], ...]
    holidays: tuple[tuple[str, str], ...] = ()
    closed: frozenset[date] = frozenset()
    _years: dict[int, _Year] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        if len(self.week) != len(DAY_NAMES):
            raise ValueError(f"a week has 7 days, not {len(self.week)}")
        for begin, end in (window for day in self.week for window in day):
            if not (0 <= begin < MINUTES_A_DAY and begin < end <= begin + MINUTES_A_DAY):
                raise ValueError(f"the window {(begin, end)} is none: (beginning, end) in minutes")

    @property
    def always_open(self) -> bool:
        """Is it open at every instant, so that business time is time?"""
        whole = all(day == ((0, MINUTES_A_DAY),) for day in self.week)
        return whole and not self.holidays and not self.closed

    @property
    def working_day(self) -> timedelta:
        """A full working day: the open time of the longest day of the week."""
        longest = max((sum(end - begin for begin, end in day) for day in self.week), default=0)
        return timedelta(minutes=longest)

    def add(self, start: datetime, for_: timedelta) -> datetime:
        """The first instant at which `for_` of business time has passed since `start`, in UTC.

        Nothing to pass gives `start` itself. Time that runs out at the end of a window is out
        then, not at the next opening. Raises `NoOpenHours`, and `ValueError` for negative time.
        """
        if for_ < _NO_TIME:
            raise ValueError(f"{for_} is negative: business time cannot be taken away")
        begin = start.astimezone(UTC)
        if for_ == _NO_TIME or self.always_open:
            return begin + for_
        number = begin.year
        left = for_ // _MICROSECOND + self._year(number).used(_as_number(begin))
        for _ in range(HORIZON_YEARS):
            year = self._year(number)
            if left <= year.total:
                return _EPOCH + timedelta(microseconds=year.reached(left))
            left -= year.total
            number += 1
        raise NoOpenHours(
            f"there are no {for_} of open hours within {HORIZON_YEARS} years of {begin:%Y-%m-%d}"
            f" in this calendar ({self.zone}): give it more hours or a shorter time"
        )

    def between(self, start: datetime, end: datetime) -> timedelta:
        """The business time from `start` to `end`. Raises `ValueError` for an end before."""
        first, last = start.astimezone(UTC), end.astimezone(UTC)
        if last < first:
            raise ValueError(f"{last} is before {first}: give the earlier instant first")
        if self.always_open:
            return last - first
        used = self._year(last.year).used(_as_number(last))
        used -= self._year(first.year).used(_as_number(first))
        used += sum(self._year(number).total for number in range(first.year, last.year))
        return timedelta(microseconds=used)

    def is_open(self, at: datetime) -> bool:
        """Is it open at this instant? At its beginning a window is open, at its end it is not."""
        instant = at.astimezone(UTC)
        year, number = self._year(instant.year), _as_number(instant)
        index = bisect_right(year.begins, number) - 1
        return index >= 0 and number < year.ends[index]

    def next_open(self, at: datetime) -> datetime:
        """`at` itself where it is open then, else the next opening. Raises `NoOpenHours`."""
        instant = at.astimezone(UTC)
        if self.is_open(instant):
            return instant
        number, after = instant.year, _as_number(instant)
        for _ in range(HORIZON_YEARS):
            begins = self._year(number).begins
            index = bisect_right(begins, after)
            if index < len(begins):
                return _EPOCH + timedelta(microseconds=begins[index])
            number += 1
        raise NoOpenHours(
            f"this calendar ({self.zone}) has no open hours within {HORIZON_YEARS} years"
            f" of {instant:%Y-%m-%d}"
        )

    def spans(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The open times between two instants, in order: what a sum is made of."""
        first, last = _as_number(start.astimezone(UTC)), _as_number(end.astimezone(UTC))
        for number in range(start.astimezone(UTC).year, end.astimezone(UTC).year + 1):
            year = self._year(number)
            for begin, stop in zip(year.begins, year.ends, strict=True):
                if max(begin, first) < min(stop, last):
                    yield (
                        _EPOCH + timedelta(microseconds=max(begin, first)),
                        _EPOCH + timedelta(microseconds=min(stop, last)),
                    )

    def day_off(self, day: date) -> str:
        """Why nobody works on this local day: a holiday's name; empty where it is no day off."""
        if day in self.closed:
            return "closed"
        for country, region in self.holidays:
            name = public_holidays(country, region, day.year).get(day)
            if name:
                return name
        return ""

    def _year(self, number: int) -> _Year:
        year = self._years.get(number)
        if year is None:
            year = self._years[number] = self._worked_out(number)
        return year

    def _worked_out(self, number: int) -> _Year:
        first, last = (_as_number(datetime(one, 1, 1, tzinfo=UTC)) for one in (number, number + 1))
        begins: list[int] = []
        ends: list[int] = []
        for begin, end in self._openings(number):
            begin, end = max(begin, first), min(end, last)
            if begin >= end:
                continue
            if ends and begin <= ends[-1]:
                ends[-1] = max(ends[-1], end)
            else:
                begins.append(begin)
                ends.append(end)
        before = [0]
        for begin, end in zip(begins, ends, strict=True):
            before.append(before[-1] + end - begin)
        return _Year(tuple(begins), tuple(ends), tuple(before[:-1]), before[-1])

    def _openings(self, number: int) -> Iterator[tuple[int, int]]:
        """The windows that touch a UTC year, in the order of their beginnings."""
        zone = ZoneInfo(self.zone)
        # A zone is at most a day away from UTC, and a window ends on the next day at the latest.
        day, last = date(number - 1, 12, 29), date(number + 1, 1, 2)
        while day <= last:
            windows = self.week[day.weekday()]
            if windows and not self.day_off(day):
                midnight = datetime.combine(day, time())
                for begin, end in sorted(windows):
                    yield _instant(zone, midnight, begin), _instant(zone, midnight, end)
            day += timedelta(days=1)


ALWAYS = Calendar("UTC", (((0, MINUTES_A_DAY),),) * len(DAY_NAMES))
"""Round the clock: business time is time."""


@lru_cache(maxsize=4096)
def public_holidays(country: str, region: str, year: int) -> dict[date, str]:
    """The public holidays of a country or one of its regions in one year, with their names."""
    from holidays import country_holidays  # costs a fifth of a second, so only who needs it pays

    return dict(country_holidays(country, subdiv=region or None, years=year).items())


def _as_number(instant: datetime) -> int:
    return (instant - _EPOCH) // _MICROSECOND


def _instant(zone: ZoneInfo, midnight: datetime, minutes: int) -> int:
    """When the local clock first reaches or passes so many minutes after that day's midnight."""
    wanted = midnight + timedelta(minutes=minutes)
    local = wanted.replace(tzinfo=zone)
    before, after = local.utcoffset(), local.replace(fold=1).utcoffset()
    assert before is not None and after is not None
    latest = _as_number(wanted.replace(tzinfo=UTC) - before)
    if before >= after:
        return latest  # it is there once, or twice and this is the first
    # The clock jumps over it: the jump lies in between, and is found by halving.
    earliest = _as_number(wanted.replace(tzinfo=UTC) - after)
    while latest - earliest > 1:
        middle = (earliest + latest) // 2
        there = (_EPOCH + timedelta(microseconds=middle)).astimezone(zone)
        if there.replace(tzinfo=None) >= wanted:
            latest = middle
        else:
            earliest = middle
    return latest
