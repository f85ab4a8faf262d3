"""The shipped examples judged by themselves: folds, industries, and own labels on top.

No public set has these four teams, and whoever wrote these examples also wrote what they are judged
on; leaving a whole industry out is the most honest figure that can be had here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import mean, stdev

import numpy as np

from bench.classifier_accuracy import fitted, peer, read
from bench.classifier_cost import TRAINING
from classifiers.dataset import Example
from classifiers.evaluate import Evaluation, Outcome, evaluate, summarise
from classifiers.features import matrix
from classifiers.fit import FitOptions, fit_once, read_material, settings_for
from classifiers.grouping import assign_folds, group_examples
from classifiers.learn import OWN_OPTIONS, mix
from classifiers.shipped import SHIPPED_OPTIONS, read_shipped
from classifiers.text import words_of

SIZES = (0, 1, 2, 5, 10, 20, 50)
QUICK = replace(OWN_OPTIONS, costs=(0.3,))
"""For the learning curves, whose hundred fits need no search for a cost."""
_SHOWN = 15
"""Mails below which a share says nothing and is not shown."""
_HEAD = (
    "| {0} | mails | accuracy | macro-F1 | TF-IDF + LR | majority | ECE "
    "| accuracy at 90 / 80 % | routed | right of routed |\n|" + "---|" * 10
)


@lru_cache
def shipped() -> tuple[Example, ...]:
    """The shipped examples."""
    return tuple(read_shipped(TRAINING))


def _line(name: str, found: Evaluation, beside: float) -> str:
    routed = found.accuracy_when_routed
    cover = found.accuracy_at_coverage
    return (
        f"| {name} | {found.examples} | {found.accuracy:.1%} | {found.macro_f1:.1%} | "
        f"{beside:.1f}% | {found.majority_baseline:.1%} | {found.ece:.3f} | "
        f"{cover[90]:.1%} / {cover[80]:.1%} | {found.routed:.1%} | "
        f"{'-' if routed is None else f'{routed:.1%}'} |"
    )


def _judge(train: Sequence[Example], test: Sequence[Example]) -> tuple[Evaluation, float]:
    return evaluate(fitted(train, SHIPPED_OPTIONS), test), peer(train, test).accuracy


def _all(parts: Sequence[tuple[Evaluation, float]]) -> tuple[Evaluation, float]:
    outcomes: list[Outcome] = [outcome for part, _ in parts for outcome in part.outcomes]
    weighted = sum(beside * part.examples for part, beside in parts)
    return summarise(outcomes), weighted / len(outcomes)


def _breakdown(
    title: str, key: Callable[[Example], str], judged: Sequence[tuple[Example, Outcome]]
) -> str:
    groups: dict[str, list[bool]] = {}
    for example, outcome in judged:
        groups.setdefault(key(example) or "?", []).append(outcome.right)
    cells = [
        f"{name} {mean(right):.0%} ({len(right)})"
        for name, right in sorted(groups.items())
        if len(right) >= _SHOWN
    ]
    return f"By {title}: " + ", ".join(cells) + "."


def folds() -> str:
    """Five-fold cross-validation; mail of one sender's domain and near-duplicates stay together."""
    examples = shipped()
    where = assign_folds(group_examples(examples), [e.label for e in examples], 5, seed=3)
    parts, judged = [], []
    for fold in range(5):
        train = [examples[index] for index in np.flatnonzero(where != fold).tolist()]
        test = [examples[index] for index in np.flatnonzero(where == fold).tolist()]
        parts.append(_judge(train, test))
        judged += list(zip(test, parts[-1][0].outcomes, strict=True))
    found, beside = _all(parts)
    per_class = ", ".join(
        f"{label} {score.precision:.0%} / {score.recall:.0%}"
        for label, score in found.per_class.items()
    )
    return "\n".join(
        [
            _HEAD.format("five folds"),
            _line("all", found, beside),
            "",
            f"Precision / recall: {per_class}.",
            _breakdown("language", lambda e: e.language, judged),
            _breakdown("kind", lambda e: e.kind, judged),
            _breakdown("file", lambda e: e.source.removesuffix(".jsonl"), judged),
        ]
    )


def industries() -> str:
    """Train on all industries but one, judge on that one."""
    examples = shipped()
    lines, parts = [_HEAD.format("industry left out")], []
    for industry in sorted({example.industry for example in examples}):
        train = [example for example in examples if example.industry != industry]
        test = [example for example in examples if example.industry == industry]
        parts.append(_judge(train, test))
        lines.append(_line(industry, *parts[-1]))
    return "\n".join([*lines, _line("**all**", *_all(parts))])


