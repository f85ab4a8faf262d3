"""The row of a word that a table does not know, from the character n-grams of the word alone.

Not NumPy's way of doing the same (`wide.py`). New mail always has such words, and their rows are
most of what a first reading costs.
"""

from __future__ import annotations

import math
import struct
from collections import Counter
from functools import lru_cache

from classifiers.table import HALF, Table
from classifiers.terms import hashed
from classifiers.text import MAX_WORD_LENGTH

Row = tuple[float, ...]


class UnknownWords:
    """Rows for words outside the vocabulary of one table."""

    def __init__(self, table: Table) -> None:
        self._features = table.features
        self._labels = table.labels
        self._factor = table.unknown_idf * table.features.character_weight
        self._characters = table.arrays.character_rows
        self._grams = self._characters.raw

    def largest(self) -> float:
        """No number of a row is larger; `MAX_WORD_LENGTH` is what a word may have."""
        # A vector of length 1 has at most the square root of its size as the sum of its parts.
        sizes = range(self._features.shortest, self._features.longest + 1)
        grams = sum([max(MAX_WORD_LENGTH + 3 - size, 0) for size in sizes])
        return self._factor * math.sqrt(grams) * self._characters.largest()

    def row(self, word: str) -> Row:
        """One number per label: idf * weight of the n-grams, scaled to length 1."""
        found = hashed(word, self._features)
        square = len(found)
        if len(set(found)) != square:
            square = sum([count * count for count in Counter(found).values()])
        factor = self._factor / math.sqrt(square or 1)
        # The rows lie packed, which keeps them near the processor; all are unpacked at once.
        labels, grams = self._labels, self._grams
        size = 2 * labels
        packed = b"".join([grams[row * size : row * size + size] for row in found])
        numbers = _halves(len(found) * labels).unpack(packed)
        return tuple([factor * sum(numbers[label::labels]) for label in range(labels)])


@lru_cache(maxsize=1_024)
def _halves(count: int) -> struct.Struct:
    return struct.Struct(f"<{count}{HALF}")
