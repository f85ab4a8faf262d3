"""From words to numbers: vocabulary, inverse document frequency, character n-grams, matrices.

Training side only in its use of SciPy; the arithmetic is the one that `table.py` repeats per mail.
A message is (1/z) * [tf*idf of words | tf*idf of pairs | tf*idf * unit(n-grams of the word)], with
one length z = |tf*idf of words|, so that a linear model over it is a sum over words.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.terms import FeatureOptions, buckets, term_frequency
from classifiers.text import Words

Floats = npt.NDArray[np.float64]
Sparse = Any
"""scipy.sparse.csr_array; SciPy is imported only where a matrix is made."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Known words and pairs with their inverse document frequencies."""

    options: FeatureOptions
    words: dict[str, int]
    pairs: dict[tuple[str, str], int]
    word_idf: Floats
    pair_idf: Floats
    unknown_idf: float
    """What a word outside the vocabulary weighs: that of a word seen once."""
    open_buckets: npt.NDArray[np.bool_] | None = None
    """Rows of character n-grams that enough accounts share; None where privacy is off."""

    @property
    def width(self) -> int:
        """Columns of the matrix: words, pairs, hashed n-grams."""
        return len(self.words) + len(self.pairs) + (1 << self.options.character_bits)


def build_vocabulary(
    texts: Sequence[Words], accounts: Sequence[str | None], options: FeatureOptions
) -> Vocabulary:
    """Count terms over `texts` (labelled or not) and keep those that the options allow.

    `accounts[i]` is the account of `texts[i]`; None counts as an account of its own.
    """
    owner = [
        account if account is not None else f"\0{index}" for index, account in enumerate(accounts)
    ]
    words = _kept([text.single.keys() for text in texts], owner, options, options.min_examples)
    pairs = _kept([text.pairs.keys() for text in texts], owner, options, options.min_pair_examples)
    total = len(texts)

    def idf(frequency: int) -> float:
        return math.log((1 + total) / (1 + frequency)) + 1.0

    # A pair is only useful, and only findable, where both of its words are known.
    kept_pairs = {
        pair: count for pair, count in pairs.items() if pair[0] in words and pair[1] in words
    }
    return Vocabulary(
        options=options,
        words={word: index for index, word in enumerate(sorted(words))},
        pairs={pair: index for index, pair in enumerate(sorted(kept_pairs))},
        word_idf=np.array([idf(words[word]) for word in sorted(words)]),
        pair_idf=np.array([idf(kept_pairs[pair]) for pair in sorted(kept_pairs)]),
        unknown_idf=idf(1),
        open_buckets=_open_buckets(texts, owner, options) if options.min_accounts > 1 else None,
    )


def _kept(
    documents: Sequence[Any], owner: Sequence[str], options: FeatureOptions, minimum: int
) -> dict[Any, int]:
    """Terms in at least `minimum` documents (and accounts), with their document frequency."""
    frequency: Counter[Any] = Counter()
    for terms in documents:
        frequency.update(terms)
    kept = {term: count for term, count in frequency.items() if count >= minimum}
    if options.min_accounts <= 1:
        return kept
    owners: defaultdict[Any, set[str]] = defaultdict(set)
    for terms, account in zip(documents, owner, strict=True):
        for term in terms:
            if term in kept and len(owners[term]) < options.min_accounts:
                owners[term].add(account)
    return {term: kept[term] for term, of in owners.items() if len(of) >= options.min_accounts}


def _open_buckets(
    texts: Sequence[Words], owner: Sequence[str], options: FeatureOptions
) -> npt.NDArray[np.bool_]:
    """Which rows of n-grams come from at least `min_accounts` accounts."""
    owners: defaultdict[int, set[str]] = defaultdict(set)
    cache: dict[str, tuple[int, ...]] = {}
    for text, account in zip(texts, owner, strict=True):
        for word in text.single:
            rows = cache.get(word)
            if rows is None:
                rows = cache[word] = tuple(buckets(word, options))
            for row in rows:
                if len(owners[row]) < options.min_accounts:
                    owners[row].add(account)
    allowed = np.zeros(1 << options.character_bits, dtype=np.bool_)
    allowed[[row for row, of in owners.items() if len(of) >= options.min_accounts]] = True
    return allowed


def _triples(
    documents: Sequence[dict[Any, float]], columns: dict[Any, int]
) -> tuple[list[int], list[int], list[float]]:
    rows: list[int] = []
    cols: list[int] = []
    values: list[float] = []
    for row, counts in enumerate(documents):
        for term, count in counts.items():
            column = columns.get(term)
            if column is not None:
                rows.append(row)
                cols.append(column)
                values.append(term_frequency(count))
    return rows, cols, values


def character_rows(distinct: Sequence[str], vocabulary: Vocabulary) -> Sparse:
    """One row of unit length per word over the hashed n-grams."""
    from scipy.sparse import csr_array

    options, allowed = vocabulary.options, vocabulary.open_buckets
    indices: list[int] = []
    data: list[float] = []
    starts = [0]
    for word in distinct:
        found = buckets(word, options)
        length = math.sqrt(sum(count * count for count in found.values())) or 1.0
        for row, count in found.items():
            if allowed is None or allowed[row]:
                indices.append(row)
                data.append(count / length)
        starts.append(len(indices))
    shape = (len(distinct), 1 << options.character_bits)
    return csr_array((data, indices, starts), shape=shape)


def matrix(texts: Sequence[Words], vocabulary: Vocabulary) -> Sparse:
    """The feature matrix (messages x `vocabulary.width`) in CSR form, float64."""
    from scipy.sparse import csr_array, diags_array, hstack

    options = vocabulary.options
    distinct = sorted({word for text in texts for word in text.single})
    columns = {word: index for index, word in enumerate(distinct)}
    rows, cols, values = _triples([text.single for text in texts], columns)
    counts = csr_array((values, (rows, cols)), shape=(len(texts), max(len(distinct), 1)))
    known = np.array([vocabulary.words.get(word, -1) for word in distinct] or [-1])
    idf = np.full(len(known), vocabulary.unknown_idf)
    idf[known >= 0] = vocabulary.word_idf[known[known >= 0]]
    weighted = (counts @ diags_array(idf)).tocsr()
    length = np.sqrt(weighted.multiply(weighted).sum(axis=1))
    length[length == 0] = 1.0
    scale = diags_array(1.0 / length)
    at = np.flatnonzero(known >= 0)
    pick = csr_array((np.ones(len(at)), (at, known[at])), shape=(len(known), len(vocabulary.words)))
    rows, cols, values = _triples([text.pairs for text in texts], vocabulary.pairs)
    pairs = csr_array((values, (rows, cols)), shape=(len(texts), len(vocabulary.pairs)))
    pairs = pairs @ diags_array(vocabulary.pair_idf * options.pair_weight)
    characters = weighted @ character_rows(distinct or [""], vocabulary)
    blocks = [weighted @ pick, pairs, characters * options.character_weight]
    made = (scale @ hstack(blocks, format="csr")).tocsr()
    made.sum_duplicates()
    made.indices, made.indptr = made.indices.astype(np.int32), made.indptr.astype(np.int32)
    return made
