"""From labelled mail to a model of this installation: what is learned from, and how it is judged.

The arithmetic is `classifiers`'; putting a model into force is `flow/models.py`'s.
"""

from __future__ import annotations

from collections.abc import Sequence

from classifiers.calibration import FEW_LABELS
from classifiers.dataset import Example
from classifiers.fit import FitOptions

FEW_PER_LABEL = 20
"""Examples per label below which a label's own name is worth an example of it."""


def options_for(examples: Sequence[Example], unlabelled: int = 0) -> FitOptions:
    """How to fit what a file holds: by its number of labels and of examples per label.

    Mail to teams with an unlabelled mailbox beside it gets latent topics; intents (dozens of
    labels, a sentence each) with few examples learn from their labels' names.
    """
    labels = len({example.label for example in examples}) or 1
    few = len(examples) / labels < FEW_PER_LABEL
    if labels > FEW_LABELS:
        return FitOptions(label_names=1.0 if few else 0.0)
    return FitOptions(topics=200 if unlabelled else 0)
