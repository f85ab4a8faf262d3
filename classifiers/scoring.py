"""Adding up a table's rows for one mail, in microseconds. Not the model: no label, no probability.

Two ways with the same answers: `Narrow` (here) adds rows as whole numbers (`lanes.py`), which is
fastest for a few labels (mail to teams) and needs no NumPy; `wide.Wide` uses NumPy, which is
fastest for dozens (intents). Both may be shared between threads: they only ever add cached rows.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any, Protocol

from classifiers.lanes import Lanes
from classifiers.table import Table
from classifiers.terms import term_frequency
from classifiers.text import Words
from classifiers.unknown import Row, UnknownWords

REMEMBERED = 8_192
"""Rows of unknown words kept, those met last: memory stays bounded."""
_NARROW = 16
"""Labels up to which tuples beat arrays (measured: 4 labels 20 us, 77 labels 60 against 20 us)."""
_weight = itemgetter(1)

Part = tuple[str, float]
Term = str | tuple[str, str]
"""A word or a pair of neighbours."""


@dataclass(frozen=True, slots=True)
class Scored:
    """The margins of one mail, and how much of it the model knows."""

    margins: list[float]
    known_share: float
    """From 0 (nothing, or an empty mail) to 1: what `confidence.strength_of` takes as `known`."""
    length: float = 1.0
    """z, by which every part is divided."""


class Scorer(Protocol):
    """What a model asks of its table."""

    def score(self, words: Words) -> Scored:
        """Margins per label, in the order of the model's labels."""

    def parts(self, words: Words, label: int) -> list[Part]:
        """What each word and pair adds to one label's margin; with the bias they sum to it."""

    def strongest(self, words: Words, scored: Scored, label: int, count: int) -> list[Part]:
        """The `count` parts that speak most for the label, strongest first; only those that do.

        `scored` is what `score` said of the same words.
        """


def scorer_for(table: Table) -> Scorer:
    """The faster of the two for the table's number of labels."""
    if table.labels <= _NARROW:
        return Narrow(table)
    from classifiers.wide import Wide

    return Wide(table)


class _Rows(dict[Any, int]):
    """Packed rows by term; for one that is not there `missing` is asked."""

    def __init__(self, rows: dict[Any, int], missing: Callable[[Any], int]) -> None:
        super().__init__(rows)
        self._missing = missing

    def __missing__(self, term: Any) -> int:
        return self._missing(term)


