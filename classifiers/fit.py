"""From labelled mail to a model: settings by grouped cross-validation, calibration, thresholds.

Not the arithmetic of one fit (`training.py`) and not the judge of a finished model (`evaluate.py`).
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from classifiers.calibration import (
    Answers,
    Promise,
    expected_calibration_error,
    fit_temperature,
    mailbox_shift,
)
from classifiers.confidence import FEW_LABELS, familiarity
from classifiers.dataset import Example, data_hash
from classifiers.features import Vocabulary, build_vocabulary, matrix
from classifiers.grouping import assign_folds, group_examples
from classifiers.model import NONE, Model, fingerprint
from classifiers.table import HALF, Arrays, Block, Table
from classifiers.terms import FeatureOptions, term_frequency
from classifiers.text import MailText, Words, words_of
from classifiers.training import Labelled, Settings, Unlabelled, Weights, topic_basis, train

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Progress = Callable[[str, int, int], None]
"""progress(what, done, of): called now and then while a long run goes on."""


ENOUGH_LABELLED = 55
"""Labelled mails per label above which the model's own guesses teach it nothing any more."""
FEW_LABELLED = 20
"""Labelled mails per label from which the mailbox's own mix of labels is estimated and used."""
ENOUGH_OWN = 100
"""Own labelled mails from which temperature and thresholds are set on own mail alone."""


class FitError(ValueError):
    """No model can be made from this data; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class FitOptions:
    """How to fit. The defaults serve mail to a handful of teams."""

    features: FeatureOptions = field(default_factory=FeatureOptions)
    costs: tuple[float, ...] = (0.1, 0.3, 1.0)
    """Tried by grouped cross-validation; with more than `FEW_LABELS` labels the last is taken."""
    balanced: bool | None = None
    """None: balanced up to `FEW_LABELS` labels."""
    topics: int = 0
    topic_weight: float = 1.0
    self_training: bool = True
    """Learn from unlabelled mail while labels are few (off above `ENOUGH_LABELLED` per label)."""
    label_names: float = 0.0
    """Weight of each label's own name as an example of it; 0: not used."""
    folds: int = 5
    promise: Promise = field(default_factory=Promise)
    least_pair_weight: float = 0.0
    """Pairs of words that never move a margin (before scaling) by so much are left out."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class History:
    """Unlabelled mail, read once: its vocabulary (with the labelled words), rows and topics."""

    vocabulary: Vocabulary
    unlabelled: Unlabelled


@dataclass(frozen=True, slots=True)
class Material:
    """Read data: what every fold takes its part from."""

    words: list[Words]
    labels: Ints
    weights: Floats
    accounts: list[str | None]
    groups: Ints
    own: npt.NDArray[np.bool_]
    """From this installation; its held-out mail calibrates where there is enough of it."""
    names: tuple[str, ...]
    history: History | None


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Margins of every example from a model that never saw it or its group."""

    margins: Floats
    known: Floats
    measured: npt.NDArray[np.bool_]
    """False where no fold could hold the example out: its margins mean nothing."""


def fit(
    examples: Sequence[Example],
    options: FitOptions | None = None,
    unlabelled: Sequence[MailText] = (),
    progress: Progress | None = None,
) -> Model:
    """A calibrated model of `examples`; `unlabelled` mail serves vocabulary, topics, self-training.

    The same input and seed give the same model, bit for bit. FitError: fewer than two labels.
    """
    chosen = options or FitOptions()
    tell = progress or (lambda what, done, of: None)
    material = read_material(examples, unlabelled, chosen)
    settings, held_out = choose_settings(material, chosen, tell)
    tell("final fit", 0, 1)
    vocabulary, weights = fit_once(material, chosen, settings)
    model = _calibrated(material, held_out, chosen, (vocabulary, weights))
    tell("final fit", 1, 1)
    info = {**model.info, **_origin(examples, unlabelled, settings)}
    return replace(model, info=info)


def read_material(
    examples: Sequence[Example], unlabelled: Sequence[MailText], options: FitOptions
) -> Material:
    """Words, label numbers and groups of the examples (and of label names, where asked for)."""
    names = tuple(sorted({example.label for example in examples}))
    if len(names) < 2:
        found = f"only {names[0]!r}" if names else "no examples at all"
        raise FitError(f"a classifier needs examples of at least two labels, there is {found}")
    words = [words_of(example.mail) for example in examples]
    groups = group_examples(examples, words)
    accounts = [example.account for example in examples]
    labels = [names.index(example.label) for example in examples]
    weights = [example.weight for example in examples]
    return Material(
        words=words,
        labels=np.array(labels, np.int64),
        weights=np.array(weights, np.float64),
        accounts=accounts,
        groups=groups,
        own=np.array([example.own for example in examples], np.bool_),
        names=names,
        history=_history(words, accounts, unlabelled, options) if unlabelled else None,
    )


