"""From margins to honest numbers: one temperature, thresholds per team, and how well both hold.

Not a trainer: it only sees margins of held-out mail with their true labels. Needs NumPy; SciPy only
in `clopper_pearson_upper` on arrays (training).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.confidence import FEW_LABELS as FEW_LABELS
from classifiers.confidence import strength_of

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def softmax_rows(margins: Floats, temperature: float) -> Floats:
    """`confidence.softmax` for many mails, one a row."""
    scaled = (margins - margins.max(axis=1, keepdims=True)) / temperature
    weights = np.exp(scaled)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float64)


def mailbox_shift(margins: Floats, temperature: float, shares: Floats) -> Floats:
    """What to add to margins so that they expect labels as often as the mailbox has them.

    `margins` are those of unlabelled mail, `shares` how often each label is among the labelled.
    Expectation-maximisation over the label shares (Saerens et al. 2002); half of the shift is
    taken, because the shares of a weak model are themselves uncertain.
    """
    likelihood = softmax_rows(margins, temperature) / shares
    found = shares.copy()
    for _ in range(30):
        joint = likelihood * found
        found = np.maximum((joint / joint.sum(axis=1, keepdims=True)).mean(axis=0), 1e-6)
    return np.asarray(0.5 * temperature * np.log(found / shares), dtype=np.float64)


def negative_log_likelihood(
    margins: Floats, truth: Ints, temperature: float, weights: Floats
) -> float:
    """Mean of -log p(true label), weighted."""
    scaled = (margins - margins.max(axis=1, keepdims=True)) / temperature
    log_total = np.log(np.exp(scaled).sum(axis=1))
    losses = log_total - scaled[np.arange(len(truth)), truth]
    return float((losses * weights).sum() / weights.sum())


def fit_temperature(margins: Floats, truth: Ints, weights: Floats | None = None) -> float:
    """The temperature in [0.02, 20] that makes held-out margins most likely (golden section)."""
    if len(truth) == 0:
        return 1.0
    weight = np.ones(len(truth)) if weights is None else weights
    low, high = math.log(0.02), math.log(20.0)
    ratio = (math.sqrt(5) - 1) / 2

    def loss(at: float) -> float:
        return negative_log_likelihood(margins, truth, math.exp(at), weight)

    left, right = high - ratio * (high - low), low + ratio * (high - low)
    loss_left, loss_right = loss(left), loss(right)
    for _ in range(40):
        if loss_left <= loss_right:
            high, right, loss_right = right, left, loss_left
            left = high - ratio * (high - low)
            loss_left = loss(left)
        else:
            low, left, loss_left = left, right, loss_right
            right = low + ratio * (high - low)
            loss_right = loss(right)
    return math.exp((low + high) / 2)


@dataclass(frozen=True, slots=True)
class Promise:
    """What automatic routing promises: a share of right answers, and how sure we want to be."""

    precision: float = 0.95
    confidence: float = 0.90


def clopper_pearson_upper(
    errors: npt.ArrayLike, trials: npt.ArrayLike, confidence: float
) -> Floats:
    """Upper bound of an error share (Clopper and Pearson 1934), one-sided at `confidence`."""
    from scipy.stats import beta

    wrong, total = np.asarray(errors, np.float64), np.asarray(trials, np.float64)
    bound = np.ones_like(total)
    some = wrong < total
    bound[some] = beta.ppf(confidence, wrong[some] + 1, total[some] - wrong[some])
    return bound


def lowest_threshold(strength: Floats, right: npt.NDArray[np.bool_], promise: Promise) -> float:
    """The smallest strength above which the promise holds on held-out mail; infinity if none.

    Chosen over many candidates, so a heuristic and no strict guarantee: live corrections audit it
    (`drift.py`).
    """
    if len(strength) == 0:
        return math.inf
    order = np.argsort(-strength, kind="stable")
    ranked = strength[order]
    errors = np.cumsum(~right[order])
    upper = clopper_pearson_upper(errors, np.arange(1, len(order) + 1), promise.confidence)
    # Only places where the strength really changes can be told apart by a threshold.
    changes = np.append(ranked[:-1] > ranked[1:], True)
    holds = np.flatnonzero((upper <= 1 - promise.precision) & changes)
    if len(holds) == 0:
        return math.inf
    last = int(holds[-1])
    below = ranked[last + 1] if last + 1 < len(ranked) else ranked[last] - 1e-6
    return float((ranked[last] + below) / 2)


@dataclass(frozen=True, slots=True)
class Answers:
    """What held-out margins say: per mail the best label, whether it is right, and how sure."""

    chosen: Ints
    right: npt.NDArray[np.bool_]
    confidence: Floats
    strength: Floats

    @classmethod
    def of(cls, margins: Floats, known: Floats, truth: Ints, temperature: float) -> Answers:
        """`known`: per mail, as `confidence.strength_of` takes it."""
        chosen = margins.argmax(axis=1)
        confidence = softmax_rows(margins, temperature).max(axis=1)
        triples = zip(margins.max(axis=1), confidence, known, strict=True)
        labels = margins.shape[1]
        strength = [strength_of(labels, *map(float, triple)) for triple in triples]
        return cls(chosen, chosen == truth, confidence, np.array(strength))

    def thresholds(self, labels: int, promise: Promise) -> list[float]:
        """`team_thresholds` of these answers."""
        return team_thresholds(self.strength, self.chosen, self.right, labels, promise)


ENOUGH_TO_JUDGE = 100
"""Held-out answers of one team from which its own precision, not the common one, decides."""


def team_thresholds(
    strength: Floats, chosen: Ints, right: npt.NDArray[np.bool_], teams: int, promise: Promise
) -> list[float]:
    """One threshold per team. A team keeps the promise on its own answers where there are enough.

    A team with few held-out answers takes the threshold that holds over all teams together; a team
    that has enough and never keeps the promise is never routed by itself (infinity).
    """
    pooled = lowest_threshold(strength, right, promise)
    found: list[float] = []
    for team in range(teams):
        own = chosen == team
        threshold = lowest_threshold(strength[own], right[own], promise)
        if math.isinf(threshold) and int(own.sum()) < ENOUGH_TO_JUDGE:
            threshold = pooled
        found.append(threshold)
    return found


def expected_calibration_error(confidence: Floats, right: Floats, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over equal-width bins (Guo et al. 2017)."""
    if len(confidence) == 0:
        return 0.0
    place = np.clip((confidence * bins).astype(np.int64), 0, bins - 1)
    gap = 0.0
    for index in range(bins):
        inside = place == index
        if inside.any():
            gap += abs(float(confidence[inside].sum()) - float(right[inside].sum()))
    return gap / len(confidence)
