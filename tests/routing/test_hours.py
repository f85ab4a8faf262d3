"""A calendar's windows, its holidays, and what its file form refuses, case by case."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from routing.hours import ALWAYS, Calendar, NoOpenHours
from routing.hours_reader import read_hours
from routing.problems import Problem
from routing.reader import Reader
from routing.strict_yaml import load_text

OFFICE = "hours: {zone: Europe/Berlin, week: {mon-fri: 09:00-18:00}, holidays: [DE-BE]}"


def load(
    text: str, files: dict[str, bytes] | None = None
) -> tuple[Calendar | None, tuple[Problem, ...]]:
    """The calendar under `hours`, and every problem."""
    root, found = load_text(text, "f.yaml")
    reader = Reader(found)
    calendar = read_hours(reader.fields(root, ("hours",), "the file"), "hours", files)
    return calendar, reader.problems


def good(text: str, files: dict[str, bytes] | None = None) -> Calendar:
    """The calendar, without a problem."""
    calendar, problems = load(text, files)
    assert problems == ()
    assert calendar is not None
    return calendar


def at(text: str) -> datetime:
    """An instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


H = timedelta(hours=1)

SUMS = [
    ("over an evening", "2026-11-02T16:00", 2 * H, "2026-11-03T09:00"),
    ("to the very end of a day", "2026-11-02T16:00", H, "2026-11-02T17:00"),
    ("over a weekend", "2026-11-06T16:00", 2 * H, "2026-11-09T09:00"),
    ("from a weekend", "2026-11-07T12:00", H, "2026-11-09T09:00"),
    ("over two holidays and a weekend", "2026-12-24T16:00", 2 * H, "2026-12-28T09:00"),
    ("a holiday of one region", "2026-03-06T16:00", 2 * H, "2026-03-09T09:00"),
    ("over a change to summer time", "2026-03-27T16:00", 2 * H, "2026-03-30T08:00"),
    ("nothing is due at once", "2026-11-07T12:00", 0 * H, "2026-11-07T12:00"),
]


@pytest.mark.parametrize(("what", "start", "for_", "end"), SUMS, ids=[one[0] for one in SUMS])
def test_time_runs_in_open_hours_alone(what: str, start: str, for_: timedelta, end: str) -> None:
    calendar = good(OFFICE)
    assert calendar.add(at(start), for_) == at(end)
    assert calendar.between(at(start), at(end)) == for_


def test_womens_day_is_a_holiday_in_berlin_and_not_in_bavaria() -> None:
    monday = date(2027, 3, 8)
    assert good(OFFICE).day_off(monday)
    assert not good(OFFICE.replace("DE-BE", "DE-BY")).day_off(monday)


def test_a_time_that_does_not_exist_is_the_next_that_does_and_of_two_the_first_counts() -> None:
    calendar = good('hours: {zone: Europe/Berlin, week: {sun: "02:30-04:00"}}')
    (spring,) = calendar.spans(at("2026-03-29T00:00"), at("2026-03-29T23:00"))
    assert spring == (at("2026-03-29T01:00"), at("2026-03-29T02:00"))
    (autumn,) = calendar.spans(at("2026-10-25T00:00"), at("2026-10-25T23:00"))
    assert autumn == (at("2026-10-25T00:30"), at("2026-10-25T03:00"))


def test_a_window_may_end_at_midnight_or_after_it_and_belongs_to_the_day_it_begins_on() -> None:
    calendar = good(
        "hours: {zone: UTC, week: {mon: 22:00-06:00, wed: 20:00-24:00}, closed: [2026-11-03]}"
    )
    assert calendar.is_open(at("2026-11-03T05:59"))  # a Tuesday off, but Monday's shift runs on
    assert not calendar.is_open(at("2026-11-03T06:00"))
    assert calendar.is_open(at("2026-11-04T23:59"))
    assert not calendar.is_open(at("2026-11-05T00:00"))
    assert calendar.next_open(at("2026-11-03T06:00")) == at("2026-11-04T20:00")
    closed = good("hours: {zone: UTC, week: {mon: 22:00-06:00}, closed: [2026-11-02]}")
    assert not closed.is_open(at("2026-11-03T05:00"))


def test_a_leap_day_is_a_day_like_others() -> None:
    calendar = good("hours: {zone: UTC, week: {mon-sun: 10:00-11:00}}")
    assert calendar.between(at("2028-02-01T00:00"), at("2028-03-01T00:00")) == 29 * H


def test_a_calendar_without_open_hours_says_so_instead_of_searching_for_ever() -> None:
    nothing = Calendar("UTC", ((),) * 7)
    for ask in (
        lambda: nothing.add(at("2026-01-01T00:00"), H),
        lambda: nothing.next_open(at("2026-01-01T00:00")),
    ):
        with pytest.raises(NoOpenHours, match="20 years"):
            ask()
    assert nothing.between(at("2026-01-01T00:00"), at("2030-01-01T00:00")) == 0 * H


