"""Who is promoted: better on labelled mail, and nothing lost of what is routed without a person."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import pytest
from hypothesis import given, strategies

from classifiers.compare import Comparison, judge
from classifiers.evaluate import Outcome, summarise

Kind = str
"""Two letters: r(ight) or w(rong), R(outed by itself) or T(o triage)."""


def _said(kinds: Sequence[Kind], truth: str = "a") -> list[Outcome]:
    return [
        Outcome(truth, truth if kind[0] == "r" else "b", 0.8, 0.8, kind[1] == "T") for kind in kinds
    ]


def _judged(
    old: Sequence[Kind],
    new: Sequence[Kind],
    accepted: tuple[Sequence[Kind], Sequence[Kind]] = ((), ()),
    promise: float | None = None,
) -> Comparison:
    both = (_said(accepted[0]), _said(accepted[1]))
    return judge(summarise(_said(old)), summarise(_said(new)), accepted=both, promise=promise)


def test_more_accurate_and_routing_more_is_promoted() -> None:
    found = _judged(["rR"] * 20 + ["wT"] * 20, ["rR"] * 35 + ["wT"] * 5)
    assert found.promote, found.reason
    assert "exact McNemar test" in found.reason


@pytest.mark.parametrize(("kept", "promoted"), [(20, True), (19, True), (18, False), (0, False)])
def test_a_more_accurate_model_that_routes_less_by_itself_is_refused(
    kept: int, promoted: bool
) -> None:
    """One mail of forty (1 %, rounded up) proves nothing; two are a loss."""
    new = ["rR"] * kept + ["rT"] * (35 - kept) + ["wT"] * 5
    found = _judged(["rR"] * 20 + ["wT"] * 20, new)
    assert found.promote is promoted
    assert promoted or "the old model routes 20" in found.reason


@pytest.mark.parametrize(("wrong", "promoted"), [(0, True), (1, True), (2, False), (5, False)])
def test_a_more_accurate_model_that_goes_wrong_oftener_in_what_it_routes_is_refused(
    wrong: int, promoted: bool
) -> None:
    new = ["rR"] * 35 + ["wR"] * wrong + ["wT"] * (5 - wrong)
    found = _judged(["rR"] * 20 + ["wT"] * 20, new)
    assert found.promote is promoted
    assert promoted or "would go wrong, 0 of 20 with the old model" in found.reason


@pytest.mark.parametrize(("wrong", "promoted"), [(5, True), (6, True), (7, False)])
def test_where_the_old_model_routed_nothing_the_promise_is_what_counts(
    wrong: int, promoted: bool
) -> None:
    """At a promise of 85 %, 16 % of 36 mails rounded up: six may go wrong."""
    new = ["rR"] * (36 - wrong) + ["wR"] * wrong + ["wT"] * 4
    found = _judged(["wT"] * 40, new, promise=0.85)
    assert found.promote is promoted
    assert promoted or "at most 15% are promised" in found.reason


def test_labels_are_not_all_mail_who_only_contradicts_is_refused() -> None:
    """Twenty corrections won, thirty of three hundred mails lost that nobody had to move."""
    labelled = (["wT"] * 40, ["rT"] * 20 + ["wT"] * 20)
    silent = (["rT"] * 300, ["rT"] * 270 + ["wT"] * 30)
    assert _judged(*labelled).promote
    found = _judged(*labelled, accepted=silent)
    assert not found.promote
    assert "newly wrong 30 times, newly right 20 times" in found.reason
    assert found.as_json()["accepted"] == 300
    assert found.as_json()["held_out"] == 40


def test_coverage_lost_on_mail_that_nobody_moved_counts_too() -> None:
    labelled = (["wT"] * 40, ["rT"] * 20 + ["wT"] * 20)
    found = _judged(*labelled, accepted=(["rR"] * 100, ["rR"] * 50 + ["rT"] * 50))
    assert not found.promote
    assert "it would route 50 of 140 held-out mails rightly by itself" in found.reason


def test_who_sheds_only_what_went_wrong_loses_nothing() -> None:
    """The old model routed everything, half of it wrongly; the new one asks a person instead."""
    found = _judged(["rR"] * 20 + ["wR"] * 20, ["rR"] * 20 + ["rT"] * 15 + ["wT"] * 5)
    assert found.promote, found.reason


KINDS = strategies.sampled_from(["rR", "wR", "rT", "wT"])


@given(strategies.lists(strategies.tuples(KINDS, KINDS), min_size=30, max_size=120))
def test_whatever_is_promoted_is_better_and_loses_nothing(pairs: list[tuple[str, str]]) -> None:
    old, new = [one for one, _ in pairs], [two for _, two in pairs]
    found = _judged(old, new)
    if not found.promote:
        return
    assert found.new.accuracy > found.old.accuracy
    assert found.p_value < 0.05
    rightly = [sum(kind == "rR" for kind in side) for side in (old, new)]
    assert rightly[1] >= rightly[0] - ceil(0.01 * len(pairs))
    before, after = found.old.accuracy_when_routed, found.new.accuracy_when_routed
    if before is not None and after is not None:
        routed = found.new.routed * len(pairs)
        assert after >= before - 0.01 - 1 / routed - 1e-9
