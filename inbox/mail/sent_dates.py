"""Reads the date line of a quoted header block into a UTC instant, where it states its zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from inbox.mail.return_dates import spoken_dates

_ZONES = {
    "utc": 0,
    "gmt": 0,
    "z": 0,
    "wet": 0,
    "west": 60,
    "cet": 60,
    "mez": 60,
    "cest": 120,
    "mesz": 120,
    "eet": 120,
    "eest": 180,
    "msk": 180,
    "est": -300,
    "edt": -240,
    "cdt": -300,
    "mst": -420,
    "mdt": -360,
    "pst": -480,
    "pdt": -420,
    "jst": 540,
    "kst": 540,
    "hkt": 480,
    "sgt": 480,
    "aest": 600,
    "aedt": 660,
    "nzst": 720,
    "nzdt": 780,
}
_TIME = re.compile(
    r"(?P<h>\d{1,2})\s?[:.hH時时시]\s?(?P<m>\d{2})(?:[:.分](?P<s>\d{2}))?\s*(?P<half>[ap]\.?m\.?\b)?",
    re.IGNORECASE,
)
_OFFSET = re.compile(
    r"(?:(?:UTC|GMT)\s?)?(?P<sign>[+-])(?P<h>\d{1,2})(?::?(?P<m>\d{2}))?\b", re.IGNORECASE
)
_NAME = re.compile(r"\b([A-Za-z]{1,4})\b")
_CAP = 160


def stated_instant(value: str) -> datetime | None:
    """The instant in UTC, or None where day, time or zone is not stated or not certain."""
    value = value[:_CAP]
    day = next(iter(spoken_dates(value)), None)
    if day is None:
        return None
    clock = None
    for clock in _TIME.finditer(value):
        if clock.start() > 3 or len(value) < 12:
            break
    if clock is None:
        return None
    offset = _offset(value[clock.end() :])
    if offset is None:
        return None
    hour = int(clock["h"])
    half = (clock["half"] or "").lower()[:1]
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        local = datetime(
            day.year,
            day.month,
            day.day,
            hour,
            int(clock["m"]),
            int(clock["s"] or 0),
            tzinfo=timezone(timedelta(minutes=offset)),
        )
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _offset(text: str) -> int | None:
    found = _OFFSET.search(text)
    if found is not None:
        minutes = int(found["h"]) * 60 + int(found["m"] or 0)
        if minutes > 14 * 60:
            return None
        return -minutes if found["sign"] == "-" else minutes
    for name in _NAME.finditer(text):
        minutes_of = _ZONES.get(name[1].lower())
        if minutes_of is not None:
            return minutes_of
    return None
