"""Adding up a table's rows for one mail, in microseconds. Not the model: no label, no probability.

Two ways with the same answers: `Narrow` keeps rows as tuples of Python floats, which is fastest for
a few labels (mail to teams); `Wide` uses NumPy, which is fastest for dozens (intents). Both may be
shared between threads: they only ever add cached rows of unknown words.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Protocol

import numpy as np

from classifiers.features import term_frequency
from classifiers.table import Float32, Table
from classifiers.text import Words

_REMEMBERED = 20_000
"""Rows of unknown words kept; the store is emptied when it is full, so memory stays bounded."""
_NARROW = 16
"""Labels up to which tuples beat arrays (measured: 4 labels 20 us, 77 labels 60 against 20 us)."""
_weight = itemgetter(1)

Part = tuple[str, float]


@dataclass(frozen=True, slots=True)
class Scored:
    """The margins of one mail, and how much of it the model knows."""

    margins: list[float]
    known_share: float
    """Of the mail's weighted words, the share that the vocabulary knows; 0 for an empty mail."""


class Scorer(Protocol):
    """What a model asks of its table."""

    def score(self, words: Words) -> Scored:
        """Margins per label, in the order of the model's labels."""

    def parts(self, words: Words, label: int) -> list[Part]:
        """What each word and pair adds to one label's margin; with the bias they sum to it."""


def scorer_for(table: Table) -> Scorer:
    """The faster of the two for the table's number of labels."""
    return Narrow(table) if table.arrays.bias.shape[0] <= _NARROW else Wide(table)


class Narrow:
    """Rows as tuples `(label 1, ..., label k, idf^2)`: one sum per column gives margins and z."""

    def __init__(self, table: Table) -> None:
        self._table = table
        arrays = table.arrays
        squares = np.square(arrays.word_idf.astype(np.float64))[:, None]
        rows = np.hstack([arrays.word_rows.astype(np.float64), squares]).tolist()
        self._words = dict(zip(table.words, map(tuple, rows), strict=True))
        # A pair has no part in the length z.
        rows = np.pad(arrays.pair_rows.astype(np.float64), ((0, 0), (0, 1))).tolist()
        self._pairs = dict(zip(table.pairs, map(tuple, rows), strict=True))
        self._bias: list[float] = arrays.bias.tolist()
        self._unknown: dict[str, tuple[float, ...]] = {}
        self._scaled: dict[tuple[str | tuple[str, str], float], tuple[float, ...]] = {}

    def score(self, words: Words) -> Scored:
        """Margins per label, in the order of the model's labels."""
        if not words.single:
            return Scored(list(self._bias), 0.0)
        rows: list[tuple[float, ...]] = []
        find, missing = self._words.get, 0.0
        for word, count in words.single.items():
            row = find(word)
            if row is None:
                missing += count
                row = self._unknown.get(word) or self._learn(word)
            rows.append(row if count == 1 else self._repeated(word, row, count))
        known_pairs = self._pairs
        for pair, count in words.pairs.items():
            if pair in known_pairs:
                row = known_pairs[pair]
                rows.append(row if count == 1 else self._repeated(pair, row, count))
        *totals, square = map(sum, zip(*rows, strict=True))
        length = math.sqrt(square) or 1.0
        margins = [total / length + base for total, base in zip(totals, self._bias, strict=True)]
        known = 1.0 - missing / sum(words.single.values()) if missing else 1.0
        return Scored(margins, known)

    def parts(self, words: Words, label: int) -> list[Part]:
        """What each word and pair adds to one label's margin; with the bias they sum to it."""
        found: list[Part] = []
        square = 0.0
        find = self._words.get
        for word, count in words.single.items():
            row = find(word) or self._unknown.get(word) or self._learn(word)
            frequency = 1.0 if count == 1 else term_frequency(count)
            square += frequency * frequency * row[-1]
            found.append((word, frequency * row[label]))
        known = self._pairs
        for pair, count in words.pairs.items():
            if pair in known:
                frequency = 1.0 if count == 1 else term_frequency(count)
                found.append((" ".join(pair), frequency * known[pair][label]))
        length = math.sqrt(square) or 1.0
        return [(term, weight / length) for term, weight in found]

    def _repeated(
        self, term: str | tuple[str, str], row: tuple[float, ...], count: float
    ) -> tuple[float, ...]:
        """The row of a term that occurs `count` times."""
        found = self._scaled.get((term, count))
        if found is None:
            frequency = term_frequency(count)
            found = (*(weight * frequency for weight in row[:-1]), row[-1] * frequency**2)
            if len(self._scaled) >= _REMEMBERED:
                self._scaled.clear()
            self._scaled[term, count] = found
        return found

    def _learn(self, word: str) -> tuple[float, ...]:
        if len(self._unknown) >= _REMEMBERED:
            self._unknown.clear()
        square = self._table.unknown_idf**2
        row = (*self._table.unknown_row(word).tolist(), square)
        self._unknown[word] = row
        return row


