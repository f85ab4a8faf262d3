"""Temperature, thresholds and their promise."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from classifiers import fit as fitting
from classifiers.calibration import (
    Answers,
    Promise,
    clopper_pearson_upper,
    expected_calibration_error,
    fit_temperature,
    lowest_threshold,
    mailbox_shift,
    negative_log_likelihood,
    softmax_rows,
    team_thresholds,
)
from classifiers.compare import binomial_tail
from classifiers.confidence import softmax
from tests.classifiers.samples import SMALL, examples


def test_the_fitted_temperature_beats_its_neighbours() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 500)
    margins = rng.normal(0, 1, (500, 4))
    margins[np.arange(500), truth] += 1.0
    best = fit_temperature(margins, truth)
    ones = np.ones(500)
    loss = negative_log_likelihood(margins, truth, best, ones)
    for other in (best * 0.9, best * 1.1):
        assert loss < negative_log_likelihood(margins, truth, other, ones)


def test_a_temperature_recovers_the_scale_that_made_the_labels() -> None:
    rng = np.random.default_rng(3)
    margins = rng.normal(0, 1, (20_000, 3))
    shares = softmax_rows(margins, 0.4)
    truth = (shares.cumsum(axis=1) < rng.random((20_000, 1))).sum(axis=1)
    assert fit_temperature(margins, truth) == pytest.approx(0.4, rel=0.05)


def test_a_mailbox_with_another_mix_of_labels_shifts_the_margins_towards_it() -> None:
    rng = np.random.default_rng(2)
    truth = (rng.random(4_000) < 0.1).astype(int)
    margins = rng.normal(0, 1, (4_000, 2))
    margins[np.arange(4_000), truth] += 1.5
    even = np.array([0.5, 0.5])
    shift = mailbox_shift(margins, 1.0 / 1.5, even)
    assert shift[0] > 0 > shift[1]
    before = (margins.argmax(axis=1) == truth).mean()
    assert ((margins + shift).argmax(axis=1) == truth).mean() > before


def test_softmax_survives_huge_margins() -> None:
    assert softmax([1e6, 0.0], 0.02) == [1.0, 0.0]
    assert sum(softmax([-1e6, -1e6, -1e6], 1.0)) == pytest.approx(1.0)


@pytest.mark.parametrize("errors, trials", [(0, 45), (1, 60), (5, 200), (20, 400)])
def test_the_upper_bound_is_where_so_few_errors_become_unlikely(errors: int, trials: int) -> None:
    bound = float(clopper_pearson_upper([errors], [trials], 0.9)[0])
    assert 1 - binomial_tail(errors + 1, trials, bound) == pytest.approx(0.1, abs=1e-6)


def test_a_threshold_keeps_its_promise_on_the_mail_it_was_chosen_on() -> None:
    rng = np.random.default_rng(1)
    strength = rng.normal(0, 1, 2_000)
    right = rng.random(2_000) < 1 / (1 + np.exp(-3 * strength - 1))
    threshold = lowest_threshold(strength, right, Promise(0.95))
    routed = strength >= threshold
    assert 0.1 < routed.mean() < 0.9
    assert right[routed].mean() >= 0.95


def test_there_is_no_threshold_without_evidence() -> None:
    assert math.isinf(lowest_threshold(np.ones(0), np.ones(0, bool), Promise()))
    assert math.isinf(lowest_threshold(np.ones(44), np.ones(44, bool), Promise()))
    assert not math.isinf(lowest_threshold(np.ones(45), np.ones(45, bool), Promise()))


def test_equal_strengths_are_not_told_apart() -> None:
    right = np.array([True] * 60 + [False] * 60)
    assert math.isinf(lowest_threshold(np.ones(120), right, Promise()))


def test_an_imprecise_team_is_never_routed_and_a_small_one_follows_the_rest() -> None:
    chosen = np.array([0] * 300 + [1] * 150 + [2] * 5)
    right = np.ones(455, bool)
    right[300:450:3] = False
    strength = np.concatenate([np.full(300, 2.0), np.full(150, 1.0), np.full(5, 1.0)])
    found = team_thresholds(strength, chosen, right, 3, Promise())
    assert found[0] < 2.0
    assert math.isinf(found[1])
    assert 1.0 < found[2] < 2.0


def test_a_mailbox_of_another_mix_never_lowers_a_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bias that follows the mailbox is chosen after the folds; the promise has to hold with it."""
    monkeypatch.setattr(fitting, "FEW_LABELLED", 5)
    mailbox = [example.mail for example in examples() if example.label == "support"] * 3
    options = replace(SMALL, self_training=False, promise=Promise(0.3, 0.6))
    followed = fitting.fit(examples(), options, mailbox)
    monkeypatch.setattr(fitting, "mailbox_shift", lambda margins, *_: np.zeros(margins.shape[1]))
    still = fitting.fit(examples(), options, mailbox)
    assert followed.table.arrays.bias.numbers() != still.table.arrays.bias.numbers()
    assert not all(map(math.isinf, followed.thresholds))
    assert all(map(float.__ge__, followed.thresholds, still.thresholds))


def test_answers_are_sure_of_the_best_label_and_of_what_they_know() -> None:
    margins = np.array([[2.0, 0.0], [0.0, 0.1], [1.0, 0.0]])
    found = Answers.of(margins, np.array([1.0, 1.0, 0.0]), np.array([0, 0, 1]), 0.5)
    assert found.chosen.tolist() == [0, 1, 0]
    assert found.right.tolist() == [True, False, False]
    assert found.confidence.tolist() == pytest.approx(
        [softmax(list(m), 0.5)[0] for m in margins[:1]]
        + [softmax([0.0, 0.1], 0.5)[1], softmax([1.0, 0.0], 0.5)[0]]
    )
    assert found.strength[0] > found.strength[2] > found.strength[1] - 0.2


def test_calibration_error_is_zero_for_honest_and_large_for_boastful_scores() -> None:
    right = np.array([1.0] * 80 + [0.0] * 20)
    assert expected_calibration_error(np.full(100, 0.8), right) == pytest.approx(0.0)
    assert expected_calibration_error(np.full(100, 1.0), right) == pytest.approx(0.2)
    assert expected_calibration_error(np.zeros(0), np.zeros(0)) == 0.0
