"""Reads working hours from a strict YAML mapping; `teams.yaml` and `sla.yaml` share this form.

    hours:
      zone: Europe/Berlin
      week:
        mon-thu: ["09:00-12:30", "13:30-18:00"]
        fri: 09:00-16:00
        sat: 22:00-06:00              # until Sunday morning
      holidays: [DE-BE, AT]           # countries, and regions of them
      closed: [2026-12-24, 2026-12-27..2026-12-31]
      calendars: [company.ics]        # all-day events are days off

`hours: always` is round the clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from zoneinfo import available_timezones

from routing.hours import ALWAYS, DAY_NAMES, MINUTES_A_DAY, Calendar, Window
from routing.hours_ical import days_off
from routing.reader import Fields, did_you_mean
from routing.strict_yaml import Node

HOURS_KEYS = ("zone", "week", "holidays", "closed", "calendars")
MAX_CLOSED = 1000
"""Days in one range of days off."""

_WINDOW = re.compile(r"(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)", re.ASCII)
_DAYS = re.compile(r"(\d{4}-\d\d-\d\d)(?:\s*\.\.\s*(\d{4}-\d\d-\d\d))?", re.ASCII)
_PLACE = re.compile(r"([A-Z]{2})(?:-(\S(?:.{0,60}\S)?))?", re.ASCII)

Week = list[list[Window]]


def read_hours(
    fields: Fields, key: str = "hours", calendars: Mapping[str, bytes] | None = None
) -> Calendar | None:
    """The calendar under `key`; None where there is none, or one with problems.

    `calendars` holds the contents of the iCal files that may be named, by the name under which
    they are. All problems are noted in the reader of `fields`.
    """
    node = fields.get(key)
    if node is None:
        return None
    if node.kind == "scalar" and node.value == "always":
        return ALWAYS
    if node.kind != "map":
        fields.wrong(key, "a mapping with `zone` and `week`, or `always`")
        return None
    before = len(fields.reader.errors)
    hours = fields.mapping(key, HOURS_KEYS, f"`{key}` of {fields.what}")
    zone = read_zone(hours, required=True)
    week = _week(hours)
    holidays = tuple(_holidays(hours))
    closed = {day for one in _nodes(hours, "closed") for day in _closed(hours, one)}
    closed |= _from_files(hours, calendars or {})
    if len(fields.reader.errors) > before:
        return None
    return Calendar(zone, tuple(tuple(day) for day in week), holidays, frozenset(closed))


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def read_zone(fields: Fields, *, required: bool) -> str:
    """The time zone under `zone`, which has to be one; empty where it is not there."""
    zone, node = fields.text("zone", required=required), fields.get("zone")
    if zone and node is not None and zone not in _zones():
        near = {one.casefold(): one for one in _zones()}
        found = near.get(zone.casefold())
        hint = f"did you mean `{found}`?" if found else did_you_mean(zone, _zones())
        message = f"there is no time zone {node.describe()}"
        fields.reader.report(node, "unknown-zone", message, hint or "write it as in Europe/Berlin")
    return zone


def _week(hours: Fields) -> Week:
    week: Week = [[] for _ in DAY_NAMES]
    days = hours.get("week")
    if hours.require("week") is None or days is None:
        return week
    read = hours.mapping("week", None, "`week`")
    before = len(hours.reader.errors)
    taken: dict[int, str] = {}
    for name in read:
        key = read.key(name)
        assert key is not None
        windows = list(_windows(read, name))
        for number in _day_numbers(read, key):
            if number in taken:
                message = f"{DAY_NAMES[number]} stands under `{taken[number]}` already"
                hours.reader.report(key, "duplicate", message)
            taken.setdefault(number, name)
            week[number] = windows
    if not any(week) and len(hours.reader.errors) == before:
        message = "the week has no open hours"
        hours.reader.report(days, "no-hours", message, "write one such as `mon-fri: 09:00-17:00`")
    return week


def _day_numbers(read: Fields, key: Node) -> Iterator[int]:
    first, _, last = str(key.value).partition("-")
    wrong = [one for one in (first, last or first) if one not in DAY_NAMES]
    if wrong:
        hint = did_you_mean(wrong[0], DAY_NAMES)
        read.reader.report(key, "unknown-day", f"`{key.value}` is no day of the week", hint)
        return
    number, end = DAY_NAMES.index(first), DAY_NAMES.index(last or first)
    yield number
    while number != end:
        number = (number + 1) % len(DAY_NAMES)
        yield number


def _windows(read: Fields, name: str) -> Iterator[Window]:
    """The windows of a day in order; touching ones are two, overlapping ones a problem."""
    found: list[Window] = []
    for node in _nodes(read, name):
        for part in str(node.value).split(","):
            window = _window(part.strip())
            if node.kind != "scalar" or window is None:
                message = f"{node.describe()} is no time of day from and to"
                hint = "write 09:00-17:30, 18:00-24:00, or 22:00-06:00 across midnight"
                read.reader.report(node, "bad-window", message, hint)
            elif any(window[0] < end and begin < window[1] for begin, end in found):
                message = f"{node.describe()} overlaps another window of the day"
                read.reader.report(node, "overlapping-windows", message)
            else:
                found.append(window)
    yield from sorted(found)


def _window(text: str) -> Window | None:
    match = _WINDOW.fullmatch(text)
    if match is None:
        return None
    hour, minute, to_hour, to_minute = map(int, match.groups())
    begin, end = hour * 60 + minute, to_hour * 60 + to_minute
    if minute > 59 or to_minute > 59 or begin >= MINUTES_A_DAY or end > MINUTES_A_DAY:
        return None
    if end == begin:
        return None
    return begin, end if end > begin else end + MINUTES_A_DAY


def _nodes(fields: Fields, key: str) -> list[Node]:
    node = fields.get(key)
    if node is None:
        return []
    return list(node.items) if node.kind == "list" else [node]


def _holidays(hours: Fields) -> Iterator[tuple[str, str]]:
    for node in _nodes(hours, "holidays"):
        match = _PLACE.fullmatch(str(node.value)) if isinstance(node.value, str) else None
        if match is None:
            message = f"{node.describe()} names no country"
            hint = "write a country's two letters and where needed a region: DE, DE-BE, US-CA"
            hours.reader.report(node, "unknown-country", message, hint)
            continue
        country, region = match[1], match[2] or ""
        regions = _regions(country)
        if regions is None:
            message = f"there is no holiday table for the country `{country}`"
            hours.reader.report(node, "unknown-country", message)
        elif region and region not in regions:
            message = f"the country `{country}` has no region `{region}` with holidays of its own"
            hint = did_you_mean(region, regions) or "known: " + ", ".join(sorted(regions))
            hours.reader.report(node, "unknown-region", message, hint)
        else:
            yield country, region


@cache
def _regions(country: str) -> frozenset[str] | None:
    from holidays import country_holidays  # only who names a country pays for the import

    try:
        table = country_holidays(country, years=2026)
    except NotImplementedError:
        return None
    return frozenset(table.subdivisions) | frozenset(table.subdivisions_aliases)


def _closed(hours: Fields, node: Node) -> Iterator[date]:
    match = _DAYS.fullmatch(str(node.value)) if isinstance(node.value, str) else None
    hint = "write 2026-12-24, or 2026-12-24..2027-01-02 with both ends"
    if match is None:
        message = f"{node.describe()} is no day off"
        hours.reader.report(node, "bad-date", message, hint)
        return
    try:
        first = date.fromisoformat(match[1])
        last = date.fromisoformat(match[2] or match[1])
    except ValueError:
        hours.reader.report(node, "bad-date", f"{node.describe()} is not in the calendar", hint)
        return
    if not first <= last < first + timedelta(days=MAX_CLOSED):
        message = f"{node.describe()} is no range of 1 to {MAX_CLOSED} days"
        hours.reader.report(node, "bad-date", message, hint)
        return
    yield from (first + timedelta(days=number) for number in range((last - first).days + 1))


def _from_files(hours: Fields, calendars: Mapping[str, bytes]) -> set[date]:
    days: set[date] = set()
    for node in _nodes(hours, "calendars"):
        content = calendars.get(str(node.value)) if node.kind == "scalar" else None
        if content is None:
            message = f"there is no calendar file {node.describe()}"
            hint = "name a .ics file that lies beside this file"
            hours.reader.report(node, "unknown-calendar", message, hint)
            continue
        found, problems = days_off(content, str(node.value))
        days |= found
        for one in problems:
            if one.severity == "error":
                hours.reader.report(node, one.code, f"{one.file}: {one.message}", one.hint)
            else:
                hours.reader.add(one)
    return days
