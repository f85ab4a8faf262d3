"""Buckets hold what they are given; a flood is told from those who have nothing to do with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.floods import Bounds, Buckets, Floods, Pair, counted

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
US = "hello@aboard.example"


@given(st.lists(st.floats(0, 50), max_size=200), st.integers(1, 20), st.integers(1, 100))
def test_a_bucket_never_gives_more_than_it_holds(
    gaps: list[float], amount: int, seconds: int
) -> None:
    buckets, now, taken = Buckets(amount, seconds), 0.0, 0
    for gap in gaps:
        now += gap
        taken += buckets.take("x", now)
    assert taken <= amount + now * amount / seconds + 1e-6


def test_memory_is_bounded_and_the_key_that_asked_last_is_kept() -> None:
    buckets = Buckets(1, 60, most_keys=10)
    for number in range(1000):
        buckets.take(str(number), 0.0)
    assert len(buckets) == 10
    assert not buckets.take("999", 0.0)


def test_a_flood_of_one_sender_leaves_room_for_everybody_else() -> None:
    floods = Floods(Bounds(sender=10, domain=50, mailbox=100), frozenset())
    said = [floods.deferred("bot@noisy.example", [US], 0.0) for _ in range(1000)]
    assert said == [False] * 10 + [True] * 990
    assert not floods.deferred("ana@noisy.example", [US], 0.0)
    assert not floods.deferred("bo@other.example", [US], 0.0)


def test_a_flood_of_many_senders_is_told_by_domain_and_by_mailbox() -> None:
    floods = Floods(Bounds(sender=10, domain=50, mailbox=100), frozenset({"mail.example"}))
    one_domain = [floods.deferred(f"b{n}@noisy.example", [US], 0.0) for n in range(200)]
    assert one_domain.count(False) == 50
    public = [floods.deferred(f"b{n}@mail.example", [US], 0.0) for n in range(200)]
    assert public.count(False) == 50  # what was left of the mailbox's
    assert floods.deferred("ana@acme.example", [US], 0.0)
    assert not floods.deferred("ana@acme.example", ["billing@aboard.example"], 0.0)
    assert not floods.deferred("ana@acme.example", [US, "billing@aboard.example"], 0.0)
    assert not floods.deferred("ana@acme.example", [US], 120.0)


def test_reports_share_no_bucket_of_a_sender() -> None:
    floods = Floods(Bounds(sender=10, domain=50, mailbox=100), frozenset())
    assert [floods.deferred("", [US], 0.0) for _ in range(101)] == [False] * 100 + [True]


@pytest.mark.parametrize(("gap", "stopped"), [(1, True), (9, True), (10, False), (60, False)])
def test_a_pair_is_stopped_by_more_than_so_many_within_an_hour(gap: int, stopped: bool) -> None:
    pair: Pair | None = None
    for number in range(30):
        pair = counted(pair, NOW + number * timedelta(minutes=gap), 6)
    assert pair is not None and pair.stopped is stopped


def test_what_is_stopped_stays_so_until_it_is_released() -> None:
    pair = counted(Pair(NOW, 7, True), NOW + timedelta(days=3), 6)
    assert (pair.stopped, pair.count) == (True, 1)


def test_a_second_before_the_last_one_takes_nothing_back() -> None:
    bucket = Buckets(2, seconds=60)
    assert bucket.take("a", 1000.0)
    assert bucket.take("a", 0.0)  # no time has gone by, and none is owed
    assert not bucket.take("a", 1001.0)
    assert bucket.take("a", 1031.0)
