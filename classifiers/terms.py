"""What becomes a feature and how a term counts: the arithmetic that training and serving share.

It needs neither NumPy nor SciPy, so that a process that only answers loads neither.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from zlib import crc32


@dataclass(frozen=True, slots=True)
class FeatureOptions:
    """What becomes a feature, and how much it weighs."""

    min_examples: int = 2
    """A word is kept when at least so many examples have it (where no account is given)."""
    min_accounts: int = 0
    """Privacy: a term is kept only when at least so many accounts have it; 0 turns it off."""
    min_pair_examples: int = 2
    pair_weight: float = 0.7
    character_weight: float = 1.0
    character_bits: int = 16
    """Character n-grams share 2**bits hashed rows; they are never stored as text."""
    shortest: int = 3
    longest: int = 5


def term_frequency(count: float) -> float:
    """Logarithmic above one, linear below (quoted words count a fraction)."""
    return 1.0 + math.log(count) if count >= 1 else count


def hashed(word: str, options: FeatureOptions) -> list[int]:
    """The hashed row of every character n-gram of `<word>`, shorter ones first."""
    marked = f"<{word}>"
    mask = (1 << options.character_bits) - 1
    sizes = range(options.shortest, options.longest + 1)
    if word.isascii():  # the same bytes, encoded once instead of per n-gram
        raw = marked.encode("ascii")
        count = len(raw) + 1
        return [crc32(raw[at : at + n]) & mask for n in sizes for at in range(count - n)]
    count = len(marked) + 1
    grams = [marked[at : at + n] for n in sizes for at in range(count - n)]
    return [crc32(gram.encode("utf-8", "surrogatepass")) & mask for gram in grams]


def buckets(word: str, options: FeatureOptions) -> dict[int, int]:
    """Hashed rows of the character n-grams of `<word>` with their counts."""
    found: dict[int, int] = {}
    for row in hashed(word, options):
        found[row] = found.get(row, 0) + 1
    return found
