"""Adding up a table's rows for one mail, in microseconds. Not the model: no label, no probability.

Two ways with the same answers: `Narrow` (here) keeps rows as tuples of Python floats, which is
fastest for a few labels (mail to teams) and needs no NumPy; `wide.Wide` uses NumPy, which is
fastest for dozens (intents). Both may be shared between threads: they only ever add cached rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Protocol

from classifiers.table import Table
from classifiers.terms import term_frequency
from classifiers.text import Words

REMEMBERED = 8_192
"""Rows of unknown words kept, those asked for last: memory stays bounded."""
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


class _Rows(dict[str, Row]):
    """Rows of known words; a row that is not there is made, and remembered for a while."""

    def __init__(self, table: Table) -> None:
        rows = table.arrays.word_rows.rows()
        found = zip(table.words, rows, table.idf, strict=True)
        super().__init__({word: (*row, idf * idf, 0.0) for word, row, idf in found})
        square = table.unknown_idf**2
        self._learned = lru_cache(maxsize=REMEMBERED)(
            lambda word: (*table.unknown_row(word), square, 1.0)
        )

    def __missing__(self, word: str) -> Row:
        return self._learned(word)


class Narrow:
    """Rows as tuples `(label 1, ..., label k, idf^2, unknown)`: one sum per column gives it all."""

    def __init__(self, table: Table) -> None:
        self._bias = table.arrays.bias.numbers()
        self._row = _Rows(table).__getitem__
        # A pair has no part in the length z and is no word.
        found = zip(table.pairs, table.arrays.pair_rows.rows(), strict=True)
        self._pairs: dict[tuple[str, str], Row] = {pair: (*row, 0.0, 0.0) for pair, row in found}
        self._more = lru_cache(maxsize=REMEMBERED)(self._of_repeated)

    def score(self, words: Words) -> Scored:
        """Margins per label, in the order of the model's labels."""
        single = words.single
        if not single:
            return Scored(list(self._bias), 0.0)
        rows = list(map(self._row, single))
        more = self._more
        for word, count in single.items():
            if count != 1:
                rows.append(more(word, count))
        known = self._pairs
        for pair, count in words.pairs.items():
            if pair in known:
                row = known[pair]
                rows.append(row if count == 1 else _times(row, term_frequency(count)))
        *totals, square, missing = map(sum, zip(*rows))  # noqa: B905  # all have one length
        length = math.sqrt(square) or 1.0
        margins = [total / length + base for total, base in zip(totals, self._bias)]  # noqa: B905
        return Scored(margins, 1.0 - missing / sum(single.values()) if missing else 1.0)

    def parts(self, words: Words, label: int) -> list[Part]:
        """What each word and pair adds to one label's margin; with the bias they sum to it."""
        single = words.single
        rows = list(map(self._row, single))
        square = sum([row[-2] for row in rows])
        found = [(word, row[label]) for word, row in zip(single, rows, strict=True)]
        for place, (word, count) in enumerate(single.items()):
            if count != 1:
                more = self._more(word, count)
                square += more[-2]
                found[place] = (word, rows[place][label] + more[label])
        known = self._pairs
        for pair, count in words.pairs.items():
            if pair in known:
                frequency = 1.0 if count == 1 else term_frequency(count)
                found.append((" ".join(pair), frequency * known[pair][label]))
        length = math.sqrt(square) or 1.0
        return [(term, weight / length) for term, weight in found]

    def _of_repeated(self, word: str, count: float) -> Row:
        """What a word that occurs `count` times has beyond its row for once."""
        row, frequency = self._row(word), term_frequency(count)
        gain = frequency - 1.0
        weights = [weight * gain for weight in row[:-2]]
        return (*weights, row[-2] * (frequency**2 - 1.0), row[-1] * (count - 1.0))


def _times(row: Row, factor: float) -> Row:
    return tuple([weight * factor for weight in row])


def strongest(parts: list[Part], count: int) -> list[Part]:
    """The `count` parts that speak most for the label, strongest first; only those that do."""
    ranked = sorted(parts, key=_weight, reverse=True)[:count]
    return [part for part in ranked if part[1] > 0]
