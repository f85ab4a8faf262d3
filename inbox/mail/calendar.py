"""Reads calendar parts (RFC 5545, iTIP RFC 5546) into plain values. It answers no invitation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

from inbox.mail.clean import clean_line
from inbox.mail.letter import CalendarItem

MAX_SIZE = 1024 * 1024
"""Bytes of a calendar part that are read."""
MAX_ITEMS = 100
MAX_ATTENDEES = 500
BROKEN = "calendar-broken"
"""Defect: a calendar part that could not be read; it is kept as an attachment."""
_KINDS = ("VEVENT", "VTODO")


def read_calendar(text: str, method: str = "") -> tuple[tuple[CalendarItem, ...], str]:
    """(events and to-dos of one calendar part, defect or an empty text). Never raises.

    `method` is the one the part's Content-Type states, for calendars that state none themselves.
    """
    if len(text) > MAX_SIZE or text.count("BEGIN:") > 20 * MAX_ITEMS:
        return (), BROKEN
    from icalendar import Calendar  # 150 ms to import, and few mails need it

    try:
        calendars = Calendar.from_ical(text, multiple=True)
        items = [item for calendar in calendars for item in _items(calendar, method)]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        # icalendar raises all of these on text that is not RFC 5545.
        return (), BROKEN
    return tuple(items[:MAX_ITEMS]), "" if items else BROKEN


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
