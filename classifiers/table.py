"""The linear model as a table of rows per word: the numbers behind every score.

Not the trainer: `fit.py` makes the rows, `scoring.py` adds them up. A score is
`(sum of tf * row) / z + bias` with `z = sqrt(sum of (tf * idf)^2)` over the words, which equals the
matrix form of `features.py` exactly, because that model is a sum over words.

NumPy is imported only by `Block.array` and `Block.of`: a process that answers for a few teams never
pays for it (150 ms and 12 MB here).
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from classifiers.terms import FeatureOptions, term_frequency
from classifiers.text import Words

if TYPE_CHECKING:
    import numpy.typing as npt

SINGLE, HALF = "f", "e"
"""Kinds of numbers, as `struct` names them: 4 and 2 bytes."""
_SIZES = {SINGLE: 4, HALF: 2}
_NO_NUMBER_HALF = bytes(high for high in range(256) if high & 0x7C == 0x7C)
"""High bytes of what is infinite or not a number in half precision."""

_UNSIGNED = bytes(range(128)) * 2


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of numbers, little-endian, as they lie in a model file."""

    raw: bytes = field(repr=False)
    kind: str
    columns: int

    @classmethod
    def of(cls, array: npt.NDArray[Any], kind: str = SINGLE) -> Block:
        """The block of a NumPy array; one of one dimension becomes a single column."""
        import numpy as np

        columns = 1 if array.ndim == 1 else array.shape[1]
        return cls(np.ascontiguousarray(array, f"<{kind}").tobytes(), kind, columns)

    def array(self) -> npt.NDArray[Any]:
        """(rows x columns), read-only, without copying."""
        import numpy as np

        return np.frombuffer(self.raw, f"<{self.kind}").reshape(-1, self.columns)

    def rows(self) -> list[tuple[float, ...]]:
        """Each row as a tuple."""
        return list(struct.iter_unpack(f"<{self.columns}{self.kind}", self.raw))

    def numbers(self) -> tuple[float, ...]:
        """All numbers, row after row."""
        return struct.unpack(f"<{len(self.raw) // _SIZES[self.kind]}{self.kind}", self.raw)

    def fits(self, rows: int) -> bool:
        """It has exactly so many rows."""
        return len(self.raw) == rows * self.columns * _SIZES[self.kind]

    def largest(self) -> float:
        """No number in it is larger (absolute), given that all are finite."""
        if self.kind == HALF:
            # The high byte without its sign orders them; looking for 128 of them is quicker than
            # unpacking a million numbers.
            high = self.raw[1::2].translate(_UNSIGNED)
            top = next((byte for byte in range(127, -1, -1) if byte in high), 0)
            bound: float = struct.unpack("<e", bytes((255, min(top, 0x7B))))[0]
            return bound
        return max(map(abs, self.numbers()), default=0.0)

    def is_finite(self) -> bool:
        """No infinity and nothing that is no number."""
        if self.kind == HALF:
            high = self.raw[1::2]
            return len(high.translate(None, _NO_NUMBER_HALF)) == len(high)
        # Either would survive the sum; sums of single precision cannot overflow a double.
        return math.isfinite(sum(self.numbers()))


@dataclass(frozen=True, slots=True)
class Arrays:
    """The numbers of a table."""

    word_rows: Block
    """(words x labels): idf * (weight of the word + weight of its character n-grams)."""
    word_idf: Block
    pair_rows: Block
    """(pairs x labels)."""
    character_rows: Block
    """(2**bits x labels), half precision: weights of hashed n-grams, for unknown words."""
    bias: Block


@dataclass(frozen=True, slots=True)
class Table:
    """Rows per word and pair, and of what `unknown.py` makes the row of any other word."""

    words: dict[str, int]
    pairs: dict[tuple[str, str], int]
    arrays: Arrays = field(repr=False)
    unknown_idf: float
    features: FeatureOptions
    idf: tuple[float, ...] = field(init=False, repr=False, compare=False)
    """Of each word, in the order of `words`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "idf", self.arrays.word_idf.numbers())

    @property
    def labels(self) -> int:
        """How many labels the rows have a number for."""
        return self.arrays.word_rows.columns

    def vector(self, words: Words) -> dict[str, float]:
        """The mail's known words as a sparse vector of length 1 (tf * idf)."""
        idf = self.idf
        found = {
            word: term_frequency(count) * idf[at]
            for word, count in words.single.items()
            if (at := self.words.get(word)) is not None
        }
        length = math.sqrt(sum(weight * weight for weight in found.values()))
        return {word: weight / length for word, weight in found.items()} if length else {}
