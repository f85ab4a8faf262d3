"""Reads calendar parts (RFC 5545, iTIP RFC 5546) into plain values. It answers no invitation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

from inbox.mail.clean import clean_line
from inbox.mail.letter import CalendarItem

MAX_SIZE = 1024 * 1024
"""Characters of a mail's calendar parts that are read."""
MAX_PIECES = 20_000
"""Lines and listed values in them: each costs about as much as a hundred characters do."""
MAX_ITEMS = 100
MAX_ATTENDEES = 500
MAX_ZONE_RULES = 40
BROKEN = "calendar-broken"
"""Defect: a calendar part that could not be read; it is kept as an attachment."""
_KINDS = ("VEVENT", "VTODO")
_WITHIN_A_DAY = ("BYHOUR", "BYMINUTE", "BYSECOND")


class _Unreadable(ValueError):
    """A calendar that would cost too much."""


def read_calendars(parts: Sequence[tuple[str, str]]) -> tuple[tuple[CalendarItem, ...], str]:
    """(events and to-dos of a mail's calendar parts, defect or an empty text). Never raises.

    `parts` are text and the `method` of the part's Content-Type, for calendars that state none.
    The limits are those of the mail: many parts cost no more than one.
    """
    items: dict[CalendarItem, None] = {}
    defect, size, pieces = "", 0, 0
    for text, method in dict.fromkeys(parts):
        size += len(text)
        pieces += sum(text.count(mark) for mark in "\n,;")
        if size > MAX_SIZE or pieces > MAX_PIECES or text.count("BEGIN:") > 20 * MAX_ITEMS:
            return tuple(items)[:MAX_ITEMS], BROKEN
        found = _read(text, method)
        items.update(dict.fromkeys(found))
        defect = defect if found else BROKEN
    return tuple(items)[:MAX_ITEMS], defect


def _read(text: str, method: str) -> list[CalendarItem]:
    """Nothing where it is no calendar."""
    import icalendar  # 150 ms to import, and few mails need it

    # It keeps the zones that mails define, for all that come later, by the name they give them.
    icalendar.use_zoneinfo()  # type: ignore[no-untyped-call]
    try:
        # A text without any line end it would take for the path of a file, and read that.
        calendars: Any = icalendar.Calendar.from_ical(f"{text}\r\n", multiple=True)
        for one in calendars:
            _check_zones(one)
        return [item for calendar in calendars for item in _items(calendar, method)]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        # icalendar raises all of these on text that is not RFC 5545.
        return []


def _check_zones(calendar: Any) -> None:
    """Zones change by the year. One by the second is worked out from 1601 on, for every date.

    Raises `_Unreadable`.
    """
    rules: list[Any] = []
    for zone in calendar.walk("VTIMEZONE"):
        for part in zone.walk():
            for name in ("RRULE", "EXRULE"):
                rule = part.get(name, [])
                rules.extend(rule if isinstance(rule, list) else [rule])
    if len(rules) > MAX_ZONE_RULES or not all(_changes_by_year(one) for one in rules):
        raise _Unreadable


def _changes_by_year(rule: Any) -> bool:
    often = any(len(rule.get(name, ())) > 1 for name in _WITHIN_A_DAY)
    return rule.get("FREQ") == ["YEARLY"] and not often


def _items(calendar: Any, method: str) -> Iterator[CalendarItem]:
    stated = _text(calendar.get("METHOD")) or method
    for component in calendar.walk():
        if component.name in _KINDS:
            yield _item(component, stated.upper())


def _item(component: Any, method: str) -> CalendarItem:
    attendees = component.get("ATTENDEE") or []
    attendees = attendees if isinstance(attendees, list) else [attendees]
    return CalendarItem(
        method=method,
        uid=_text(component.get("UID")),
        summary=_text(component.get("SUMMARY")),
        start=_moment(component.get("DTSTART")),
        end=_moment(component.get("DTEND") or component.get("DUE")),
        organizer=_mailbox(component.get("ORGANIZER")),
        attendees=tuple(
            (
                _mailbox(one),
                _text(getattr(one, "params", {}).get("PARTSTAT")).upper() or "NEEDS-ACTION",
            )
            for one in attendees[:MAX_ATTENDEES]
        ),
        sequence=_number(component.get("SEQUENCE")),
        status=_text(component.get("STATUS")).upper(),
        location=_text(component.get("LOCATION")),
    )


def _text(value: Any) -> str:
    value = value[0] if isinstance(value, list) and value else value
    return clean_line(str(value)) if value is not None else ""


def _mailbox(value: Any) -> str:
    text = _text(value)
    return text[7:] if text.lower().startswith("mailto:") else text


def _number(value: Any) -> int:
    try:
        return int(str(value)) if value is not None else 0
    except ValueError:
        return 0


def _moment(value: Any) -> datetime | date | None:
    """A day, or an instant in UTC; a floating time counts as UTC (RFC 5545 section 3.3.5)."""
    moment = getattr(value[0] if isinstance(value, list) and value else value, "dt", None)
    if isinstance(moment, datetime):
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment if isinstance(moment, date) else None