def test_round_the_clock_business_time_is_time() -> None:
    assert good("hours: always") is ALWAYS
    start = at("2026-03-28T23:59")
    assert ALWAYS.add(start, 100 * H) == start + 100 * H
    assert ALWAYS.working_day == 24 * H


def test_time_is_not_taken_away() -> None:
    with pytest.raises(ValueError, match="negative"):
        ALWAYS.add(at("2026-01-01T00:00"), -H)
    with pytest.raises(ValueError, match="before"):
        ALWAYS.between(at("2026-01-02T00:00"), at("2026-01-01T00:00"))


ICAL = b"""BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Example//EN
BEGIN:VEVENT
UID:1
SUMMARY:Between the years
DTSTART;VALUE=DATE:20261228
DTEND;VALUE=DATE:20270101
END:VEVENT
BEGIN:VEVENT
UID:2
SUMMARY:Founding day
DTSTART;VALUE=DATE:20200504
RRULE:FREQ=YEARLY
EXDATE;VALUE=DATE:20270504
END:VEVENT
END:VCALENDAR
"""


def test_all_day_events_of_a_calendar_file_are_days_off() -> None:
    text = "hours: {zone: UTC, week: {mon-sun: 09:00-10:00}, calendars: [own.ics]}"
    calendar = good(text, {"own.ics": ICAL})
    off = [date(2026, 12, 28), date(2026, 12, 31), date(2026, 5, 4), date(2039, 5, 4)]
    assert all(calendar.day_off(day) for day in off)
    assert not any(calendar.day_off(day) for day in (date(2027, 1, 1), date(2027, 5, 4)))


def test_an_event_with_clock_times_is_told_and_no_day_off() -> None:
    timed = ICAL.replace(b";VALUE=DATE:20200504", b":20200504T100000Z")
    text = "hours: {zone: UTC, week: {mon: 09:00-10:00}, calendars: [own.ics]}"
    calendar, problems = load(text, {"own.ics": timed})
    assert [(one.code, one.severity) for one in problems] == [("ignored-event", "warning")]
    assert calendar is not None
    assert not calendar.day_off(date(2026, 5, 4))


BAD = [
    ("zone: Europe/Berln, week: {mon: 09:00-10:00}", "unknown-zone", "Europe/Berlin"),
    ("zone: UTC, week: {mo: 09:00-10:00}", "unknown-day", "mon"),
    ("zone: UTC, week: {mon: 9-10}", "bad-window", "09:00-17:30"),
    ("zone: UTC, week: {mon: 09:00-24:01}", "bad-window", "18:00-24:00"),
    ("zone: UTC, week: {mon: 09:60-10:00}", "bad-window", ""),
    ('zone: UTC, week: {mon: "09:00-12:00, 11:00-13:00"}', "overlapping-windows", ""),
    ("zone: UTC, week: {mon-wed: 09:00-10:00, tue: 09:00-10:00}", "duplicate", ""),
    ("zone: UTC, week: {mon: []}", "no-hours", "mon-fri"),
    ("zone: UTC", "missing-key", ""),
    ("zone: UTC, week: {mon: 09:00-10:00}, holidays: [XX]", "unknown-country", ""),
    ("zone: UTC, week: {mon: 09:00-10:00}, holidays: [DE-BX]", "unknown-region", "BE"),
    ("zone: UTC, week: {mon: 09:00-10:00}, closed: [2026-02-30]", "bad-date", "2026-12-24"),
    ("zone: UTC, week: {mon: 09:00-10:00}, closed: [2026-02-03..2026-02-01]", "bad-date", ""),
    ("zone: UTC, week: {mon: 09:00-10:00}, calendars: [no.ics]", "unknown-calendar", ".ics"),
    ("zone: UTC, week: {mon: 09:00-10:00}, calendars: [bad.ics]", "bad-calendar", ".ics"),
    ("zone: UTC, week: {mon: 09:00-10:00}, holiday: [DE]", "unknown-key", "holidays"),
]


@pytest.mark.parametrize(("inside", "code", "hint"), BAD, ids=[one[0][:60] for one in BAD])
def test_hours_that_cannot_be_used_are_told_with_their_place(
    inside: str, code: str, hint: str
) -> None:
    calendar, problems = load(f"hours: {{{inside}}}", {"bad.ics": b"not a calendar"})
    assert calendar is None
    (problem,) = problems
    assert problem.code == code
    assert problem.line == 1
    assert problem.column > 1
    assert hint in problem.hint


def test_country_no_is_norway_and_a_time_is_no_number() -> None:
    calendar = good("hours: {zone: Europe/Oslo, week: {mon: 09:00-22:30}, holidays: NO}")
    assert calendar.holidays == (("NO", ""),)
    assert calendar.week[0] == ((540, 1350),)
