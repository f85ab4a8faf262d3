"""Is the new model better than the old one on the same held-out mail? Exact McNemar test.

It judges two finished models; it trains nothing and puts nothing into force.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from classifiers.dataset import Example
from classifiers.evaluate import Evaluation, evaluate
from classifiers.model import Model

LEAST_HELD_OUT = 30
"""Held-out mails below which no model is promoted: the test could show nothing."""
SIGNIFICANCE = 0.05
TOLERATED_BOAST = 0.05
"""Mean score minus accuracy may not rise by more than this: a confident liar is no improvement."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same mail, and the verdict."""

    old: Evaluation
    new: Evaluation
    only_old_right: int
    only_new_right: int
    p_value: float
    """One-sided exact McNemar: how likely so many wins of the new one were between equals."""
    promote: bool
    reason: str

    def as_json(self) -> dict[str, object]:
        """For `--json` and for the stored record of a promotion."""
        return {
            "held_out": self.new.examples,
            "old_accuracy": round(self.old.accuracy, 6),
            "new_accuracy": round(self.new.accuracy, 6),
            "only_old_right": self.only_old_right,
            "only_new_right": self.only_new_right,
            "p_value": round(self.p_value, 6),
            "promote": self.promote,
            "reason": self.reason,
        }


def binomial_tail(wins: int, trials: int, share: float = 0.5) -> float:
    """P(X >= wins) for X ~ Binomial(trials, share), summed exactly in logarithms."""
    if wins <= 0:
        return 1.0
    if wins > trials or share <= 0.0:
        return 0.0
    if share >= 1.0:
        return 1.0
    log_yes, log_no = math.log(share), math.log1p(-share)
    top = math.lgamma(trials + 1)
    terms = (
        math.exp(
            top
            - math.lgamma(k + 1)
            - math.lgamma(trials - k + 1)
            + k * log_yes
            + (trials - k) * log_no
        )
        for k in range(wins, trials + 1)
    )
    return min(1.0, math.fsum(terms))


def compare(old: Model, new: Model, held_out: Sequence[Example]) -> Comparison:
    """Both models on `held_out`, mail that neither was fitted on (McNemar 1947, exact form).

    The rule: at least `LEAST_HELD_OUT` mails; the new model right where the old one was wrong more
    often than the reverse, with a one-sided p below `SIGNIFICANCE`; and scores that do not boast
    more than the old ones by more than `TOLERATED_BOAST`. ValueError: no held-out mail at all.
    """
    before, after = evaluate(old, held_out), evaluate(new, held_out)
    return judge(before, after)


def judge(old: Evaluation, new: Evaluation) -> Comparison:
    """The verdict over two evaluations of the same mail in the same order."""
    both = list(zip(old.outcomes, new.outcomes, strict=True))
    if any(a.truth != b.truth for a, b in both):
        raise ValueError("two models can only be compared on the same mail in the same order")
    lost = sum(a.right and not b.right for a, b in both)
    won = sum(b.right and not a.right for a, b in both)
    p_value = binomial_tail(won, won + lost)
    promote, reason = _verdict(old, new, (lost, won), p_value)
    return Comparison(old, new, lost, won, p_value, promote, reason)


def _verdict(
    old: Evaluation, new: Evaluation, changed: tuple[int, int], p_value: float
) -> tuple[bool, str]:
    lost, won = changed
    figures = (
        f"accuracy {old.accuracy:.1%} -> {new.accuracy:.1%} on {new.examples} held-out mails, "
        f"{won} newly right, {lost} newly wrong, p = {p_value:.3f}"
    )
    if new.examples < LEAST_HELD_OUT:
        return False, f"not promoted: only {new.examples} of {LEAST_HELD_OUT} mails to judge by"
    if p_value >= SIGNIFICANCE:
        return False, f"not promoted: not clearly better ({figures})"
    before, after = boast(old), boast(new)
    if after > max(before, 0.0) + TOLERATED_BOAST:
        return False, f"not promoted: it is surer than it is right, {before:+.3f} -> {after:+.3f}"
    return True, f"better: {figures}"


def boast(evaluation: Evaluation) -> float:
    """Mean score minus accuracy: above 0 the model promises more than it keeps."""
    mean = sum(outcome.score for outcome in evaluation.outcomes) / evaluation.examples
    return mean - evaluation.accuracy
