"""Which examples must stay together when mail is split, so that nothing leaks. Not a clustering.

Two examples belong together when they come from one account or are near-duplicates of each other
(a template filled twice, a forward, a reply that repeats its question).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from classifiers.dataset import Example
from classifiers.features import build_vocabulary, matrix
from classifiers.terms import FeatureOptions
from classifiers.text import Words, words_of

Ints = npt.NDArray[np.int64]

NEAR = 0.7
"""Cosine of words and pairs (tf-idf) from which two mails count as the same mail written twice."""
_ROWS_AT_ONCE = 1_000


def group_examples(
    examples: Sequence[Example], words: Sequence[Words] | None = None, near: float = NEAR
) -> Ints:
    """A group number per example, 0..n-1: same account or near-duplicate means same group."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not examples:
        return np.zeros(0, np.int64)
    read = [words_of(example.mail) for example in examples] if words is None else words
    left, right = _near_pairs(read, near)
    first: dict[str, int] = {}
    for index, example in enumerate(examples):
        if example.account is not None:
            left.append(first.setdefault(example.account, index))
            right.append(index)
    size = len(examples)
    links = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(size, size))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)


def _near_pairs(words: Sequence[Words], near: float) -> tuple[list[int], list[int]]:
    """Rows whose cosine is at least `near`, found by sparse products a block at a time."""
    from scipy.sparse import diags_array

    options = FeatureOptions(character_bits=1, character_weight=0.0)
    vocabulary = build_vocabulary(words, [None] * len(words), options)
    width = len(vocabulary.words) + len(vocabulary.pairs)
    rows = matrix(words, vocabulary)[:, :width].tocsr()
    length = np.sqrt(rows.multiply(rows).sum(axis=1))
    length[length == 0] = 1.0
    rows = (diags_array(1.0 / length) @ rows).tocsr()
    turned = rows.T.tocsc()
    left: list[int] = []
    right: list[int] = []
    for start in range(0, len(words), _ROWS_AT_ONCE):
        likeness = (rows[start : start + _ROWS_AT_ONCE] @ turned).tocoo()
        close = likeness.data >= near
        left += (likeness.coords[0][close] + start).tolist()
        right += likeness.coords[1][close].tolist()
    return left, right


def assign_folds(groups: Ints, labels: Sequence[str], folds: int, seed: int) -> Ints:
    """A fold 0..folds-1 per example; a group never straddles two, labels are spread evenly.

    Large groups go first, each to the fold where its labels are rarest (deterministic in `seed`).
    """
    rng = np.random.default_rng(seed)
    names = {label: index for index, label in enumerate(sorted(set(labels)))}
    codes = np.array([names[label] for label in labels])
    members: dict[int, list[int]] = {}
    for index, group in enumerate(groups.tolist()):
        members.setdefault(group, []).append(index)
    order = list(members)
    rng.shuffle(order)
    order.sort(key=lambda group: -len(members[group]))
    total = np.bincount(codes, minlength=len(names)).astype(float)
    held = np.zeros((folds, len(names)))
    found = np.zeros(len(groups), np.int64)
    for group in order:
        counts = np.bincount(codes[members[group]], minlength=len(names))
        # The fold where these labels are least represented, then the smallest fold.
        need = (held * counts / total).sum(axis=1) + 1e-6 * held.sum(axis=1)
        fold = int(need.argmin())
        held[fold] += counts
        found[members[group]] = fold
    return found
