"""Accuracy, calibration and abstention on the public sets (goals G1 to G8)."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from statistics import mean, stdev

import numpy as np

from bench.classifier_goals import Figure, Goal, Row, row, share_error
from classifiers import artifact
from classifiers.dataset import Example, read_examples
from classifiers.evaluate import Evaluation, evaluate
from classifiers.fit import FitOptions, fit
from classifiers.model import Model
from classifiers.text import MailText

FEW_MAILS = FitOptions(topics=100, costs=(0.3,), folds=3)
"""Few labelled mails and an unlabelled mailbox: topics and self-training."""
FEW_SENTENCES = FitOptions(label_names=1.0)


def datasets() -> Path:
    """Where the public sets are."""
    given = os.environ.get("ABOARD_SHARED")
    default = Path(__file__).resolve().parent.parent.parent / "shared"
    return (Path(given) if given else default) / "datasets"


@lru_cache
def read(name: str) -> tuple[Example, ...]:
    """One file of a set, labels in lower case."""
    found = read_examples([datasets() / name], "label")
    return tuple(replace(example, label=example.label.lower()) for example in found)


def fitted(
    examples: Sequence[Example], options: FitOptions, unlabelled: Sequence[MailText] = ()
) -> Model:
    """A model as it is after a trip through its file, which is what serves."""
    return artifact.loads(artifact.dump(fit(examples, options, unlabelled)))


_MANY = 100


@dataclass(frozen=True, slots=True)
class Peer:
    """The usual pipeline: TF-IDF of words and pairs, logistic regression."""

    accuracy: float
    macro_f1: float
    ece: float


def peer(train: Sequence[Example], test: Sequence[Example]) -> Peer:
    """TfidfVectorizer((1, 2), sublinear) + LogisticRegression(C=10) on plain text.

    With more than `_MANY` labels the same loss by stochastic gradient: lbfgs takes many minutes.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression, SGDClassifier
    from sklearn.metrics import f1_score
    from sklearn.pipeline import make_pipeline

    from classifiers.calibration import expected_calibration_error

    line = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        SGDClassifier(loss="log_loss", alpha=1e-5, random_state=0)
        if len({example.label for example in train}) > _MANY
        else LogisticRegression(C=10, max_iter=200),
    )
    line.fit([_plain(e) for e in train], [e.label for e in train])
    shares = line.predict_proba([_plain(e) for e in test])
    guesses = line.classes_[shares.argmax(axis=1)]
    truth = np.array([example.label for example in test])
    right = (guesses == truth).astype(float)
    return Peer(
        100 * float(right.mean()),
        100 * float(f1_score(truth, guesses, average="macro")),
        expected_calibration_error(shares.max(axis=1), right),
    )


def _plain(example: Example) -> str:
    return f"{example.mail.subject}\n{example.mail.visible}".strip()


@dataclass(frozen=True, slots=True)
class Run:
    """A full-data run on one public set."""

    model: Model
    evaluation: Evaluation
    peer: Peer


@lru_cache
def full(name: str) -> Run:
    """Fitted on all of train with the defaults, judged once on test."""
    train, test = read(f"{name}/train.jsonl"), read(f"{name}/test.jsonl")
    model = fitted(train, FitOptions())
    return Run(model, evaluate(model, test), peer(train, test))


def _accuracy(evaluation: Evaluation) -> Figure:
    value = 100 * evaluation.accuracy
    return Figure(value, share_error(value, evaluation.examples))


def tickets() -> list[Row]:
    """G1: it_tickets8, all labels."""
    run = full("it_tickets8")
    macro = 100 * run.evaluation.macro_f1
    error = share_error(macro, run.evaluation.examples)
    return [
        row(
            "G1",
            "it_tickets8 accuracy",
            _accuracy(run.evaluation),
            Goal(81.0, 82.5),
            f"{run.peer.accuracy:.1f}",
        ),
        row(
            "G1",
            "it_tickets8 macro-F1",
            Figure(macro, error),
            Goal(79.0, 80.5),
            f"{run.peer.macro_f1:.1f}",
        ),
    ]


@lru_cache
def _few_tickets(count: int, draws: int) -> tuple[tuple[Evaluation, Peer], ...]:
    """`draws` of `count` labels per class; the rest of train is read without its labels."""
    train, test = read("it_tickets8/train.jsonl"), read("it_tickets8/test.jsonl")
    drawn = json.loads((datasets() / "it_tickets8/fewshot_indices.json").read_text("utf-8"))
    found = []
    for seed in range(draws):
        chosen = set(drawn[f"{count}shot_seed{seed}"])
        labelled = [train[index] for index in sorted(chosen)]
        rest = [e.mail for index, e in enumerate(train) if index not in chosen]
        model = fitted(labelled, FEW_MAILS, rest)
        found.append((evaluate(model, test), peer(labelled, test)))
    return tuple(found)


def tickets_few(draws: int = 5) -> list[Row]:
    """G2: it_tickets8 with 5, 10, 20, 50 labels per class, mean of (the first of) five draws."""
    goals = {5: Goal(43, 47), 10: Goal(51, 56), 20: Goal(58, 61), 50: Goal(70, 72)}
    rows = []
    for count, goal in goals.items():
        runs = _few_tickets(count, draws)
        values = [100 * evaluation.accuracy for evaluation, _ in runs]
        error = stdev(values) / math.sqrt(len(values))
        other = mean(beside.accuracy for _, beside in runs)
        metric = f"it_tickets8, {count} labels per class"
        rows.append(row("G2", metric, Figure(mean(values), error), goal, f"{other:.1f}"))
    return rows


