"""Fitting the linear weights: support vectors, topics folded back, self-training.

The only module that imports scikit-learn, and only inside functions: predicting never needs it.
Not the choice of settings and not calibration: `fit.py` does both.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.features import Sparse

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_ABSENT = -1.0
"""Margin of a label without any example in a fold: what an SVM gives to a clear no."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What one fit of the weights needs to know."""

    cost: float = 0.3
    balanced: bool = True
    """Rare labels weigh as much as frequent ones."""
    topics: int = 0
    """Latent topics (truncated SVD over labelled and unlabelled mail), folded back; 0: none."""
    topic_weight: float = 1.0
    self_training: float = 0.0
    """Weight of unlabelled mail with the label the model itself gives it; 0: none."""
    rounds: int = 2
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Weights:
    """A linear model: margins = rows @ coefficients + bias."""

    coefficients: Floats
    """(features x labels)"""
    bias: Floats

    def margins(self, rows: Sparse) -> Floats:
        """(messages x labels)."""
        return np.asarray(rows @ self.coefficients + self.bias, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Labelled:
    """Rows with the index of their label and their weight."""

    rows: Sparse
    labels: Ints
    weights: Floats


@dataclass(frozen=True, slots=True)
class Unlabelled:
    """Mail without labels, read once for all folds: it knows nothing that could leak."""

    rows: Sparse
    basis: Floats | None
    """Its topics; None where none are asked for."""


def train(data: Labelled, count: int, settings: Settings, unlabelled: Unlabelled | None) -> Weights:
    """Weights for `count` labels from labelled rows and, where given, unlabelled ones."""
    basis = topic_basis(data.rows, settings) if unlabelled is None else unlabelled.basis
    weights = _support_vectors(data, count, settings, basis)
    if unlabelled is None or not settings.self_training:
        return weights
    for _ in range(settings.rounds):
        guesses, trust = _guesses(weights.margins(unlabelled.rows), settings)
        mixed = Labelled(
            rows=_stack(data.rows, unlabelled.rows),
            labels=np.concatenate([data.labels, guesses]),
            weights=np.concatenate([data.weights, trust]),
        )
        weights = _support_vectors(mixed, count, settings, basis)
    return weights


def _guesses(margins: Floats, settings: Settings) -> tuple[Ints, Floats]:
    """The label the model gives to each unlabelled row, and how much that is believed.

    Belief falls with the gap between the two best margins, so that clear cases teach most.
    """
    ranked = np.sort(margins, axis=1)
    gap = ranked[:, -1] - ranked[:, -2]
    scale = float(np.quantile(gap, 0.9)) or 1.0
    trust = settings.self_training * np.clip(gap / scale, 0.0, 1.0)
    return margins.argmax(axis=1).astype(np.int64), np.maximum(trust, 1e-6)


def topic_basis(rows: Sparse, settings: Settings) -> Floats | None:
    """Directions (features x topics) in which mail varies most; None where none are asked for."""
    from scipy.sparse.linalg import svds

    topics = min(settings.topics, min(rows.shape) - 1)
    if topics < 2:
        return None
    # A fixed start makes the result the same every time; the sign of a direction is of no matter.
    start = np.random.default_rng(settings.seed).standard_normal(min(rows.shape))
    _, _, turned = svds(rows, k=topics, v0=start, solver="arpack")
    return np.ascontiguousarray(turned.T[:, ::-1]) * settings.topic_weight


def _support_vectors(
    data: Labelled, count: int, settings: Settings, basis: Floats | None
) -> Weights:
    """One linear SVM per label (one against the rest), with topics folded into the words."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import LinearSVC

    rows = data.rows
    if basis is not None:
        rows = _beside(rows, rows @ basis)
    machine = LinearSVC(
        C=settings.cost,
        class_weight="balanced" if settings.balanced else None,
        random_state=settings.seed,
        max_iter=2_000,
    )
    with warnings.catch_warnings():
        # An early stop is judged by held-out accuracy like everything else.
        warnings.simplefilter("ignore", ConvergenceWarning)
        # Few examples of many labels are what a young installation has.
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        machine.fit(rows, data.labels, sample_weight=data.weights)
    found, offset = machine.coef_.T, machine.intercept_
    if found.shape[1] == 1:  # two labels: one machine, seen from both sides
        found, offset = np.hstack([-found, found]), np.array([-offset[0], offset[0]])
    if basis is not None:
        words = data.rows.shape[1]
        found = found[:words] + basis @ found[words:]
    coefficients = np.zeros((found.shape[0], count))
    bias = np.full(count, _ABSENT)
    coefficients[:, machine.classes_], bias[machine.classes_] = found, offset
    return Weights(coefficients, bias)


def _stack(above: Sparse, below: Sparse) -> Sparse:
    from scipy.sparse import vstack

    return _narrow(vstack([above, below], format="csr"))


def _beside(sparse: Sparse, dense: Floats) -> Sparse:
    from scipy.sparse import csr_array, hstack

    return _narrow(hstack([sparse, csr_array(dense)], format="csr"))


def _narrow(made: Sparse) -> Sparse:
    """liblinear reads 32-bit indices only."""
    made.indices, made.indptr = made.indices.astype(np.int32), made.indptr.astype(np.int32)
    return made
