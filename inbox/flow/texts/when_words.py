"""An instant in the words that people type: `tomorrow 9`, `mon`, `3d`, `2h`, `1 dec 14:30`.

A day without a time means nine in the morning. Words are English; every word is understood in the
zone that is given, and the answer is in UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from inbox.errors import AboardError

MORNING, EVENING = time(9), time(18)
LONGEST = timedelta(days=366 * 2)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SPAN = re.compile(r"(?:in )?(\d{1,4}) ?(m|min|minutes?|h|hours?|d|days?|w|weeks?)")
_CLOCK = re.compile(r"(?:at )?(\d{1,2})(?:[:.](\d{2}))? ?(am|pm)?")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_DATE = re.compile(r"(\d{1,2}) ?\.? ?([a-z]{3})[a-z]*(?: (\d{4}))?")
HINT = "write for instance `tomorrow 9`, `mon`, `3d`, `2h`, `1 dec 14:30` or `2026-12-01 09:00`"


def instant(typed: str, now: datetime, zone: ZoneInfo | None = None) -> datetime:
    """The instant that is meant, which is to come. Raises `AboardError` with what can be written.

    >>> instant("tomorrow 8:30", datetime(2026, 3, 4, 22, tzinfo=UTC)).isoformat()
    '2026-03-05T08:30:00+00:00'
    """
    words = " ".join(typed.lower().replace(",", " ").split())
    there = now.astimezone(zone or UTC)
    found = _span(words, there) or _day_and_time(words, there)
    try:
        utc = None if found is None else found.astimezone(UTC)
    except OverflowError:  # a day at the edge of the calendar
        utc = None
    if found is None or utc is None:
        raise AboardError(f"{typed.strip()[:60]!r} is no day or time: {HINT}")
    if utc <= now:
        raise AboardError(f"{found:%a %d %b %Y, %H:%M} has passed; give an instant to come")
    if utc > now + LONGEST:
        raise AboardError(f"{found:%d %b %Y} is more than two years away")
    return utc


def _span(words: str, there: datetime) -> datetime | None:
    match = _SPAN.fullmatch(words)
    if match is None:
        return None
    count, unit = int(match[1]), match[2][0]
    if unit == "m":
        return there + timedelta(minutes=count)
    if unit == "h":
        return there + timedelta(hours=count)
    day = there + timedelta(days=count * (7 if unit == "w" else 1))
    return datetime.combine(day.date(), MORNING, there.tzinfo)


def _day_and_time(words: str, there: datetime) -> datetime | None:
    try:
        day, rest, usual = _day(words, there)
    except ValueError:
        return None  # such as the 31st of a month that has none
    if day is None:
        return None
    if not rest:
        return datetime.combine(day.date(), usual, there.tzinfo)
    at = _clock(rest)
    return None if at is None else datetime.combine(day.date(), at, there.tzinfo)


def _day(words: str, there: datetime) -> tuple[datetime | None, str, time]:
    """The day, what is left of the words, and the time that the day means by itself."""
    first, _, rest = words.partition(" ")
    if first in ("today", "tonight"):
        return there, rest, EVENING
    if first in ("tomorrow", "tmrw"):
        return there + timedelta(days=1), rest, MORNING
    if words == "next week":
        return there + timedelta(days=7 - there.weekday()), "", MORNING
    if first == "next":
        first, _, rest = rest.partition(" ")
    if first[:3] in _DAYS and first.rstrip("s") in _full(first):
        ahead = (_DAYS.index(first[:3]) - there.weekday()) % 7 or 7
        return there + timedelta(days=ahead), rest, MORNING
    iso = _ISO.match(words)
    if iso is not None:
        day = there.replace(year=int(iso[1]), month=int(iso[2]), day=int(iso[3]))
        return day, words[iso.end() :].lstrip("t "), MORNING
    date = _DATE.match(words)
    if date is not None and date[2] in _MONTHS:
        return _date(date, there), words[date.end() :].strip(), MORNING
    clock = _clock(words)
    if clock is None:
        return None, "", MORNING
    later = there.timetz().replace(tzinfo=None) < clock
    return (there if later else there + timedelta(days=1)), words, MORNING


def _full(word: str) -> tuple[str, ...]:
    """The ways to write the day that a word begins like."""
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    name = names[_DAYS.index(word[:3])]
    return (name, name[:3], name[:4], name[:5])


def _date(date: re.Match[str], there: datetime) -> datetime:
    month = _MONTHS.index(date[2]) + 1
    year = int(date[3]) if date[3] else there.year
    found = there.replace(year=year, month=month, day=int(date[1]))
    if not date[3] and found.date() < there.date():
        found = found.replace(year=year + 1)
    return found


def _clock(words: str) -> time | None:
    match = _CLOCK.fullmatch(words)
    if match is None:
        return None
    hour, minute = int(match[1]), int(match[2] or 0)
    if match[3] and not 1 <= hour <= 12:
        return None
    if match[3]:
        hour = hour % 12 + (12 if match[3] == "pm" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None
