"""Adding up a table's rows for one mail, in microseconds. Not the model: no label, no probability.

Two ways with the same answers: `Narrow` (here) keeps rows as tuples of Python floats, which is
fastest for a few labels (mail to teams) and needs no NumPy; `wide.Wide` uses NumPy, which is
fastest for dozens (intents). Both may be shared between threads: they only ever add cached rows.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Protocol

from classifiers.table import Table
from classifiers.terms import term_frequency
from classifiers.text import Words

REMEMBERED = 8_192
"""Rows of unknown words kept, those met last: memory stays bounded."""
_NARROW = 16
"""Labels up to which tuples beat arrays (measured: 4 labels 20 us, 77 labels 60 against 20 us)."""
_weight = itemgetter(1)

Part = tuple[str, float]
Row = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Scored:
    """The margins of one mail, and how much of it the model knows."""

    margins: list[float]
    known_share: float
    """From 0 (nothing, or an empty mail) to 1: what `confidence.strength_of` takes as `known`."""


class Scorer(Protocol):
    """What a model asks of its table."""

    def score(self, words: Words) -> Scored:
        """Margins per label, in the order of the model's labels."""

    def parts(self, words: Words, label: int) -> list[Part]:
        """What each word and pair adds to one label's margin; with the bias they sum to it."""


def scorer_for(table: Table) -> Scorer:
    """The faster of the two for the table's number of labels."""
    if table.labels <= _NARROW:
        return Narrow(table)
    from classifiers.wide import Wide

    return Wide(table)


class Narrow:
    """Rows as tuples `(label 1, ..., label k, idf^2, unknown)`: one sum per column gives it all."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._bias = table.arrays.bias.numbers()
        found = zip(table.words, table.arrays.word_rows.rows(), table.idf, strict=True)
        self._words: dict[str, Row] = {word: (*row, idf * idf, 0.0) for word, row, idf in found}
        self._learned: deque[str] = deque()
        # A pair has no part in the length z and is no word.
        paired = zip(table.pairs, table.arrays.pair_rows.rows(), strict=True)
        self._pairs: dict[tuple[str, str], Row] = {pair: (*row, 0.0, 0.0) for pair, row in paired}
        self._more = lru_cache(maxsize=REMEMBERED)(self._of_repeated)

    def score(self, words: Words) -> Scored:
        """Margins per label, in the order of the model's labels."""
        single, pairs = words.single, words.pairs
        if not single:
            return Scored(list(self._bias), 0.0)
        rows = self._rows_of(single)
        more = self._more
        rows += [more(word, count) for word, count in single.items() if count != 1]
        if pairs:
            rows += filter(None, map(self._pairs.get, pairs))
            for pair, count in pairs.items():
                if count != 1 and (row := self._pairs.get(pair)):
                    rows.append(_times(row, term_frequency(count) - 1.0))
        *totals, square, missing = map(sum, zip(*rows))  # noqa: B905  # all have one length
        length = math.sqrt(square) or 1.0
        margins = [total / length + base for total, base in zip(totals, self._bias)]  # noqa: B905
        return Scored(margins, 1.0 - missing / sum(single.values()) if missing else 1.0)

    def parts(self, words: Words, label: int) -> list[Part]:
        """What each word and pair adds to one label's margin; with the bias they sum to it."""
        single = words.single
        rows = self._rows_of(single)
        square = sum([row[-2] for row in rows])
        weights = [row[label] for row in rows]
        for place, (word, count) in enumerate(single.items()):
            if count != 1:
                more = self._more(word, count)
                square += more[-2]
                weights[place] += more[label]
        length = math.sqrt(square) or 1.0
        found = [(word, weight / length) for word, weight in zip(single, weights, strict=True)]
        known = self._pairs
        for pair, count in words.pairs.items():
            if row := known.get(pair):
                found.append((" ".join(pair), term_frequency(count) * row[label] / length))
        return found

    def _rows_of(self, single: dict[str, float]) -> list[Row]:
        try:
            return list(map(self._words.__getitem__, single))
        except KeyError:
            return [self._words.get(word) or self._learn(word) for word in single]

    def _learn(self, word: str) -> Row:
        """The row of an unknown word, kept among the others until many newer ones have come."""
        row = (*self._table.unknown_row(word), self._table.unknown_idf**2, 1.0)
        self._words[word] = row
        self._learned.append(word)
        if len(self._learned) > REMEMBERED:
            self._words.pop(self._learned.popleft(), None)
        return row

    def _of_repeated(self, word: str, count: float) -> Row:
        """What a word that occurs `count` times has beyond its row for once."""
        row, frequency = self._words.get(word) or self._learn(word), term_frequency(count)
        weights = [weight * (frequency - 1.0) for weight in row[:-2]]
        return (*weights, row[-2] * (frequency**2 - 1.0), row[-1] * (count - 1.0))


def _times(row: Row, factor: float) -> Row:
    return tuple([weight * factor for weight in row])


def strongest(parts: list[Part], count: int) -> list[Part]:
    """The `count` parts that speak most for the label, strongest first; only those that do."""
    ranked = sorted(parts, key=_weight, reverse=True)[:count]
    return [part for part in ranked if part[1] > 0]
