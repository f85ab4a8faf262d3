"""Adding up a table's rows with NumPy: the way for dozens of labels. See `scoring.py`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from operator import itemgetter

import numpy as np
import numpy.typing as npt

from classifiers.confidence import FEW_LABELS, familiarity
from classifiers.scoring import REMEMBERED, Part, Scored
from classifiers.table import Table
from classifiers.terms import buckets, term_frequency
from classifiers.text import Words

Float32 = npt.NDArray[np.float32]


class Wide:
    """Rows as arrays; index -1, an unknown word, finds a row of zeros."""

    def __init__(self, table: Table) -> None:
        self._table = table
        arrays = table.arrays
        self._bias: Float32 = arrays.bias.array()[:, 0]
        self._rows = np.vstack([arrays.word_rows.array(), np.zeros((1, table.labels), np.float32)])
        self._pair_rows: Float32 = arrays.pair_rows.array()
        self._characters = arrays.character_rows.array()
        self._idf = np.array([*table.idf, table.unknown_idf], np.float32)
        self._unknown_row = lru_cache(maxsize=REMEMBERED)(self._row_of_unknown)

    def score(self, words: Words) -> Scored:
        """Margins per label, in the order of the model's labels."""
        if not words.single:
            return Scored(self._bias.tolist(), 0.0)
        at, tf, length = self._located(words)
        total = tf @ self._rows[at]
        missing, strange = 0.0, 0.0
        if -1 in at:
            for index, (word, count) in zip(at, words.single.items(), strict=True):
                if index < 0:
                    missing += count
                    frequency = term_frequency(count)
                    strange += frequency * frequency
                    total += frequency * self._unknown_row(word)
        pairs = list(self._pairs_in(words))
        if pairs:
            rows = self._pair_rows[[index for _, index, _ in pairs]]
            total += np.array([frequency for _, _, frequency in pairs], np.float32) @ rows
        count = sum(words.single.values())
        known = 1.0 - missing / count
        if self._table.labels > FEW_LABELS:
            strange *= (self._table.unknown_idf / length) ** 2
            linked = sum(words.pairs[pair] for pair, _, _ in pairs)
            known = familiarity(strange, linked, count)
        return Scored((total / length + self._bias).tolist(), known, length)

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
        for pair, index, frequency in self._pairs_in(words):
            found.append(
                (" ".join(pair), frequency * float(self._pair_rows[index, label]) / length)
            )
        return found

    def strongest(self, words: Words, scored: Scored, label: int, count: int) -> list[Part]:
        """The `count` parts that speak most for the label, strongest first; only those that do."""
        ranked = sorted(self.parts(words, label), key=itemgetter(1), reverse=True)[:count]
        return [part for part in ranked if part[1] > 0]

    def _row_of_unknown(self, word: str) -> Float32:
        """`UnknownWords.row` in one multiplication."""
        found = buckets(word, self._table.features)
        counts = np.fromiter(found.values(), np.float32, len(found))
        length = math.sqrt(float(counts @ counts)) or 1.0
        factor = self._table.unknown_idf * self._table.features.character_weight / length
        rows = self._characters[list(found)].astype(np.float32)
        return np.asarray((counts @ rows) * factor, dtype=np.float32)

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
