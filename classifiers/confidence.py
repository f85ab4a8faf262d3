"""How sure one answer is: probabilities from margins, and the strength that thresholds look at.

Not how temperature and thresholds are found (`calibration.py`). Needs no NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

FEW_LABELS = 20
"""Up to so many labels: mail to teams. More: one-sentence intents."""
KNOWN_OF_FEW = 0.1
KNOWN_OF_MANY = 0.75
"""What being known adds to the strength of an answer (chosen on CLINC150's validation part)."""


def familiarity(strange: float, linked: float, words: float) -> float:
    """How well a model of many labels knows a text, from 0 to 1.

    `strange`: share of the text's squared length z that unknown words make up, so that a rare word
    counts more than "the"; `linked`: how many neighbouring words the model knows as a pair;
    `words`: how many there are. Words count twice as much as pairs.
    """
    pairs = min(linked / (words - 1.0), 1.0) if words > 1.0 else 0.0
    return (2.0 * (1.0 - min(strange, 1.0)) + pairs) / 3.0


def strength_of(labels: int, margin: float, probability: float, known: float) -> float:
    """How far an answer can be trusted: what thresholds are compared with.

    Among few labels the probability tells right from wrong best; among many, where text that fits
    nowhere is the danger, the margin does (measured on held-out folds of training mail). Either way
    a mail that the model does not know is trusted less: `known` is the share of known words among
    few labels and `familiarity` among many.
    """
    if labels <= FEW_LABELS:
        return probability + KNOWN_OF_FEW * known
    return margin + KNOWN_OF_MANY * known


def softmax(margins: Sequence[float], temperature: float) -> list[float]:
    """Probabilities of one mail's margins; they sum to 1."""
    top = max(margins)
    weights = [math.exp((margin - top) / temperature) for margin in margins]
    total = math.fsum(weights)
    return [weight / total for weight in weights]
