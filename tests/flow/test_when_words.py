"""Instants in the words that people type."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from inbox.errors import AboardError
from inbox.flow.texts.when_words import instant

NOW = datetime(2026, 3, 4, 14, 20, tzinfo=UTC)  # a Wednesday


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("tomorrow", "2026-03-05T09:00"),
        ("Tomorrow 9", "2026-03-05T09:00"),
        ("tomorrow at 4pm", "2026-03-05T16:00"),
        ("today", "2026-03-04T18:00"),
        ("tonight 22:15", "2026-03-04T22:15"),
        ("mon", "2026-03-09T09:00"),
        ("next Monday 8:30", "2026-03-09T08:30"),
        ("wednesday", "2026-03-11T09:00"),
        ("next week", "2026-03-09T09:00"),
        ("3d", "2026-03-07T09:00"),
        ("in 2 hours", "2026-03-04T16:20"),
        ("45 min", "2026-03-04T15:05"),
        ("1w", "2026-03-11T09:00"),
        ("1 dec 14:30", "2026-12-01T14:30"),
        ("2 january", "2027-01-02T09:00"),
        ("24 Dec 2026", "2026-12-24T09:00"),
        ("2026-12-01", "2026-12-01T09:00"),
        ("2026-12-01T09:45", "2026-12-01T09:45"),
        ("16:00", "2026-03-04T16:00"),
        ("9", "2026-03-05T09:00"),
        ("12am", "2026-03-05T00:00"),
    ],
)
def test_words_mean_an_instant(typed: str, meant: str) -> None:
    assert instant(typed, NOW) == datetime.fromisoformat(meant).replace(tzinfo=UTC)


def test_words_are_meant_where_the_person_is() -> None:
    lisbon = ZoneInfo("Europe/Lisbon")
    assert instant("1 jul 9:00", NOW, lisbon) == datetime(2026, 7, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "typed", ["", "soon", "31 feb", "25:00", "13pm", "monkey", "2026-13-01", "mon mon"]
)
def test_what_is_no_time_says_what_can_be_written(typed: str) -> None:
    with pytest.raises(AboardError, match="write for instance"):
        instant(typed, NOW)


@pytest.mark.parametrize("typed", ["today 9", "2025-01-01", "2030-01-01"])
def test_only_what_is_to_come_and_near(typed: str) -> None:
    with pytest.raises(AboardError, match=r"has passed|two years"):
        instant(typed, NOW)
