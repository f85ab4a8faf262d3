"""One correction taken in at once: a passive-aggressive step on the rows of the mail's words.

Not a refit, and not what keeps the same mistake from being made twice (`memory.py` does that): a
little step towards what things are called in a house. Crammer et al., Online Passive-Aggressive
Algorithms, JMLR 7 (2006), variant PA-I.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from classifiers.model import Model, fingerprint
from classifiers.table import Block
from classifiers.terms import term_frequency
from classifiers.text import MailText, Words, words_of

Floats = npt.NDArray[np.float64]

STEP = 0.1
"""C of PA-I: how far one step goes at most."""
FULL_STEPS = 20
"""With more corrections each goes less far, so that all together go no farther than so many do:
corrections are the model's mistakes, and what it had right does not answer back."""


def corrected(model: Model, mail: MailText, label: str, aggressiveness: float = STEP) -> Model:
    """`model` with `label` pushed above its rival for `mail`; unchanged where it already is.

    `aggressiveness` bounds the step. KeyError: unknown label.
    """
    return corrected_by(model, [(mail, label)], aggressiveness)


def corrected_by(
    model: Model, corrections: Sequence[tuple[MailText, str]], aggressiveness: float | None = None
) -> Model:
    """`model` after one step for each correction, in their order.

    `aggressiveness` bounds each step (C of PA-I); by itself it is `STEP`, and less from
    `FULL_STEPS` corrections on (docs/CLASSIFIER.md: at 0.4 dozens of them cost accuracy wherever
    the model was good before). The same model and corrections give the same result, bit for bit.
    KeyError: unknown label.
    """
    if aggressiveness is None:
        aggressiveness = STEP * min(1.0, FULL_STEPS / max(len(corrections), 1))
    table = model.table
    before = table.arrays.word_rows.array().astype(np.float64)
    rows = before.copy()
    moved = False
    for mail, label in corrections:
        if label not in model.labels:
            raise KeyError(f"this model knows no label {label!r}; it knows {list(model.labels)}")
        moved |= _step(model, (before, rows), (words_of(mail), label), aggressiveness)
    if not moved:
        return model
    changed = replace(table, arrays=replace(table.arrays, word_rows=Block.of(rows)))
    numbers = (model.temperature, *model.thresholds)
    return Model(
        labels=model.labels,
        table=changed,
        temperature=model.temperature,
        thresholds=model.thresholds,
        info={**model.info, "corrected_from": model.id},
        id=fingerprint(model.labels, changed, numbers),
    )


def _step(
    model: Model,
    tables: tuple[Floats, Floats],
    correction: tuple[Words, str],
    aggressiveness: float,
) -> bool:
    """Move the second of `tables` (as trained, as corrected so far); was there anything to move?"""
    (before, rows), (words, label) = tables, correction
    table = model.table
    # The length of the message: each of its words has tf * idf / length as its feature.
    length = math.sqrt(
        sum(
            (term_frequency(count) * _idf(model, word)) ** 2 for word, count in words.single.items()
        )
    )
    if not length:
        return False
    known = [(table.words[word], word) for word in words.single if word in table.words]
    places = [at for at, _ in known]
    frequency = np.array([term_frequency(words.single[word]) for _, word in known])
    margins = np.array(model.scorer.score(words).margins)
    margins += frequency @ (rows[places] - before[places]) / length
    wanted = model.labels.index(label)
    rival = max((i for i in range(len(margins)) if i != wanted), key=margins.__getitem__)
    loss = 1.0 - float(margins[wanted] - margins[rival])
    if loss <= 0 or not known:
        return False
    # A row is idf * weight, and the weight moves by size * (tf * idf / length).
    squares = np.array([table.idf[at] ** 2 for at in places])
    change = min(aggressiveness, loss / 2.0) * frequency * squares / length
    rows[places, wanted] += change
    rows[places, rival] -= change
    return True


def _idf(model: Model, word: str) -> float:
    at = model.table.words.get(word)
    return model.table.unknown_idf if at is None else model.table.idf[at]
