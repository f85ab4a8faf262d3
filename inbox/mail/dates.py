"""Reads the Date field (RFC 5322 section 3.3) as people and programs really write it.

It answers in UTC or not at all; it knows no clock, so it judges no date as too old or too new.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan ene januar janvier gen janv", "feb fev fevr febr", "mar mrz maerz mars",
            "apr abr avr",
            "may mai mayo mag maj", "jun juin giu", "jul juil lug", "aug ago aout", "sep set sept",
            "oct okt out ott", "nov", "dec dez dic des",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_ZONES = {
    "ut": 0, "utc": 0, "gmt": 0, "z": 0, "wet": 0, "bst": 60, "west": 60, "cet": 60, "met": 60,
    "mez": 60, "cest": 120, "mest": 120, "mesz": 120, "eet": 120, "eest": 180, "msk": 180,
    "ist": 330, "sgt": 480, "hkt": 480, "jst": 540, "kst": 540, "aest": 600, "aedt": 660,
    "nzst": 720, "nzdt": 780, "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420,
    "mdt": -360, "pst": -480, "pdt": -420, "akst": -540, "akdt": -480, "hst": -600,
}  # fmt: skip
_TIME = re.compile(
    r"(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:[.,]\d{1,9})?)?\s*([ap]m\b)?", re.IGNORECASE
)
_OFFSET = re.compile(r"([+-])\s?(\d{2}):?(\d{2})\b")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]|\Z)")
_NUMERIC = re.compile(r"(?:\A|[\s,])(\d{1,2})([./])(\d{1,2})\2(\d{4}|\d{2})\b")
_WORD = re.compile(r"[A-Za-z]+|\d+")
_PARENTHESES = re.compile(r"\([^()]*\)")
_LONGEST = 200


def read_date(value: str) -> datetime | None:
    """The instant a Date field names, in UTC; None where none can be read. Never raises.

    A missing or unknown zone counts as UTC (RFC 5322 section 4.3). Two-digit years are read as
    RFC 5322 section 4.3 says; the name of the day is ignored; a second of 60 becomes 59.
    """
    text = value[:_LONGEST]
    for _ in range(3):
        if "(" not in text:
            break
        text = _PARENTHESES.sub(" ", text)
    text = text.replace("(", " ").replace(")", " ")
    time = _TIME.search(text)
    rest = text if time is None else text[: time.start()] + " " + text[time.end() :]
    zone = text[time.end() :] if time is not None else ""
    day = _day(rest if time is None else text[: time.start()] + " ") or _day(rest)
    if day is None:
        return None
    hour, minute, second = _clock(time)
    try:
        local = datetime(*day, hour, minute, second, tzinfo=UTC)
        return local - timedelta(minutes=_offset(zone))
    except (ValueError, OverflowError):
        return None


def _clock(time: re.Match[str] | None) -> tuple[int, int, int]:
    if time is None:
        return 0, 0, 0
    hour, minute, second = int(time[1]), int(time[2]), int(time[3] or 0)
    if time[4]:
        hour = hour % 12 + (12 if time[4].lower() == "pm" else 0)
    return hour, minute, min(second, 59) if second == 60 else second


def _day(text: str) -> tuple[int, int, int] | None:
    iso = _ISO.search(text)
    if iso is not None:
        return int(iso[1]), int(iso[2]), int(iso[3])
    numeric = _NUMERIC.search(text)
    if numeric is not None:
        first, second, year = int(numeric[1]), int(numeric[3]), _year(numeric[4])
        # With dots the day comes first; with slashes the month, unless it cannot be one.
        day_first = numeric[2] == "." or first > 12
        return (year, second, first) if day_first else (year, first, second)
    return _named_month(_WORD.findall(text))


def _named_month(words: list[str]) -> tuple[int, int, int] | None:
    month, numbers = 0, []
    for word in words:
        if word.isdigit():
            numbers.append(word)
        elif not month:
            # The name of a day stands before the month, and Spanish martes begins like March.
            word = word.lower()
            known = 0 if word == "martes" else _MONTHS.get(word, 0) or _MONTHS.get(word[:3], 0)
            month = known
    if not month or len(numbers) < 2:
        return None
    first, second = numbers[0], numbers[1]
    if len(first) == 4:
        first, second = second, first
    if len(first) > 2 or len(second) > 4:
        return None
    return _year(second), month, int(first)


def _year(digits: str) -> int:
    year = int(digits)
    if len(digits) <= 2:
        return year + (2000 if year < 50 else 1900)
    return year + 1900 if len(digits) == 3 else year


def _offset(zone: str) -> int:
    """Minutes east of Greenwich of what follows the time; -0000 and the unknown are 0."""
    offset = _OFFSET.search(zone)
    if offset is not None:
        minutes = int(offset[2]) * 60 + int(offset[3])
        return 0 if minutes > 24 * 60 else (minutes if offset[1] == "+" else -minutes)
    for word in re.findall(r"[A-Za-z]{1,5}", zone):
        if word.lower() in _ZONES:
            return _ZONES[word.lower()]
    return 0