class Wide:
    """Rows as arrays; index -1, an unknown word, finds a row of zeros."""

    def __init__(self, table: Table) -> None:
        self._table = table
        labels = table.arrays.bias.shape[0]
        self._rows = np.vstack([table.arrays.word_rows, np.zeros((1, labels), np.float32)])
        self._idf = np.append(table.arrays.word_idf, np.float32(table.unknown_idf))
        self._unknown: dict[str, Float32] = {}

    def score(self, words: Words) -> Scored:
        """Margins per label, in the order of the model's labels."""
        bias = self._table.arrays.bias
        if not words.single:
            return Scored(bias.tolist(), 0.0)
        at, tf, length = self._located(words)
        total = tf @ self._rows[at]
        missing = 0.0
        if -1 in at:
            for index, (word, count) in zip(at, words.single.items(), strict=True):
                if index < 0:
                    missing += count
                    total += term_frequency(count) * self._unknown_row(word)
        pairs = list(self._pairs_in(words))
        if pairs:
            rows = self._table.arrays.pair_rows[[index for _, index, _ in pairs]]
            total += np.array([frequency for _, _, frequency in pairs], np.float32) @ rows
        known = 1.0 - missing / sum(words.single.values())
        return Scored((total / length + bias).tolist(), known)

    def parts(self, words: Words, label: int) -> list[Part]:
        """What each word and pair adds to one label's margin; with the bias they sum to it."""
        if not words.single:
            return []
        at, tf, length = self._located(words)
        weights = (tf * self._rows[at, label] / length).tolist()
        found: list[Part] = list(zip(words.single, weights, strict=True))
        for place, index in enumerate(at):
            if index < 0:
                word = found[place][0]
                row = self._unknown_row(word)
                found[place] = (word, float(row[label]) * float(tf[place]) / length)
        rows = self._table.arrays.pair_rows
        for pair, index, frequency in self._pairs_in(words):
            found.append((" ".join(pair), frequency * float(rows[index, label]) / length))
        return found

    def _unknown_row(self, word: str) -> Float32:
        row = self._unknown.get(word)
        if row is None:
            if len(self._unknown) >= _REMEMBERED:
                self._unknown.clear()
            row = self._unknown[word] = self._table.unknown_row(word)
        return row

    def _located(self, words: Words) -> tuple[list[int], Float32, float]:
        """Rows, term frequencies and the length z of one mail's words."""
        find = self._table.words.get
        at = [find(word, -1) for word in words.single]
        tf = np.array([term_frequency(count) for count in words.single.values()], np.float32)
        weights = tf * self._idf[at]
        return at, tf, math.sqrt(float(weights @ weights)) or 1.0

    def _pairs_in(self, words: Words) -> Iterator[tuple[tuple[str, str], int, float]]:
        """The known pairs of one mail: their row and term frequency."""
        known = self._table.pairs
        for pair, count in words.pairs.items():
            if pair in known:
                yield pair, known[pair], term_frequency(count)


def strongest(parts: list[Part], count: int) -> list[Part]:
    """The `count` parts that speak most for the label, strongest first; only those that do."""
    ranked = sorted(parts, key=_weight, reverse=True)[:count]
    return [part for part in ranked if part[1] > 0]
