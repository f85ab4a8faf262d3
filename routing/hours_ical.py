"""Days off from an iCalendar file (RFC 5545): all-day events, repeated ones too; no other event.

An event with clock times says nothing about a day off, and is told as a warning.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from routing.problems import Problem

MAX_BYTES = 1024 * 1024
MAX_DAYS = 20_000
FIRST_YEAR, LAST_YEAR = 2000, 2099
"""Repetitions outside these years are left out."""

_FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})


class _NotUsable(ValueError):
    """An event that cannot be taken for days off."""


def days_off(content: bytes, file: str) -> tuple[frozenset[date], tuple[Problem, ...]]:
    """(the days on which a calendar's all-day events lie, every problem found). Never raises.

    The end of an event is the first day that is no longer off (RFC 5545, section 3.6.1).
    """
    if len(content) > MAX_BYTES:
        message = f"a calendar of {len(content)} bytes is too long; at most {MAX_BYTES}"
        return frozenset(), (Problem(file, 0, 0, "calendar-too-long", message),)
    from icalendar import Calendar  # 150 ms to import, and few set-ups name such a file

    try:
        # A text without any line end it would take for the path of a file, and read that.
        calendars: Any = Calendar.from_ical(f"{content.decode('utf-8')}\r\n", multiple=True)
        events = [event for one in calendars for event in one.walk("VEVENT")]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        # icalendar raises all of these on text that is not RFC 5545.
        message = f"this is no iCalendar file: {error}"
        hint = "export it again as .ics"
        return frozenset(), (Problem(file, 0, 0, "bad-calendar", message, hint),)
    days: set[date] = set()
    problems = []
    for event in events:
        try:
            days |= set(_days(event))
        except _NotUsable as error:
            what = f"the event {_summary(event)!r} {error}"
            problems.append(Problem(file, 0, 0, "ignored-event", what, "", "warning"))
        if len(days) > MAX_DAYS:
            message = f"the events lie on more than {MAX_DAYS} days"
            problems.append(Problem(file, 0, 0, "calendar-too-long", message))
            return frozenset(), tuple(problems)
    if not events:
        message = "there is no event in this calendar"
        problems.append(Problem(file, 0, 0, "empty-calendar", message, "", "warning"))
    return frozenset(days), tuple(problems)


def _days(event: Any) -> Iterator[date]:
    first = _day(event, "DTSTART")
    if first is None:
        raise _NotUsable("has no beginning and was left out")
    count = _length(event, first)
    skipped = set(_excluded(event))
    for begin in _repeated(event, first):
        if begin not in skipped:
            yield from (begin + timedelta(days=number) for number in range(count))


def _day(event: Any, name: str) -> date | None:
    value = event.get(name)
    if value is None:
        return None
    found = getattr(value, "dt", None)
    if isinstance(found, datetime) or not isinstance(found, date):
        raise _NotUsable("is not a whole day and was left out")
    return found


def _length(event: Any, first: date) -> int:
    last = _day(event, "DTEND")
    duration = getattr(event.get("DURATION"), "dt", None)
    if last is None and isinstance(duration, timedelta):
        last = first + duration
    count = 1 if last is None else max((last - first).days, 1)
    if count > MAX_DAYS:
        raise _NotUsable(f"is {count} days long and was left out")
    return count


def _excluded(event: Any) -> Iterator[date]:
    listed = event.get("EXDATE") or []
    for group in listed if isinstance(listed, list) else [listed]:
        for one in getattr(group, "dts", ()):
            found = one.dt
            yield found.date() if isinstance(found, datetime) else found


def _repeated(event: Any, first: date) -> Iterator[date]:
    rule = event.get("RRULE")
    if rule is None:
        yield first
        return
    if isinstance(rule, list) or not set(rule.get("FREQ", ())) <= _FREQUENCIES:
        raise _NotUsable("repeats in a way that is not understood and was left out")
    from dateutil.rrule import rrulestr  # type: ignore[import-untyped]

    begin = datetime.combine(first, time())
    try:
        written = rule.to_ical().decode()
        repetition = rrulestr(written.replace("Z", ""), dtstart=begin)
        # What lies before the first year costs a look, so a rule from long ago is cut off.
        for count, one in enumerate(repetition):
            if one.year > LAST_YEAR or count > MAX_DAYS:
                return
            if one.year >= FIRST_YEAR:
                yield one.date()
    except (ValueError, TypeError, KeyError) as error:
        raise _NotUsable(f"repeats in a way that is not understood ({error})") from error


def _summary(event: Any) -> str:
    return str(event.get("SUMMARY") or "")[:80]
