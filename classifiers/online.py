"""One correction taken in at once: a passive-aggressive step on the rows of the mail's words.

Not a refit: it moves what one mail says, so that the same mistake is not made twice before the next
training. Crammer et al., Online Passive-Aggressive Algorithms, JMLR 7 (2006), variant PA-I.
"""

from __future__ import annotations

import math
from dataclasses import replace

from classifiers.model import Model, fingerprint
from classifiers.table import Block
from classifiers.terms import term_frequency
from classifiers.text import MailText, words_of


def corrected(model: Model, mail: MailText, label: str, aggressiveness: float = 0.1) -> Model:
    """`model` with `label` pushed above its rival for `mail`; unchanged where it already is.

    `aggressiveness` bounds the step (C of PA-I). KeyError: unknown label.
    """
    if label not in model.labels:
        raise KeyError(f"this model knows no label {label!r}; it knows {list(model.labels)}")
    words = words_of(mail)
    table = model.table
    margins = model.scorer.score(words).margins
    wanted = model.labels.index(label)
    rival = max((i for i in range(len(margins)) if i != wanted), key=margins.__getitem__)
    loss = 1.0 - (margins[wanted] - margins[rival])
    vector = table.vector(words)
    if loss <= 0 or not vector:
        return model
    # The known words' features have length 1; both labels' weights move.
    size = min(aggressiveness, loss / 2.0)
    rows = table.arrays.word_rows.array().copy()
    length = math.sqrt(
        sum(
            (term_frequency(count) * _idf(model, word)) ** 2 for word, count in words.single.items()
        )
    )
    for word in vector:
        at = table.words[word]
        # A row is idf * weight, and the weight moves by size * (tf * idf / z).
        change = size * term_frequency(words.single[word]) * table.idf[at] ** 2 / length
        rows[at, wanted] += change
        rows[at, rival] -= change
    moved = replace(table, arrays=replace(table.arrays, word_rows=Block.of(rows)))
    numbers = (model.temperature, *model.thresholds)
    return Model(
        labels=model.labels,
        table=moved,
        temperature=model.temperature,
        thresholds=model.thresholds,
        info={**model.info, "corrected_from": model.id},
        id=fingerprint(model.labels, moved, numbers),
    )


def _idf(model: Model, word: str) -> float:
    at = model.table.words.get(word)
    return model.table.unknown_idf if at is None else model.table.idf[at]