def _history(
    words: list[Words],
    accounts: list[str | None],
    unlabelled: Sequence[MailText],
    options: FitOptions,
) -> History:
    """Frequencies and topics need no labels, so one reading serves every fold."""
    extra = [words_of(mail) for mail in unlabelled]
    owners = [*accounts, *[None] * len(extra)]
    vocabulary = build_vocabulary(words + extra, owners, options.features)
    rows = matrix(extra, vocabulary)
    topics = Settings(topics=options.topics, topic_weight=options.topic_weight, seed=options.seed)
    return History(vocabulary, Unlabelled(rows, topic_basis(rows, topics)))


def settings_for(material: Material, options: FitOptions, cost: float) -> Settings:
    """The settings of one fit: what number and balance of labels ask for."""
    few = len(material.names) <= FEW_LABELS
    per_label = len(material.words) / len(material.names)
    learns = options.self_training and material.history is not None and per_label <= ENOUGH_LABELLED
    return Settings(
        cost=cost,
        balanced=few if options.balanced is None else options.balanced,
        topics=options.topics,
        topic_weight=options.topic_weight,
        self_training=min(0.3, 1.5 / per_label) if learns else 0.0,
        seed=options.seed,
    )


def choose_settings(
    material: Material, options: FitOptions, tell: Progress
) -> tuple[Settings, HeldOut]:
    """The cost with the best held-out accuracy (the smaller of equals), and its margins."""
    costs = options.costs if len(material.names) <= FEW_LABELS else options.costs[-1:]
    tried = [settings_for(material, options, cost) for cost in costs]
    outcomes = cross_validate(material, options, tried, tell)
    scores = [float((material.weights * _right(held, material.labels)).sum()) for held in outcomes]
    best = int(np.argmax(scores))
    return tried[best], outcomes[best]


def _right(held: HeldOut, labels: Ints) -> npt.NDArray[np.bool_]:
    right: npt.NDArray[np.bool_] = held.margins.argmax(axis=1) == labels
    return right & held.measured


def cross_validate(
    material: Material, options: FitOptions, tried: Sequence[Settings], tell: Progress
) -> list[HeldOut]:
    """Held-out margins for each of `tried`; the vocabulary is fitted per fold too.

    With unlabelled mail the vocabulary is that of the whole history, which stays the same.
    """
    names = [material.names[label] for label in material.labels]
    smallest = min(Counter(names).values())
    # Dozens of labels come with thousands of examples, and each fold costs as much as the fit.
    wanted = options.folds if len(material.names) <= FEW_LABELS else min(options.folds, 3)
    folds = max(2, min(wanted, smallest))
    where = assign_folds(material.groups, names, folds, options.seed)
    size, count = len(material.words), len(material.names)
    found = [HeldOut(np.zeros((size, count)), np.zeros(size), np.zeros(size, bool)) for _ in tried]
    extra = material.history.unlabelled if material.history else None
    for fold in range(folds):
        inside, outside = np.flatnonzero(where != fold), np.flatnonzero(where == fold)
        if len(outside) == 0 or len(set(material.labels[inside].tolist())) < 2:
            continue
        part = _part(material, inside)
        vocabulary, data = rows_of(part, options)
        held = [material.words[index] for index in outside]
        held_rows = matrix(held, vocabulary)
        known = known_shares(held, vocabulary, count)
        for number, settings in enumerate(tried):
            tell("cross-validation", fold * len(tried) + number, folds * len(tried))
            weights = train(data, count, settings, extra)
            found[number].margins[outside] = weights.margins(held_rows)
            found[number].known[outside] = known
            found[number].measured[outside] = True
    tell("cross-validation", folds * len(tried), folds * len(tried))
    return found


def _part(material: Material, at: Ints) -> Material:
    return replace(
        material,
        words=[material.words[index] for index in at],
        labels=material.labels[at],
        weights=material.weights[at],
        accounts=[material.accounts[index] for index in at],
        groups=material.groups[at],
        own=material.own[at],
    )


def rows_of(material: Material, options: FitOptions) -> tuple[Vocabulary, Labelled]:
    """The vocabulary and the labelled rows (with label names, where asked for)."""
    vocabulary = (
        material.history.vocabulary
        if material.history
        else build_vocabulary(material.words, material.accounts, options.features)
    )
    words, labels, weights = material.words, material.labels, material.weights
    if options.label_names:
        texts = [name.replace("_", " ").replace("-", " ") for name in material.names]
        words = words + [words_of(MailText(visible=text)) for text in texts]
        labels = np.concatenate([labels, np.arange(len(texts))])
        weights = np.concatenate([weights, np.full(len(texts), options.label_names)])
    return vocabulary, Labelled(matrix(words, vocabulary), labels, weights)


def fit_once(
    material: Material, options: FitOptions, settings: Settings
) -> tuple[Vocabulary, Weights]:
    """One fit on everything, without calibration."""
    vocabulary, data = rows_of(material, options)
    extra = material.history.unlabelled if material.history else None
    return vocabulary, train(data, len(material.names), settings, extra)


def known_shares(texts: Sequence[Words], vocabulary: Vocabulary, labels: int) -> Floats:
    """Per mail how much of it the vocabulary knows, as `Scored.known_share` says it."""
    return np.array([_known_share(text, vocabulary, labels) for text in texts])


