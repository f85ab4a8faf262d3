"""Is the new model better than the old one on the same held-out mail, and does it lose nothing?

Better by an exact McNemar test; nothing lost of what is routed without a person. It judges two
finished models; it trains nothing and puts nothing into force.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from classifiers.dataset import Example
from classifiers.evaluate import Evaluation, Outcome, evaluate, summarise
from classifiers.model import Model

LEAST_HELD_OUT = 30
"""Held-out mails below which no model is promoted: the test could show nothing."""
SIGNIFICANCE = 0.05
TOLERATED_BOAST = 0.05
"""Mean score minus accuracy may not rise by more than this: a confident liar is no improvement."""
TOLERATED_LOSS = 0.01
"""Share of the held-out mail that may be routed rightly less, or of the routed mail that may go
wrong more; rounded up to a whole mail, because one mail proves nothing."""


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
    accepted: int = 0
    """Mails among `old` and `new` beyond the labelled ones: routed, and moved by nobody."""

    def as_json(self) -> dict[str, object]:
        """For `--json` and for the stored record of a promotion."""
        return {
            "held_out": self.new.examples,
            "accepted": self.accepted,
            "old_accuracy": round(self.old.accuracy, 6),
            "new_accuracy": round(self.new.accuracy, 6),
            "only_old_right": self.only_old_right,
            "only_new_right": self.only_new_right,
            "p_value": round(self.p_value, 6),
            "old_routed": round(self.old.routed, 6),
            "new_routed": round(self.new.routed, 6),
            "old_accuracy_when_routed": _rounded(self.old.accuracy_when_routed),
            "new_accuracy_when_routed": _rounded(self.new.accuracy_when_routed),
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


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 6)


def compare(old: Model, new: Model, held_out: Sequence[Example]) -> Comparison:
    """Both models on `held_out`, mail that neither was fitted on; the rule is that of `judge`.

    ValueError: no held-out mail at all.
    """
    return judge(evaluate(old, held_out), evaluate(new, held_out), promise=promise_of(old))


def promise_of(model: Model) -> float | None:
    """The precision that a model promises for what it routes; None where it states none."""
    stated = model.info.get("promise")
    return stated if isinstance(stated, float) and 0.0 < stated < 1.0 else None


def judge(
    old: Evaluation,
    new: Evaluation,
    *,
    accepted: tuple[Sequence[Outcome], Sequence[Outcome]] = ((), ()),
    promise: float | None = None,
) -> Comparison:
    """The verdict over two evaluations of the same mail in the same order.

    Promoted is a model for which all of this holds:

    * at least `LEAST_HELD_OUT` labelled mails to judge by;
    * newly right more often than newly wrong on them (exact McNemar 1947), one-sided
      p < `SIGNIFICANCE`;
    * its scores boast at most `TOLERATED_BOAST` more than those of the old one;
    * on these and on `accepted` mail (what old and new say of mail that nobody moved) it is newly
      wrong no more often than newly right: labels alone are mostly the old model's mistakes, and
      would favour whoever contradicts it;
    * of all this mail it routes as much rightly by itself as the old one (shedding what went wrong
      is no loss), and goes wrong no oftener in what it routes, both within `TOLERATED_LOSS`. Where
      the old one routed nothing, the `promise` (a share of right ones) stands in for it.
    """
    lost, won = _changed(old.outcomes, new.outcomes)
    p_value = binomial_tail(won, won + lost)
    all_old = summarise((*old.outcomes, *accepted[0]))
    all_new = summarise((*new.outcomes, *accepted[1]))
    reason = _why_not(old, new, (lost, won), p_value) or _what_it_loses(all_old, all_new, promise)
    figures = _figures(old, new, (lost, won), p_value)
    return Comparison(
        old=old,
        new=new,
        only_old_right=lost,
        only_new_right=won,
        p_value=p_value,
        promote=not reason,
        reason=f"not promoted: {reason}" if reason else f"better: {figures}",
        accepted=len(accepted[0]),
    )


def _changed(old: Sequence[Outcome], new: Sequence[Outcome]) -> tuple[int, int]:
    """(newly wrong, newly right). ValueError for outcomes that are not of the same mail."""
    both = list(zip(old, new, strict=True))
    if any(a.truth != b.truth for a, b in both):
        raise ValueError("two models can only be compared on the same mail in the same order")
    lost = sum(a.right and not b.right for a, b in both)
    won = sum(b.right and not a.right for a, b in both)
    return lost, won


def _figures(old: Evaluation, new: Evaluation, changed: tuple[int, int], p_value: float) -> str:
    lost, won = changed
    return (
        f"accuracy {old.accuracy:.1%} -> {new.accuracy:.1%} on {new.examples} held-out mails, "
        f"{won} newly right, {lost} newly wrong, p = {p_value:.3f} (exact McNemar test, one-sided)"
    )


def _why_not(old: Evaluation, new: Evaluation, changed: tuple[int, int], p_value: float) -> str:
    """Why the new model is not shown to be better; empty where it is."""
    if new.examples < LEAST_HELD_OUT:
        return f"only {new.examples} of {LEAST_HELD_OUT} mails to judge by"
    if p_value >= SIGNIFICANCE:
        return f"not clearly better ({_figures(old, new, changed, p_value)})"
    before, after = boast(old), boast(new)
    if after > max(before, 0.0) + TOLERATED_BOAST:
        return f"it is surer than it is right, {before:+.3f} -> {after:+.3f}"
    return ""


def _what_it_loses(old: Evaluation, new: Evaluation, promise: float | None) -> str:
    """What of the routing without a person would be lost; empty where nothing is."""
    lost, won = _changed(old.outcomes, new.outcomes)
    if lost > won:
        return (
            f"with mail that nobody moved it is newly wrong {lost} times, newly right {won} times"
        )
    (before, wrong_before), (after, wrong_after) = _routed(old), _routed(new)
    kept, had = after - wrong_after, before - wrong_before
    if kept < had - math.ceil(TOLERATED_LOSS * old.examples):
        return (
            f"it would route {kept} of {new.examples} held-out mails rightly by itself, the old"
            f" model routes {had}"
        )
    share = wrong_before / before if before else 1.0 - (promise or 1.0)
    if wrong_after > math.ceil(round((share + TOLERATED_LOSS) * after, 9)):
        beside = f"at most {share:.0%} are promised"
        if before:
            beside = f"{wrong_before} of {before} with the old model"
        return (
            f"{wrong_after} of {after} mails that it would route by itself would go wrong, {beside}"
        )
    return ""


def _routed(said: Evaluation) -> tuple[int, int]:
    """(mails routed without a person, those of them that go wrong)."""
    routed = [outcome for outcome in said.outcomes if not outcome.abstain]
    return len(routed), sum(not outcome.right for outcome in routed)


def boast(evaluation: Evaluation) -> float:
    """Mean score minus accuracy: above 0 the model promises more than it keeps."""
    mean = sum(outcome.score for outcome in evaluation.outcomes) / evaluation.examples
    return mean - evaluation.accuracy
