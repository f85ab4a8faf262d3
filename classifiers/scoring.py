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


class Narrow:
    """Rows as tuples `(label 1, ..., label k, idf^2, unknown)`: one sum per column gives it all."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._bias = table.arrays.bias.numbers()
        found = zip(table.words, table.arrays.word_rows.rows(), table.idf, strict=True)
        self._words: dict[str, Row] = {word: (*row, idf * idf, 0.0) for word, row, idf in found}
        self._unknown = UnknownWords(table)
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
            return [self._words.get(word) or self._learn(word) for word in single]

    def _learn(self, word: str) -> Row:
        """The row of an unknown word, kept among the others until many newer ones have come."""
        row = (*self._unknown.row(word), self._table.unknown_idf**2, 1.0)
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


def _shown(term: Term) -> str:
    return term if isinstance(term, str) else " ".join(term)