def _known_share(text: Words, vocabulary: Vocabulary, labels: int) -> float:
    total = sum(text.single.values())
    if not total:
        return 0.0
    known = {word for word in text.single if word in vocabulary.words}
    if labels <= FEW_LABELS:
        return sum(text.single[word] for word in known) / total
    square, strange = 0.0, 0.0
    for word, count in text.single.items():
        at = vocabulary.words.get(word)
        idf = vocabulary.unknown_idf if at is None else float(vocabulary.word_idf[at])
        weight = (term_frequency(count) * idf) ** 2
        square += weight
        strange += weight if at is None else 0.0
    linked = sum(count for pair, count in text.pairs.items() if pair in vocabulary.pairs)
    return familiarity(strange / square, linked, total)


def _calibrated(
    material: Material,
    held: HeldOut,
    options: FitOptions,
    fitted: tuple[Vocabulary, Weights],
) -> Model:
    """The model with temperature, thresholds and the held-out figures that came with them.

    Where nothing could be held out (one account, one example a label) nothing is measured: there
    are no figures then, and no label is ever sent by itself.
    """
    judged = held.measured & (material.own if material.own.sum() >= ENOUGH_OWN else True)
    margins, labels = held.margins[judged], material.labels[judged]
    temperature = fit_temperature(margins, labels, material.weights[judged])
    count = len(material.names)
    found = Answers.of(margins, held.known[judged], labels, temperature)
    thresholds = found.thresholds(count, options.promise)
    vocabulary, weights = fitted
    if material.history and len(labels) >= FEW_LABELLED * count:
        unlabelled = weights.margins(material.history.unlabelled.rows)
        shares = np.bincount(material.labels, minlength=count) / len(material.labels)
        shift = mailbox_shift(unlabelled, temperature, shares)
        weights = replace(weights, bias=weights.bias + shift)
        # What answers are served is shifted, so the promise has to hold for shifted ones too.
        moved = Answers.of(margins + shift, held.known[judged], labels, temperature)
        both = zip(thresholds, moved.thresholds(count, options.promise), strict=True)
        thresholds = list(map(max, both))
    table = table_of(vocabulary, weights, options)
    routed = found.strength >= np.array(thresholds)[found.chosen]
    if NONE in material.names:
        routed &= found.chosen != material.names.index(NONE)
    scores = _figures(found, routed) if judged.any() else None
    return Model(
        labels=material.names,
        table=table,
        temperature=temperature,
        thresholds=tuple(thresholds),
        info={"held_out": scores, "promise": options.promise.precision},
        id=fingerprint(material.names, table, (temperature, *thresholds)),
    )


def _figures(found: Answers, routed: npt.NDArray[np.bool_]) -> dict[str, float | None]:
    right = found.right
    ece = expected_calibration_error(found.confidence, right.astype(float))
    return {
        "accuracy": round(float(right.mean()), 6),
        "ece": round(ece, 6),
        "coverage": round(float(routed.mean()), 6),
        "accuracy_when_routed": round(float(right[routed].mean()), 6) if routed.any() else None,
    }


def table_of(vocabulary: Vocabulary, weights: Weights, options: FitOptions) -> Table:
    """Fold the weights of words and of their character n-grams into one row per word."""
    from classifiers.features import character_rows

    words, pairs = len(vocabulary.words), len(vocabulary.pairs)
    own, shared = weights.coefficients[:words], weights.coefficients[words : words + pairs]
    # Rounded before folding, so that known and unknown words use the very same n-gram weights.
    characters = weights.coefficients[words + pairs :].astype(np.float16)
    folded = character_rows(list(vocabulary.words), vocabulary) @ characters.astype(np.float64)
    folded *= vocabulary.options.character_weight
    word_rows = (own + folded) * vocabulary.word_idf[:, None]
    pair_rows = shared * (vocabulary.pair_idf * vocabulary.options.pair_weight)[:, None]
    kept = np.flatnonzero(np.abs(pair_rows).max(axis=1, initial=0.0) > options.least_pair_weight)
    names = list(vocabulary.pairs)
    return Table(
        words=dict(vocabulary.words),
        pairs={names[at]: index for index, at in enumerate(kept)},
        arrays=Arrays(
            word_rows=Block.of(word_rows),
            word_idf=Block.of(vocabulary.word_idf),
            pair_rows=Block.of(pair_rows[kept]),
            character_rows=Block.of(characters, HALF),
            bias=Block.of(weights.bias),
        ),
        unknown_idf=vocabulary.unknown_idf,
        features=vocabulary.options,
    )


def _origin(
    examples: Sequence[Example], unlabelled: Sequence[MailText], settings: Settings
) -> dict[str, object]:
    """Where a model comes from, for its manifest."""
    counts = Counter(example.label for example in examples)
    return {
        "data_sha256": data_hash(examples),
        "examples": dict(sorted(counts.items())),
        "own_examples": sum(example.own for example in examples),
        "unlabelled": len(unlabelled),
        "cost": settings.cost,
        "seed": settings.seed,
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
