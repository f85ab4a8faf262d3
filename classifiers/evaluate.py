"""How good a model is on labelled mail it has not seen. It measures; `compare.py` decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from classifiers.calibration import expected_calibration_error
from classifiers.dataset import Example
from classifiers.model import Model, Prediction

Progress = Callable[[str, int, int], None]

COVERAGES = (100, 90, 80)
"""Percent of the mail that is answered, surest first."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was right, and what the model said."""

    truth: str
    label: str
    score: float
    strength: float
    abstain: bool

    @property
    def right(self) -> bool:
        """The best label is the true one (also where the model abstained)."""
        return self.truth == self.label


@dataclass(frozen=True, slots=True)
class ClassScore:
    """Precision, recall and F1 of one label, 0 where undefined."""

    precision: float
    recall: float
    f1: float
    support: int
    """Mails that truly have this label."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All figures of one run."""

    examples: int
    accuracy: float
    macro_f1: float
    per_class: dict[str, ClassScore]
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    """`confusion[i][j]`: mails of `labels[i]` that were given `labels[j]`."""
    ece: float
    """Expected calibration error, 15 bins of equal width."""
    accuracy_at_coverage: dict[int, float]
    majority_baseline: float
    """Accuracy of always giving the most frequent label."""
    routed: float
    """Share that the model would have routed by itself."""
    accuracy_when_routed: float | None
    outcomes: tuple[Outcome, ...]

    def as_json(self) -> dict[str, object]:
        """The shape that `aboard classifier evaluate --json` prints."""
        return {
            "examples": self.examples,
            "accuracy": round(self.accuracy, 6),
            "macro_f1": round(self.macro_f1, 6),
            "per_class": {
                label: {
                    "precision": round(score.precision, 6),
                    "recall": round(score.recall, 6),
                    "f1": round(score.f1, 6),
                    "support": score.support,
                }
                for label, score in self.per_class.items()
            },
            "confusion": {
                "labels": list(self.labels),
                "rows": [list(row) for row in self.confusion],
            },
            "ece": round(self.ece, 6),
            "accuracy_at_coverage": {
                str(share): round(value, 6) for share, value in self.accuracy_at_coverage.items()
            },
            "majority_baseline": round(self.majority_baseline, 6),
            "routed": round(self.routed, 6),
            "accuracy_when_routed": None
            if self.accuracy_when_routed is None
            else round(self.accuracy_when_routed, 6),
        }


def outcome_of(prediction: Prediction, truth: str) -> Outcome:
    """A prediction beside the truth."""
    return Outcome(
        truth, prediction.label, prediction.score, prediction.strength, prediction.abstain
    )


def evaluate(
    model: Model, examples: Sequence[Example], progress: Progress | None = None
) -> Evaluation:
    """All figures of `model` on `examples`. ValueError: there are none."""
    outcomes: list[Outcome] = []
    for done, example in enumerate(examples):
        if progress is not None and done % 100 == 0:
            progress("evaluating", done, len(examples))
        outcomes.append(outcome_of(model.predict(example.mail, evidence=0), example.label))
    if progress is not None:
        progress("evaluating", len(examples), len(examples))
    return summarise(outcomes)


def summarise(outcomes: Sequence[Outcome]) -> Evaluation:
    """All figures of outcomes, wherever they come from. ValueError: there are none."""
    if not outcomes:
        raise ValueError("nothing to evaluate: there is not one labelled mail")
    total = len(outcomes)
    labels = tuple(sorted({o.truth for o in outcomes} | {o.label for o in outcomes}))
    confusion = _confusion(outcomes, labels)
    per_class = {label: _class_score(confusion, at) for at, label in enumerate(labels)}
    right = np.array([outcome.right for outcome in outcomes], dtype=np.float64)
    scores = np.array([outcome.score for outcome in outcomes])
    routed = [outcome for outcome in outcomes if not outcome.abstain]
    return Evaluation(
        examples=total,
        accuracy=float(right.mean()),
        macro_f1=sum(score.f1 for score in per_class.values()) / len(labels),
        per_class=per_class,
        labels=labels,
        confusion=confusion,
        ece=expected_calibration_error(scores, right),
        accuracy_at_coverage=accuracy_at(outcomes, COVERAGES),
        majority_baseline=max(Counter(o.truth for o in outcomes).values()) / total,
        routed=len(routed) / total,
        accuracy_when_routed=sum(o.right for o in routed) / len(routed) if routed else None,
        outcomes=tuple(outcomes),
    )


def accuracy_at(outcomes: Sequence[Outcome], shares: Sequence[int]) -> dict[int, float]:
    """Accuracy over the surest `share` percent of the mail, for each share."""
    ranked = sorted(outcomes, key=lambda outcome: -outcome.strength)
    found: dict[int, float] = {}
    for share in shares:
        kept = ranked[: max(1, round(len(ranked) * share / 100))]
        found[share] = sum(outcome.right for outcome in kept) / len(kept)
    return found


def _confusion(outcomes: Sequence[Outcome], labels: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    counts = Counter((outcome.truth, outcome.label) for outcome in outcomes)
    return tuple(tuple(counts[truth, label] for label in labels) for truth in labels)


def _class_score(confusion: tuple[tuple[int, ...], ...], at: int) -> ClassScore:
    hit = confusion[at][at]
    support = sum(confusion[at])
    given = sum(row[at] for row in confusion)
    precision = hit / given if given else 0.0
    recall = hit / support if support else 0.0
    f1 = 2 * precision * recall / (precision + recall) if hit else 0.0
    return ClassScore(precision, recall, f1, support)
