"""Learning from this installation: shipped and own labels together, judged on own held-out mail.

It trains and compares; putting a model into force, shadow mode and rollback are the inbox's affair.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from classifiers.compare import Comparison, judge
from classifiers.dataset import Example
from classifiers.evaluate import evaluate
from classifiers.fit import FitOptions, Progress, fit
from classifiers.grouping import group_examples, hold_out_latest
from classifiers.model import Model
from classifiers.terms import FeatureOptions

ACCEPTED_WEIGHT = 0.3
"""A closed thread that nobody moved is a weak label: weight of that beside a correction's 1."""


OWN_OPTIONS = FitOptions(
    features=FeatureOptions(min_examples=3, min_accounts=3, min_pair_examples=3, character_bits=15)
)
"""Own mail is private: a term, or a row of n-grams, is kept only where three accounts share it."""


@dataclass(frozen=True, slots=True)
class Mixing:
    """How shipped and own examples weigh against each other, per team.

    The defaults weigh them alike, which was measured to be best (docs/CLASSIFIER.md): a shipped set
    that fades loses more than the own labels bring. An installation unlike it may choose otherwise.
    """

    own_boost: float = 1.0
    """Weight of an own label while there are few of them."""
    fade_from: int = 10
    """Own labels of a team from which its shipped examples begin to count less."""
    least: float = 1.0
    """What a shipped example counts at least, however many own ones there are."""


@dataclass(frozen=True, slots=True)
class LearnOptions:
    """How to learn from own labels."""

    fit: FitOptions = field(default_factory=lambda: OWN_OPTIONS)
    mixing: Mixing = field(default_factory=Mixing)
    held_out: float = 0.25
    """Share of own labelled mail, latest accounts first, on which old and new are compared."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """A new model and how it did beside the old one; `model` never saw the held-out mail."""

    model: Model
    comparison: Comparison | None
    """None where there was no old model or no own mail to compare on."""
    promote: bool
    reason: str
    held_out: int
    own: int


def mix(
    shipped: Sequence[Example], own: Sequence[Example], mixing: Mixing | None = None
) -> list[Example]:
    """Shipped and own examples with their weights.

    With n own labels of a team, an own one weighs `own_boost` (falling to 1 as n grows), a shipped
    one `fade_from / n` (1 up to there, never below `least`).
    """
    rule = mixing or Mixing()
    counts = Counter(example.label for example in own)

    def shipped_weight(label: str) -> float:
        return max(rule.least, min(1.0, rule.fade_from / max(counts[label], 1)))

    def own_weight(label: str) -> float:
        return max(1.0, rule.own_boost * min(1.0, rule.fade_from / counts[label]))

    return [replace(e, weight=e.weight * shipped_weight(e.label), own=False) for e in shipped] + [
        replace(e, weight=e.weight * own_weight(e.label), own=True) for e in own
    ]


def learn(
    shipped: Sequence[Example],
    own: Sequence[Example],
    old: Model | None,
    options: LearnOptions | None = None,
    progress: Progress | None = None,
) -> Lesson:
    """Train on shipped and the older own mail, compare on the latest own accounts, and say.

    Own mail is split by account (and near-duplicates) and time: no held-out account has mail on
    the training side. Where the old model has seen some of that mail itself, the comparison is in
    its favour, never in favour of the new one. FitError: fewer than two labels altogether.
    """
    chosen = options or LearnOptions()
    groups = group_examples(own)
    side = hold_out_latest(own, groups, chosen.held_out)
    kept = [own[index] for index in np.flatnonzero(side == 0).tolist()]
    held = [own[index] for index in np.flatnonzero(side == 1).tolist()]
    model = fit(mix(shipped, kept, chosen.mixing), chosen.fit, progress=progress)
    if old is None:
        return Lesson(model, None, True, "there was no model before", len(held), len(own))
    if not held:
        reason = "not promoted: there is no own mail to compare the models on"
        return Lesson(model, None, False, reason, 0, len(own))
    verdict = judge(evaluate(old, held, progress), evaluate(model, held, progress))
    return Lesson(model, verdict, verdict.promote, verdict.reason, len(held), len(own))
