"""The linear model as a table of rows per word: the numbers behind every score.

Not the trainer: `fit.py` makes the rows, `scoring.py` adds them up. A score is
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
class Table:
    """Rows per word and pair, and how a row for an unknown word is made."""

    words: dict[str, int]
    pairs: dict[tuple[str, str], int]
    arrays: Arrays = field(repr=False)
    unknown_idf: float
    features: FeatureOptions

    def unknown_row(self, word: str) -> Float32:
        """The row of a word outside the vocabulary, from its character n-grams alone."""
        found = buckets(word, self.features)
        counts = np.fromiter(found.values(), np.float32, len(found))
        length = math.sqrt(float(counts @ counts)) or 1.0
        factor = self.unknown_idf * self.features.character_weight / length
        rows = self.arrays.character_rows[list(found)].astype(np.float32)
        return np.asarray((counts @ rows) * factor, dtype=np.float32)

    def vector(self, words: Words) -> dict[str, float]:
        """The mail's known words as a sparse vector of length 1 (tf * idf)."""
        idf = self.arrays.word_idf
        found = {
            word: term_frequency(count) * float(idf[at])
            for word, count in words.single.items()
            if (at := self.words.get(word)) is not None
        }
        length = math.sqrt(sum(weight * weight for weight in found.values()))
        return {word: weight / length for word, weight in found.items()} if length else {}
