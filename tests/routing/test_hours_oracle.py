"""Business time equals a count of minutes, in every IANA zone, 2015 to 2040."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest

from routing.hours import Calendar, NoOpenHours
from tests.routing.hours_oracle import YEARS, Clock, Sums, some_calendar, zones

CASES_A_CALENDAR = 34


def _instant(clock: Clock, rng: random.Random) -> datetime:
    """An instant of the year; one in three lies near a change of the clock, where there is one."""
    second = rng.randrange(clock.minutes * 60)
    if rng.random() < 0.34 and len(clock.changes):
        second = 60 * int(rng.choice(clock.changes)) + rng.randrange(-90_000, 90_000)
    second = min(max(second, 0), clock.minutes * 60 - 1)
    return clock.first + timedelta(seconds=second)


def _differences(clock: Clock, calendar: Calendar, rng: random.Random) -> list[str]:
    """What differs between the calendar and the oracle in `CASES_A_CALENDAR` questions."""
    sums = Sums.of(clock, calendar)
    found = []
    for _ in range(CASES_A_CALENDAR):
        start, end = sorted((_instant(clock, rng), _instant(clock, rng)))
        counted = sums.used(end) - sums.used(start)
        if calendar.between(start, end) != timedelta(seconds=counted):
            found.append(f"between {start} {end}: counted {counted}: {calendar}")
        for_ = rng.choice([counted, rng.randrange(1, 400_000), 3600 * rng.randrange(1, 40)])
        expected = sums.reached(sums.used(start) + for_) if for_ else start
        if expected is not None and _added(calendar, start, for_) != expected:
            found.append(f"add {start} + {for_} s: counted {expected}: {calendar}")
        if calendar.is_open(start) != sums.is_open[(start - clock.first) // timedelta(minutes=1)]:
            found.append(f"is open at {start}: {calendar}")
    return found


def _added(calendar: Calendar, start: datetime, seconds: int) -> datetime | None:
    try:
        return calendar.add(start, timedelta(seconds=seconds))
    except NoOpenHours:
        return None


def compare(places: Iterable[tuple[str, int]], calendars: int, seed: int) -> tuple[int, list[str]]:
    """(cases asked, differences) over these zones and years."""
    rng = random.Random(seed)
    cases, found = 0, list[str]()
    for zone, year in places:
        clock = Clock(zone, year)
        for _ in range(calendars):
            found += _differences(clock, some_calendar(zone, rng), rng)
            cases += CASES_A_CALENDAR
    return cases, found


def test_business_time_equals_the_minute_oracle_in_a_sample_of_zones_and_years() -> None:
    rng = random.Random(20261122)
    places = [(rng.choice(zones()), rng.choice(YEARS)) for _ in range(24)]
    # Half an hour, a gap over midnight, a Ramadan, two hours, a zone that moved for good.
    places += [
        ("Australia/Lord_Howe", 2027),
        ("Africa/Cairo", 2024),
        ("Asia/Beirut", 2022),
        ("Africa/Casablanca", 2026),
        ("Antarctica/Troll", 2031),
        ("America/Caracas", 2016),
        ("Asia/Pyongyang", 2015),
        ("Europe/Berlin", 2028),
    ]
    cases, found = compare(places, calendars=3, seed=1)
    assert found == []
    assert cases == len(places) * 3 * CASES_A_CALENDAR


@pytest.mark.campaign
def test_a_million_cases_over_all_zones_differ_in_none(capsys: pytest.CaptureFixture[str]) -> None:
    places = [(zone, year) for zone in zones() for year in YEARS]
    cases, found = compare(places, calendars=2, seed=2)
    with capsys.disabled():
        print(f"{cases} cases in {len(places)} zone-years: {len(found)} differences")
    assert found == []
    assert cases >= 1_000_000