def banking() -> list[Row]:
    """G3: banking77, all labels."""
    run = full("banking77")
    figure = _accuracy(run.evaluation)
    beside = f"{run.peer.accuracy:.1f}"
    return [row("G3", "banking77 accuracy", figure, Goal(91.3, 92.5), beside)]


def banking_few() -> list[Row]:
    """G4: banking77 with the official 5 and 10 labels per class."""
    train, test = read("banking77/train.jsonl"), read("banking77/test.jsonl")
    rows = []
    for count, goal in ((5, Goal(66, 74)), (10, Goal(76, 81))):
        labelled = read(f"banking77/train_{count}shot.jsonl")
        texts = {example.mail.visible for example in labelled}
        rest = [example.mail for example in train if example.mail.visible not in texts]
        evaluation = evaluate(fitted(labelled, FEW_SENTENCES, rest), test)
        beside = f"{peer(labelled, test).accuracy:.1f}"
        metric = f"banking77, {count} labels per class"
        rows.append(row("G4", metric, _accuracy(evaluation), goal, beside))
    return rows


def clinc() -> list[Row]:
    """G5: clinc150, closed set."""
    run = full("clinc150")
    figure = _accuracy(run.evaluation)
    beside = f"{run.peer.accuracy:.1f} (SVM 91.0 published)"
    return [row("G5", "clinc150 accuracy", figure, Goal(92.5, 93.5), beside)]


def out_of_scope() -> list[Row]:
    """G6: clinc150 with out-of-scope queries, the published rule for the threshold."""
    model = full("clinc150").model
    inside, outside = _strengths(model, "val"), _strengths(model, "oos_val")
    candidates = np.unique(np.concatenate([[s for s, _ in inside], [s for s, _ in outside]]))
    best, threshold = -1, 0.0
    for candidate in candidates:
        right = sum(ok and s >= candidate for s, ok in inside)
        right += sum(s < candidate for s, _ in outside)
        if right > best:
            best, threshold = right, float(candidate)
    tested, strange = _strengths(model, "test"), _strengths(model, "oos_test")
    accuracy = 100 * mean(ok and s >= threshold for s, ok in tested)
    recall = 100 * mean(s < threshold for s, _ in strange)
    ranks = _auroc([s for s, _ in tested], [s for s, _ in strange])
    peers = "SVM 88.2 / 18.0, BERT 96.2 / 52.3 published"
    error = share_error(accuracy, len(tested))
    return [
        row("G6", "clinc150 OOS AUROC", Figure(ranks, 0.0, 3), Goal(0.96, 0.97)),
        row("G6", "in-scope accuracy at the rule", Figure(accuracy, error), Goal(91.5, 92), peers),
        row(
            "G6",
            "OOS recall at the rule",
            Figure(recall, share_error(recall, len(strange))),
            Goal(60, 70),
            peers,
        ),
    ]


def _strengths(model: Model, part: str) -> list[tuple[float, bool]]:
    found = []
    for example in read(f"clinc150/{part}.jsonl"):
        answer = model.predict(example.mail, evidence=0)
        found.append((answer.strength, answer.label == example.label))
    return found


def _auroc(inside: Sequence[float], outside: Sequence[float]) -> float:
    """Share of (inside, outside) pairs in which the inside one is stronger."""
    ranked = np.sort(np.array(outside))
    below = np.searchsorted(ranked, np.array(inside), side="left")
    equal = np.searchsorted(ranked, np.array(inside), side="right") - below
    return float((below + equal / 2).mean() / len(outside))


def calibration(draws: int = 5) -> list[Row]:
    """G7: expected calibration error, 15 bins."""
    goals = {
        "banking77": Goal(0.03, 0.02, False),
        "clinc150": Goal(0.035, 0.02, False),
        "it_tickets8": Goal(0.06, 0.035, False),
    }
    rows = []
    for name, goal in goals.items():
        run = full(name)
        figure = Figure(run.evaluation.ece, 0.0, 3)
        rows.append(row("G7", f"{name} ECE", figure, goal, f"{run.peer.ece:.3f}"))
    few = mean(evaluation.ece for evaluation, _ in _few_tickets(20, draws))
    beside = mean(other.ece for _, other in _few_tickets(20, draws))
    metric = "it_tickets8 ECE, 20 labels per class"
    goal = Goal(0.07, 0.05, False)
    return [*rows, row("G7", metric, Figure(few, 0.0, 3), goal, f"{beside:.3f}")]


def automatic() -> list[Row]:
    """G8: it_tickets8 routed by itself at a promise of 95 %."""
    found = full("it_tickets8").evaluation
    routed = round(found.routed * found.examples)
    accuracy = 100 * (found.accuracy_when_routed or 0.0)
    coverage = 100 * found.routed
    return [
        row(
            "G8",
            "it_tickets8 routed by itself",
            Figure(coverage, share_error(coverage, found.examples)),
            Goal(55, 60),
        ),
        row(
            "G8",
            "accuracy of what was routed",
            Figure(accuracy, share_error(accuracy, max(routed, 1))),
            Goal(94, 95),
        ),
    ]
