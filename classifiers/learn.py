"""Shipped and own labels together: how own models are fitted, and what each example weighs.

Splitting, comparing and putting into force are the inbox's affair (`flow/learning/training.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from classifiers.dataset import Example
from classifiers.fit import FitOptions
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
