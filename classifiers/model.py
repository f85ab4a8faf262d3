"""A trained model: what it answers for one mail, and why. Needs no scikit-learn.

Not the trainer (`fit.py`) and not the file (`artifact.py`).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from classifiers.confidence import softmax, strength_of
from classifiers.memory import Memory, Pull
from classifiers.scoring import Scored, Scorer, scorer_for
from classifiers.table import Table
from classifiers.text import MailText, Words, readable, words_of

NONE = "none"
"""The label of automatic and off-topic mail. It never decides a team."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A word or phrase and what it added to the answer's margin."""

    term: str
    weight: float

    def as_json(self) -> dict[str, object]:
        """`{"term", "weight"}`."""
        return {"term": self.term, "weight": round(self.weight, 6)}


@dataclass(frozen=True, slots=True)
class Prediction:
    """The model's answer for one mail."""

    label: str
    """Always the best label, also where the model abstains."""
    score: float
    """Calibrated probability of `label`."""
    scores: Mapping[str, float]
    """All labels with their probabilities; they sum to 1."""
    abstain: bool
    """The answer is too weak to route by itself, or it is `none`."""
    best: tuple[str, ...]
    """The two best labels, best first (one where the model knows only one)."""
    evidence: tuple[Evidence, ...] = ()
    strength: float = 0.0
    """`confidence.strength_of`: what the thresholds are compared with."""
    known_share: float = 0.0
    model_id: str = ""

    def as_json(self) -> dict[str, object]:
        """The shape that `aboard classifier predict` prints."""
        return {
            "label": self.label,
            "score": round(self.score, 6),
            "scores": {label: round(score, 6) for label, score in self.scores.items()},
            "abstain": self.abstain,
            "best": list(self.best),
            "evidence": [part.as_json() for part in self.evidence],
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """Every part of one label's margin; `bias` and the weights of `parts` sum to `margin`."""

    label: str
    margin: float
    bias: float
    parts: tuple[Evidence, ...]
    """Largest weight first."""


@dataclass(frozen=True, slots=True)
class Model:
    """Labels, their table, one temperature and a threshold per label."""

    labels: tuple[str, ...]
    table: Table = field(repr=False)
    temperature: float
    thresholds: tuple[float, ...]
    """Per label, on `Prediction.strength`; infinity: this label is never sent by itself."""
    info: Mapping[str, object] = field(repr=False, default_factory=dict)
    """How it was made: options, data hash, held-out scores, versions. JSON values only."""
    id: str = ""
    memory: Memory | None = field(default=None, repr=False, compare=False)
    """Own labels on top (`memory.remembering`); never part of a file."""
    scorer: Scorer = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scorer", scorer_for(self.table))

    def predict(self, mail: MailText, *, evidence: int = 5) -> Prediction:
        """The answer for one mail with its `evidence` strongest reasons (0: none). Never raises."""
        words = words_of(mail, self.table.pairs)
        scored = self.scorer.score(words)
        if self.memory is None:
            return self.answer(words, scored, evidence)
        pulls = self.memory.pulls(words, scored.length, mail.sender)
        return self.answer(words, _pulled(scored, pulls), evidence, pulls)

    def margins(self, mail: MailText) -> list[float]:
        """Uncalibrated scores in the order of `labels`."""
        return self._scored(mail)[1].margins

    def _scored(self, mail: MailText) -> tuple[Words, Scored, Sequence[Pull]]:
        words = words_of(mail, self.table.pairs)
        scored = self.scorer.score(words)
        if self.memory is None:
            return words, scored, ()
        pulls = self.memory.pulls(words, scored.length, mail.sender)
        return words, _pulled(scored, pulls), pulls

    def explain(self, mail: MailText, label: str | None = None) -> Explanation:
        """All parts of the margin of `label` (default: the best). KeyError: unknown label."""
        words, scored, pulls = self._scored(mail)
        margins = scored.margins
        if label is None:
            at = max(range(len(margins)), key=margins.__getitem__)
        elif label in self.labels:
            at = self.labels.index(label)
        else:
            raise KeyError(f"this model knows no label {label!r}; it knows {list(self.labels)}")
        parts = [(readable(term), weight) for term, weight in self.scorer.parts(words, at)]
        parts = sorted(parts + _reasons(pulls, at), key=lambda part: (-part[1], part[0]))
        return Explanation(
            label=self.labels[at],
            margin=margins[at],
            bias=self.table.arrays.bias.numbers()[at],
            parts=tuple(Evidence(term, weight) for term, weight in parts),
        )

    def answer(
        self, words: Words, scored: Scored, evidence: int, pulls: Sequence[Pull] = ()
    ) -> Prediction:
        """The prediction that margins stand for; `words` and `pulls` only serve the evidence."""
        margins = scored.margins
        probabilities = softmax(margins, self.temperature)
        first, second = _two_best(margins)
        strength = strength_of(
            len(margins), margins[first], probabilities[first], scored.known_share
        )
        reasons: tuple[Evidence, ...] = ()
        if evidence > 0:
            parts = self.scorer.strongest(words, scored, first, evidence)
            found = [Evidence(readable(term), weight) for term, weight in parts]
            if pulls:
                found += [Evidence(*part) for part in _reasons(pulls, first) if part[1] > 0.0]
                found.sort(key=lambda part: -part.weight)
            reasons = tuple(found[:evidence])
        label = self.labels[first]
        best = (label,) if second is None else (label, self.labels[second])
        return Prediction(
            label=label,
            score=probabilities[first],
            scores=dict(zip(self.labels, probabilities, strict=True)),
            abstain=not words.single or label == NONE or strength < self.thresholds[first],
            best=best,
            evidence=reasons,
            strength=strength,
            known_share=scored.known_share,
            model_id=self.id,
        )


def _pulled(scored: Scored, pulls: Sequence[Pull]) -> Scored:
    """The margins with what remembered mail adds."""
    if not pulls:
        return scored
    moved = [sum(parts) for parts in zip(scored.margins, *[p[2] for p in pulls], strict=True)]
    return replace(scored, margins=moved)


def _reasons(pulls: Sequence[Pull], label: int) -> list[tuple[str, float]]:
    """Each pull as a part of one label's margin, in words."""
    what = {False: "mail like it", True: "mail of this company"}
    return [(f"{what[company]} went to {team}", sums[label]) for team, company, sums in pulls]


def _two_best(margins: Sequence[float]) -> tuple[int, int | None]:
    first = margins.index(max(margins))
    if len(margins) == 1:
        return first, None
    rest = [*margins[:first], *margins[first + 1 :]]
    second = rest.index(max(rest))
    return first, second if second < first else second + 1


def fingerprint(labels: Sequence[str], table: Table, numbers: Sequence[float]) -> str:
    """The id of a model: 12 hexadecimal digits over everything that decides its answers."""
    digest = hashlib.sha256()
    digest.update("\n".join(labels).encode())
    digest.update("\n".join(table.words).encode("utf-8", "surrogatepass"))
    digest.update("\n".join(map(" ".join, table.pairs)).encode("utf-8", "surrogatepass"))
    arrays = table.arrays
    for array in (
        arrays.word_rows,
        arrays.word_idf,
        arrays.pair_rows,
        arrays.character_rows,
        arrays.bias,
    ):
        digest.update(array.raw)
    digest.update(repr((table.features, table.unknown_idf, *numbers)).encode())
    return digest.hexdigest()[:12]


def is_finite(numbers: Sequence[float]) -> bool:
    """No NaN and no infinity in it."""
    return all(math.isfinite(number) for number in numbers)
