"""Automatic mail stays within its bounds, whatever the other side does."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.manners import DAY, Automatic, Earlier, Limits, Quiet, may_send

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LIMITS = Limits()


def sent(role: str, thread_id: int = 1, **ago: float) -> Earlier:
    return Earlier(NOON - timedelta(**ago), role, thread_id)


def test_one_acknowledgement_a_thread_and_day() -> None:
    before = [sent("acknowledges", hours=3)]
    assert not may_send(Automatic("acknowledges", 1, answers_at=NOON), before, LIMITS, NOON).send
    assert may_send(Automatic("acknowledges", 2, answers_at=NOON), before, LIMITS, NOON).send
    yesterday = [sent("acknowledges", hours=24)]
    assert may_send(Automatic("acknowledges", 1, answers_at=NOON), yesterday, LIMITS, NOON).send


def test_what_comes_back_at_once_is_taken_for_a_robot_without_any_header() -> None:
    before = [sent("acknowledges", 1, minutes=2)]
    verdict = may_send(Automatic("acknowledges", 2, answers_at=NOON), before, LIMITS, NOON)
    assert (verdict.send, verdict.not_before) == (False, None)
    assert "may be a robot's" in verdict.why


def test_strangers_have_a_budget_and_those_we_know_have_not() -> None:
    full = {"strangers_in_hour": 30, "answers_at": NOON}
    assert not may_send(Automatic("acknowledges", 1, vouched=False, **full), [], LIMITS, NOON).send  # type: ignore[arg-type]
    assert may_send(Automatic("acknowledges", 1, **full), [], LIMITS, NOON).send  # type: ignore[arg-type]


def test_a_second_reminder_waits_a_day_even_from_another_team() -> None:
    before = [sent("asks", 7, hours=5)]
    verdict = may_send(Automatic("asks", 1), before, LIMITS, NOON)
    assert (verdict.send, verdict.not_before) == (False, NOON + timedelta(hours=19))
    assert may_send(Automatic("late", 1), before, LIMITS, NOON).send


def test_a_late_notice_goes_on_the_day_of_the_acknowledgement() -> None:
    before = [sent("acknowledges", 1, hours=2)]
    assert may_send(Automatic("late", 1), before, LIMITS, NOON).send


def test_the_fifth_mail_of_a_day_waits_for_the_first_to_be_a_day_old() -> None:
    before = [sent("late", hours=hours) for hours in (20, 8, 6, 1)]
    verdict = may_send(Automatic("tells", 1), before, LIMITS, NOON)
    assert (verdict.send, verdict.not_before) == (False, NOON + timedelta(hours=4))
    assert not may_send(Automatic("acknowledges", 9, answers_at=NOON), before, LIMITS, NOON).send


@pytest.mark.parametrize(
    ("zone", "now", "until"),
    [
        ("Europe/Berlin", "2026-03-02T12:00", None),
        ("Europe/Berlin", "2026-03-02T20:30", "2026-03-03T07:00"),
        ("Europe/Berlin", "2026-03-02T03:00", "2026-03-02T07:00"),
        ("America/New_York", "2026-03-02T12:00", "2026-03-02T13:00"),
        # The night in which clocks go forward, and the one in which they go back.
        ("Europe/Berlin", "2026-03-28T22:00", "2026-03-29T06:00"),
        ("Europe/Berlin", "2026-10-24T22:00", "2026-10-25T07:00"),
    ],
)
def test_quiet_hours_are_those_of_the_reader(zone: str, now: str, until: str | None) -> None:
    quiet = Quiet(time(21), time(8), ZoneInfo(zone))
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    expected = None if until is None else datetime.fromisoformat(until).replace(tzinfo=UTC)
    assert quiet.until(at) == expected
    verdict = may_send(Automatic("asks", 1, quiet), [], LIMITS, at)
    assert (verdict.send, verdict.not_before) == (expected is None, expected)


ROLES = st.sampled_from(["acknowledges", "tells", "asks", "late"])


@given(
    st.lists(st.tuples(ROLES, st.integers(1, 3), st.integers(0, 600)), max_size=60),
    st.booleans(),
)
def test_no_way_of_asking_ever_breaks_the_bounds(
    asked: list[tuple[str, int, int]], quiet: bool
) -> None:
    """Whoever asks, in whatever order and at whatever moments: what was sent keeps to I9."""
    now, done = NOON, []
    hours = Quiet(time(22), time(6), ZoneInfo("UTC")) if quiet else None
    for role, thread_id, minutes in asked:
        now += timedelta(minutes=minutes)
        wanted = Automatic(role, thread_id, hours, now)
        verdict = may_send(wanted, done, LIMITS, now)
        if not verdict.send and verdict.not_before is not None:
            assert verdict.not_before > now
        if verdict.send:
            done.append(Earlier(now, role, thread_id))
    for one in done:
        day = [other for other in done if one.at <= other.at < one.at + DAY]
        assert len(day) <= 4
        assert sum(other.role == "asks" for other in day) <= 1
        for thread_id in (1, 2, 3):
            acks = [x for x in day if x.role == "acknowledges" and x.thread_id == thread_id]
            assert len(acks) <= 1
        if quiet and one.role != "acknowledges":
            assert 6 <= one.at.hour < 22
