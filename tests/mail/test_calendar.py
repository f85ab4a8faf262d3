"""A stranger's calendar costs a bounded amount, reads no file of ours, and spoils no later one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import icalendar
import pytest

from inbox.mail.calendar import BROKEN, MAX_ITEMS, MAX_PIECES, read_calendars
from inbox.mail.parse import parse_letter
from routing.hours_ical import days_off

EVENT = "BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTART{zone}:20260701T090000\r\n{more}END:VEVENT\r\n"


def calendar(*, uid: str = "u1", zones: str = "", zone: str = "", more: str = "") -> str:
    event = EVENT.format(uid=uid, zone=f";TZID={zone}" if zone else "", more=more)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\n{zones}{event}END:VCALENDAR\r\n"


def zone(name: str, offset: str, rule: str = "FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU") -> str:
    """A zone with the same offset in both halves of the year."""
    halves = "".join(
        f"BEGIN:{half}\r\nDTSTART:16010101T000000\r\nTZOFFSETFROM:{offset}\r\n"
        f"TZOFFSETTO:{offset}\r\nRRULE:{rule}\r\nEND:{half}\r\n"
        for half in ("STANDARD", "DAYLIGHT")
    )
    return f"BEGIN:VTIMEZONE\r\nTZID:{name}\r\n{halves}END:VTIMEZONE\r\n"


def read(*texts: str) -> tuple[list[str], str]:
    items, defect = read_calendars([(text, "") for text in texts])
    return [item.uid for item in items], defect


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What reaches the library, which costs by the line."""
    seen: list[str] = []
    real = icalendar.Calendar.from_ical

    def counted(text: str, multiple: bool = False) -> Any:
        seen.append(text)
        return real(text, multiple=multiple)

    monkeypatch.setattr(icalendar.Calendar, "from_ical", counted)
    return seen


@pytest.mark.parametrize("piece", ["A:b\r\n", "RDATE:20260301T090000Z\r\n", "X;A=b;C=d:e\r\n"])
def test_a_calendar_of_tiny_lines_is_a_defect_and_is_not_read(
    piece: str, unread: list[str]
) -> None:
    long = calendar(more=piece * (MAX_PIECES // sum(piece.count(mark) for mark in "\n,;") + 1))
    assert (read(long), unread) == (([], BROKEN), [])
    short = calendar(more=piece * 50)
    assert read(short) == (["u1"], "")


@pytest.mark.parametrize("mark", ",;")
def test_listed_values_count_as_lines_do(mark: str, unread: list[str]) -> None:
    assert read(calendar(more=f"A:{mark * MAX_PIECES}\r\n")) == ([], BROKEN)
    assert not unread


def test_many_parts_cost_no_more_than_one(unread: list[str]) -> None:
    parts = [calendar(uid=f"u{n}", more="A:b\r\n" * 1000) for n in range(200)]
    uids, defect = read(*parts)
    assert len(unread) < MAX_PIECES // 1000
    assert (uids, defect) == ([f"u{n}" for n in range(len(unread))], BROKEN)
    unread.clear()
    assert read(*[calendar()] * 50) == (["u1"], "")
    assert len(unread) == 1, "the same invitation, as text and as a file, is read once"


def test_a_long_list_of_events_gives_the_first_hundred() -> None:
    events = "".join(EVENT.format(uid=f"u{n}", zone="", more="") for n in range(150))
    uids, defect = read(f"BEGIN:VCALENDAR\r\n{events}END:VCALENDAR\r\n")
    assert (uids, defect) == ([f"u{n}" for n in range(MAX_ITEMS)], "")


def test_a_mail_with_such_a_calendar_is_filed_with_the_defect() -> None:
    text = calendar(more="A:b\r\n" * MAX_PIECES)
    head = "From: a@acme.example\r\nContent-Type: text/calendar\r\n\r\n"
    letter = parse_letter(f"{head}{text}".encode())
    assert (letter.calendar, BROKEN in letter.defects) == ((), True)
    assert [one.content_type for one in letter.attachments] == ["text/calendar"]


def test_a_calendar_that_is_the_path_of_a_file_reads_no_file(tmp_path: Path) -> None:
    ours = tmp_path / "ours.ics"
    ours.write_text(calendar(uid="ours"))
    for path in (str(ours), f"{ours} ", f" {ours}"):
        assert read(path) == ([], BROKEN)
    days, problems = days_off(str(ours).encode(), "holidays.ics")
    assert (days, [one.code for one in problems]) == (frozenset(), ["bad-calendar"])


def test_a_zone_that_a_mail_defines_holds_for_that_mail_alone() -> None:
    """Zones are called by the names of Windows; a stranger's must not become everybody's."""
    for offset, hour in (("+0900", 0), ("+0200", 7), ("-0500", 14)):
        for name in ("W. Europe Standard Time", "Customized Time Zone"):
            items, _ = read_calendars([(calendar(zones=zone(name, offset), zone=name), "")])
            assert items[0].start == datetime(2026, 7, 1, hour, tzinfo=UTC), (name, offset)
    items, _ = read_calendars([(calendar(zone="W. Europe Standard Time"), "")])
    assert items[0].start == datetime(2026, 7, 1, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=MINUTELY",
        "FREQ=HOURLY",
        "FREQ=DAILY",
        "FREQ=YEARLY;BYMONTH=3;BYHOUR=1,2,3;BYMINUTE=1,2,3;BYSECOND=1,2,3",
    ],
)
def test_a_zone_that_changes_all_the_time_is_a_defect(
    rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def worked_out(*_: object) -> None:
        raise AssertionError("the zone was worked out")

    monkeypatch.setattr("inbox.mail.calendar._moment", worked_out)
    assert read(calendar(zones=zone("Mine", "+0100", rule), zone="Mine")) == ([], BROKEN)


def test_a_zone_with_more_rules_than_any_place_had_is_a_defect() -> None:
    zones = "".join(zone(f"Z{n}", "+0100") for n in range(30))
    assert read(calendar(zones=zones, zone="Z1")) == ([], BROKEN)
