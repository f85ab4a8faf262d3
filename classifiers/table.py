"""The linear model as a table of rows per word: scoring one mail without scikit-learn or SciPy.

Not the trainer: `fit.py` makes the rows. A score is
`(sum of tf * row) / z + bias` with `z = sqrt(sum of (tf * idf)^2)` over the words, which equals the
matrix form of `features.py` exactly, because that model is a sum over words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from classifiers.features import FeatureOptions, buckets, term_frequency
from classifiers.text import Words

Float32 = npt.NDArray[np.float32]

_REMEMBERED = 20_000
"""Rows of unknown words kept; the store is emptied when it is full, so memory stays bounded."""
_COUNTS: dict[float, float] = {count: 1.0 + math.log(count) for count in range(1, 2_001)}


@dataclass(frozen=True, slots=True)
class Arrays:
    """The numbers of a table, as they lie in a model file."""

    word_rows: Float32
    """(words x labels): idf * (weight of the word + weight of its character n-grams)."""
    word_idf: Float32
    pair_rows: Float32
    """(pairs x labels)."""
    character_rows: npt.NDArray[np.float16]
    """(2**bits x labels): weights of hashed character n-grams, for unknown words."""
    bias: Float32


@dataclass(frozen=True, slots=True)
class Scored:
    """The margins of one mail and what they are made of."""

    margins: list[float]
    known_share: float
    """Of the mail's weighted words, the share that the vocabulary knows; 0 for an empty mail."""


@dataclass(slots=True)
class Table:
    """Rows per word and pair. Safe to share between threads: it only ever adds cached rows."""

    words: dict[str, int]
    pairs: dict[tuple[str, str], int]
    arrays: Arrays
    unknown_idf: float
    features: FeatureOptions
    _rows: Float32 = field(init=False, repr=False)
    _idf: Float32 = field(init=False, repr=False)
    _unknown: dict[str, Float32] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        # Index -1, an unknown word, finds a row of zeros and the weight of an unknown word.
        labels = self.arrays.bias.shape[0]
        self._rows = np.vstack([self.arrays.word_rows, np.zeros((1, labels), np.float32)])
        self._idf = np.append(self.arrays.word_idf, np.float32(self.unknown_idf))

    def score(self, words: Words) -> Scored:
        """Margins per label, in the order of the model's labels."""
        single = words.single
        if not single:
            return Scored(self.arrays.bias.tolist(), 0.0)
        at, tf, length = self._located(single)
        total = tf @ self._rows[at]
        known = 1.0
        if -1 in at:
            missing = 0.0
            for index, word in zip(at, single, strict=True):
                if index < 0:
                    count = single[word]
                    missing += count
                    total += term_frequency(count) * self.unknown_row(word)
            known = 1.0 - missing / sum(single.values())
        pairs = self._pairs_in(words)
        if pairs:
            total += (
                np.array([tf for _, tf in pairs.values()], np.float32)
                @ (self.arrays.pair_rows[[index for index, _ in pairs.values()]])
            )
        return Scored((total / length + self.arrays.bias).tolist(), known)

    def parts(self, words: Words, label: int) -> list[tuple[str, float]]:
        """What each word and pair adds to one label's margin; with the bias they sum to it."""
        if not words.single:
            return []
        at, tf, length = self._located(words.single)
        weights = (tf * self._rows[at, label] / length).tolist()
        found = list(zip(words.single, weights, strict=True))
        for place, index in enumerate(at):
            if index < 0:
                word = found[place][0]
                weight = float(self.unknown_row(word)[label]) * float(tf[place]) / length
                found[place] = (word, weight)
        rows = self.arrays.pair_rows
        for (first, second), (index, frequency) in self._pairs_in(words).items():
            found.append((f"{first} {second}", frequency * float(rows[index, label]) / length))
        return found

    def vector(self, words: Words) -> dict[str, float]:
        """The mail's known words and pairs as a sparse vector of length 1 (tf * idf of words)."""
        found = {
            word: term_frequency(count) * float(self._idf[at])
            for word, count in words.single.items()
            if (at := self.words.get(word)) is not None
        }
        length = math.sqrt(sum(weight * weight for weight in found.values()))
        return {word: weight / length for word, weight in found.items()} if length else {}

    def unknown_row(self, word: str) -> Float32:
        """The row of a word outside the vocabulary, from its character n-grams alone."""
        row = self._unknown.get(word)
        if row is None:
            found = buckets(word, self.features)
            counts = np.fromiter(found.values(), np.float32, len(found))
            length = math.sqrt(float(counts @ counts)) or 1.0
            factor = self.unknown_idf * self.features.character_weight / length
            row = (counts @ self.arrays.character_rows[list(found)].astype(np.float32)) * factor
            if len(self._unknown) >= _REMEMBERED:
                self._unknown.clear()
            self._unknown[word] = row = row.astype(np.float32)
        return row

    def _located(self, single: dict[str, float]) -> tuple[list[int], Float32, float]:
        """Rows, term frequencies and the length z of one mail's words."""
        find = self.words.get
        at = [find(word, -1) for word in single]
        tf = np.array([_COUNTS.get(count) or term_frequency(count) for count in single.values()])
        tf = tf.astype(np.float32)
        weights = tf * self._idf[at]
        return at, tf, math.sqrt(float(weights @ weights)) or 1.0

    def _pairs_in(self, words: Words) -> dict[tuple[str, str], tuple[int, float]]:
        """The known pairs of one mail: their row and term frequency."""
        known = self.pairs
        return {
            pair: (known[pair], _COUNTS.get(count) or term_frequency(count))
            for pair, count in words.pairs.items()
            if pair in known
        }