@dataclass(frozen=True, slots=True)
class _House:
    """One installation: the industries it serves are its own mail, the others are shipped."""

    shipped: list[Example]
    own: list[Example]
    test: list[Example]


def _houses() -> list[_House]:
    """Two industries at a time are the installation's own; half of its mail is held out."""
    examples = shipped()
    names = sorted({example.industry for example in examples})
    found = []
    for seed, name in enumerate(names):
        mine = {name, names[(seed + 1) % len(names)]}
        own = [example for example in examples if example.industry in mine]
        half = assign_folds(group_examples(own), [e.label for e in own], 2, seed=seed)
        found.append(
            _House(
                [example for example in examples if example.industry not in mine],
                [own[index] for index in np.flatnonzero(half == 0).tolist()],
                [own[index] for index in np.flatnonzero(half == 1).tolist()],
            )
        )
    return found


def _draw(own: Sequence[Example], count: int, seed: int) -> list[Example]:
    """`count` own mails of every label (fewer where there are not so many)."""
    rng = np.random.default_rng(seed)
    taken: dict[str, int] = {}
    drawn = []
    for index in rng.permutation(len(own)).tolist():
        label = own[index].label
        if taken.get(label, 0) < count:
            taken[label] = taken.get(label, 0) + 1
            drawn.append(own[index])
    return drawn


def curve() -> str:
    """Accuracy on own mail with n own labels per label, with and without the shipped examples."""
    return _curve(_houses())


TEAM_OF_QUEUE = {
    "hardware": "support",
    "access": "support",
    "storage": "support",
    "administrative rights": "implementation",
    "internal project": "implementation",
    "purchase": "compliance",
    "hr support": "success",
}
"""Which team a house with habits of its own lets do the work of each queue of it_tickets8."""
DRAWS = 5


def habits(draws: int = DRAWS) -> str:
    """The same for a house unlike the shipped mail in words and in borders between teams.

    it_tickets8 is real mail to a help desk, its queues dealt out to the four teams as
    `TEAM_OF_QUEUE` says (the queue "miscellaneous" has no team): five draws of own labels.
    """

    def part(name: str) -> list[Example]:
        found = read(f"it_tickets8/{name}.jsonl")
        return [
            replace(example, label=TEAM_OF_QUEUE[example.label])
            for example in found
            if example.label in TEAM_OF_QUEUE
        ]

    house = _House(list(shipped()), part("train"), part("test"))
    return _curve([house] * draws)


def _curve(houses: Sequence[_House]) -> str:
    """One row per number of own labels; gains are paired with the same run without own labels."""
    lines = [
        "| own labels per label | shipped + own | gain over none | own alone "
        "| TF-IDF + LR, own alone |",
        "|---|---|---|---|---|",
    ]
    shown = {id(house): _accuracy(house.shipped, house.test) for house in houses}
    cold = [shown[id(house)] for house in houses]
    lines.append(f"| 0 | {_spread(cold)} | - | - | - |")
    for count in SIZES[1:]:
        columns: list[list[float]] = [[] for _ in range(4)]
        for seed, house in enumerate(houses):
            drawn = _draw(house.own, count, seed)
            alike = _accuracy(mix(house.shipped, drawn), house.test)
            alone = _alone(drawn, house.test)
            for column, value in zip(columns, (alike, alike - cold[seed], *alone), strict=True):
                column.append(value)
        lines.append(f"| {count} | " + " | ".join(map(_spread, columns)) + " |")
    return "\n".join(lines)


def _spread(values: Sequence[float]) -> str:
    return f"{mean(values):.1f} ± {stdev(values) / len(values) ** 0.5:.1f}"


def _accuracy(
    train: Sequence[Example], test: Sequence[Example], options: FitOptions = QUICK
) -> float:
    """Percent right of one fit without calibration, which changes no answer."""
    material = read_material(train, (), options)
    vocabulary, weights = fit_once(material, options, settings_for(material, options, 0.3))
    found = weights.margins(matrix([words_of(example.mail) for example in test], vocabulary))
    right = [
        material.names[best] == example.label
        for best, example in zip(found.argmax(axis=1).tolist(), test, strict=True)
    ]
    return 100 * mean(right)


def _alone(own: Sequence[Example], test: Sequence[Example]) -> tuple[float, float]:
    """The same without the shipped examples: ours, and the usual pipeline."""
    features = replace(QUICK.features, min_examples=1, min_accounts=0)
    return _accuracy(own, test, replace(QUICK, features=features)), peer(own, test).accuracy