class Narrow:
    """Rows `(label 1, ..., label k, idf^2, unknown)` as `lanes`: one sum gives every column."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._bias = table.arrays.bias.numbers()
        self._unknown = UnknownWords(table)
        self._learned: deque[str] = deque()
        rows, pair_rows = table.arrays.word_rows.rows(), table.arrays.pair_rows.rows()
        # Bare rows serve evidence, packed ones the score.
        self._words: dict[str, Row] = dict(zip(table.words, rows, strict=True))
        self._pairs: dict[tuple[str, str], Row] = dict(zip(table.pairs, pair_rows, strict=True))
        self._lanes = Lanes(table.labels + 2, _largest(table, self._unknown))
        pack = self._lanes.pack
        found = zip(table.words, rows, table.idf, strict=True)
        packed = {word: pack((*row, idf * idf, 0.0)) for word, row, idf in found}
        self._packed = _Rows(packed, self._learn)
        # A pair has no part in the length z and is no word.
        pairs = {pair: pack((*row, 0.0, 0.0)) for pair, row in self._pairs.items()}
        self._packed_pairs = _Rows(pairs, lambda _: 0)
        self._more = lru_cache(maxsize=REMEMBERED)(self._of_repeated)

    def score(self, words: Words) -> Scored:
        """Margins per label, in the order of the model's labels."""
        single, pairs = words.single, words.pairs
        if not single:
            return Scored(list(self._bias), 0.0)
        more = self._more
        total = sum(map(self._packed.__getitem__, single))
        total += sum([more(word, count) for word, count in single.items() if count != 1])
        if pairs:
            total += sum(map(self._packed_pairs.__getitem__, pairs))
            for pair, count in pairs.items():
                if count != 1 and (row := self._pairs.get(pair)):
                    total += self._times(row, term_frequency(count) - 1.0)
        *totals, square, missing = self._lanes.unpack(total)
        length = math.sqrt(square) or 1.0
        margins = [total / length + base for total, base in zip(totals, self._bias)]  # noqa: B905
        known = 1.0 - missing / sum(single.values()) if missing else 1.0
        return Scored(margins, known, length)

    def parts(self, words: Words, label: int) -> list[Part]:
        """What each word and pair adds to one label's margin; with the bias they sum to it."""
        length = self.score(words).length
        terms, weights = self._weighed(words, label)
        return [(_shown(t), weight / length) for t, weight in zip(terms, weights, strict=True)]

    def strongest(self, words: Words, scored: Scored, label: int, count: int) -> list[Part]:
        """The `count` parts that speak most for the label, strongest first; only those that do."""
        terms, weights = self._weighed(words, label)
        # Sorting bare numbers, and then the few terms above, is a third of sorting all terms.
        least = min(sorted(weights)[-count:], default=0.0)
        above = [(t, w) for t, w in zip(terms, weights) if w >= least and w > 0.0]  # noqa: B905
        above.sort(key=_weight, reverse=True)
        return [(_shown(term), weight / scored.length) for term, weight in above[:count]]

    def _weighed(self, words: Words, label: int) -> tuple[list[Term], list[float]]:
        """Words and known pairs with what each adds to the label's sum, before dividing by z."""
        single, pairs = words.single, words.pairs
        known = [*filter(self._pairs.__contains__, pairs)]
        terms: list[Term] = [*single, *known]
        weights = [row[label] for row in self._rows_of(single)]
        weights += [self._pairs[pair][label] for pair in known]
        for place, count in enumerate((*single.values(), *[pairs[pair] for pair in known])):
            if count != 1:
                weights[place] *= term_frequency(count)
        return terms, weights

    def _rows_of(self, single: dict[str, float]) -> list[Row]:
        try:
            return list(map(self._words.__getitem__, single))
        except KeyError:
            return [self._words.get(word) or self._unknown.row(word) for word in single]

    def _learn(self, word: str) -> int:
        """The row of an unknown word, kept among the others until many newer ones have come."""
        row = self._unknown.row(word)
        packed = self._lanes.pack((*row, self._table.unknown_idf**2, 1.0))
        self._words[word] = row
        self._packed[word] = packed
        self._learned.append(word)
        if len(self._learned) > REMEMBERED:
            oldest = self._learned.popleft()
            self._words.pop(oldest, None)
            self._packed.pop(oldest, None)
        return packed

    def _of_repeated(self, word: str, count: float) -> int:
        """What a word that occurs `count` times has beyond its row for once."""
        *row, square, missing = self._lanes.unpack(self._packed[word])
        frequency = term_frequency(count)
        weights = [weight * (frequency - 1.0) for weight in row]
        return self._lanes.pack((*weights, square * (frequency**2 - 1.0), missing * (count - 1.0)))

    def _times(self, row: Row, factor: float) -> int:
        """What a pair has beyond its row for once."""
        return self._lanes.pack((*[weight * factor for weight in row], 0.0, 0.0))


def _largest(table: Table, unknown: UnknownWords) -> float:
    """No number in a row of this table, or of a word that it does not know, is larger."""
    idf = max(map(abs, table.idf), default=0.0)
    arrays = table.arrays
    known = max(arrays.word_rows.largest(), arrays.pair_rows.largest())
    return max(known, unknown.largest(), idf * idf, table.unknown_idf**2)


def _shown(term: Term) -> str:
    return term if isinstance(term, str) else " ".join(term)
