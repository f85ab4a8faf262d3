"""Own labels remembered mail by mail: what is like a labelled mail goes where that one went.

Not a training: the model's weights stay, and so do its files, which hold nothing of this. Each
remembered mail pulls a new one that is like it by what the model had got wrong about it (its
residual: 1 - p for the label that was given, -p for the others), so a mail that the model had right
anyway pulls next to nothing. What is nearly the same goes where the labelled one went, however sure
the model had been. All of it is added to the margins: probabilities, thresholds and abstaining work
as ever, and the parts of an explanation sum to the margin as ever. docs/CLASSIFIER.md says what it
was measured to bring.
"""

from __future__ import annotations

import copy
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING

from classifiers.confidence import softmax
from classifiers.lanes import Lanes
from classifiers.terms import term_frequency
from classifiers.text import MailText, Words, company_of, words_of

if TYPE_CHECKING:
    from classifiers.model import Model
    from classifiers.table import Table

LIKE = 0.2
"""Cosine of the words from which two mails have anything to do with each other."""
PULL = 3.0
"""What a mail that is alike in every word adds to the logarithm of odds, times its residual."""
SAME_COMPANY = 0.2
"""A mail of the same sender's company counts as much as one that is so alike."""
MOST = 3.0
"""Together the mails that are like one count no more than so many; as many of its company."""
SAME = (0.6, 0.8)
"""Cosine from which two mails begin to be one written twice, and from which they are."""
_DECIDED = 2.0
"""What is then left to the label that was given, in the logarithm of the odds."""
_COMMON = 8
"""Words that so many remembered mails have are added for all of them at once (`lanes.py`)."""
_PARTS = 64
"""Term frequencies count in so many parts there, for only whole numbers multiply a whole row."""

Pull = tuple[str, bool, list[float]]
"""(the label that was given, was it for the company's sake?, what it adds to each margin)."""
_Found = tuple[str, bool, float, Sequence[float]]
"""(label, for the company's sake?, how much it counts, what it then adds by label)."""


@dataclass(frozen=True, slots=True)
class _Kept:
    label: str
    residual: tuple[float, ...]
    turn: tuple[float, ...] | None
    """What else it takes to turn this mail's answer; None where that was right."""


class Memory:
    """Labelled mails that can be found by what a new mail shares with them."""

    def __init__(self, model: Model, labelled: Sequence[tuple[MailText, str]]) -> None:
        self._temperature = model.temperature
        read = [words_of(mail) for mail, _ in labelled]
        self._index([_shares(model.table, words) for words in read])
        self._of_company: dict[str, list[int]] = {}
        self._kept: list[_Kept] = []
        # Each is compared with what would have been answered at its time, by the labels before it:
        # so one that says the same again adds little, and one that takes back counts in full.
        for at, ((mail, label), words) in enumerate(zip(labelled, read, strict=True)):
            scored = model.scorer.score(words)
            pulls = self.pulls(words, scored.length, mail.sender)
            margins = [sum(m) for m in zip(scored.margins, *[p[2] for p in pulls], strict=True)]
            self._kept.append(_kept(margins, model.temperature, model.labels, label))
            if company := company_of(mail.sender):
                self._of_company.setdefault(company, []).append(at)

    def _index(self, kept: Sequence[Mapping[str, float]]) -> None:
        places: dict[str, list[tuple[int, float]]] = {}
        for at, words in enumerate(kept):
            for word, weight in words.items():
                places.setdefault(word, []).append((at, weight))
        self._rare = {word: found for word, found in places.items() if len(found) < _COMMON}
        largest = max((weight for words in kept for weight in words.values()), default=0.0)
        self._lanes = Lanes(len(kept), largest)
        self._common: dict[str, int] = {}
        for word, found in places.items():
            if len(found) >= _COMMON:
                row = [0.0] * len(kept)
                for at, weight in found:
                    row[at] = weight
                self._common[word] = self._lanes.pack(row)

    def __len__(self) -> int:
        return len(self._kept)

    def pulls(self, words: Words, length: float, sender: str) -> list[Pull]:
        """What the remembered mails add to the margins of a mail, by the label they were given.

        `length`: the mail's, as `Scored` has it.
        """
        alike = self._alike(words.single, length)
        kept, found = self._kept, list[_Found]()
        shares = {at: (cosine - LIKE) / (1.0 - LIKE) for at, cosine in alike.items()}
        for at, share in _bounded(shares, MOST).items():
            found.append((kept[at].label, False, PULL * share, kept[at].residual))
        first, last = SAME
        twice = {at: (cosine - first) / (last - first) for at, cosine in alike.items()}
        twice = {at: min(share, 1.0) for at, share in twice.items() if share > 0.0}
        for at, share in twice.items():
            if (turn := kept[at].turn) is not None:
                found.append((kept[at].label, False, share, turn))
        same = self._of_company.get(company_of(sender), ()) if sender else ()
        for at, share in _bounded(dict.fromkeys(same, 1.0), MOST).items():
            found.append((kept[at].label, True, PULL * SAME_COMPANY * share, kept[at].residual))
        return self._summed(found)

    def _summed(self, found: Sequence[_Found]) -> list[Pull]:
        totals: dict[tuple[str, bool], list[float]] = {}
        for team, company, share, parts in found:
            sums = totals.setdefault((team, company), [0.0] * len(parts))
            for label, part in enumerate(parts):
                sums[label] += share * self._temperature * part
        return [(team, company, sums) for (team, company), sums in totals.items()]

    def _alike(self, single: Mapping[str, float], length: float) -> dict[int, float]:
        """The cosine with each remembered mail that is alike, by its place."""
        rows = self._common
        total = sum(map(rows.get, single, repeat(0))) * _PARTS
        for word, count in single.items():
            if count != 1 and (row := rows.get(word)):
                total += row * (round(term_frequency(count) * _PARTS) - _PARTS)
        lanes = self._lanes.lanes(total)
        whole = _PARTS * length
        least = LIKE * whole
        bound = self._lanes.lane(least)
        more = dict.fromkeys([at for at, lane in enumerate(lanes) if lane > bound], 0.0)
        for word in filter(self._rare.__contains__, single):
            frequency = term_frequency(single[word]) * _PARTS
            for at, weight in self._rare[word]:
                more[at] = more.get(at, 0.0) + frequency * weight
        found: dict[int, float] = {}
        for at, extra in sorted(more.items()):
            likeness = extra + self._lanes.number(lanes[at])
            if likeness > least and at < len(self._kept):
                found[at] = min(likeness / whole, 1.0)
        return found


def remembering(model: Model, labelled: Sequence[tuple[MailText, str]]) -> Model:
    """`model` with these mails and the labels that people gave them; itself where there are none.

    The same model and labels give the same answers and the same id. KeyError: unknown label.
    """
    if not labelled:
        return model
    for _, label in labelled:
        if label not in model.labels:
            raise KeyError(f"this model knows no label {label!r}; it knows {list(model.labels)}")
    made = copy.copy(model)  # with the scorer that it has: a new one takes longer than all this
    object.__setattr__(made, "memory", Memory(model, labelled))
    digest = hashlib.sha256(model.id.encode())
    for mail, label in labelled:
        digest.update(repr((mail, label)).encode("utf-8", "surrogatepass"))
    object.__setattr__(made, "id", digest.hexdigest()[:12])
    return made


def _kept(margins: Sequence[float], temperature: float, labels: Sequence[str], label: str) -> _Kept:
    """What a mail with these margins and this label teaches."""
    scores = softmax(margins, temperature)
    given, top = labels.index(label), max(range(len(margins)), key=margins.__getitem__)
    residual = tuple((at == given) - score for at, score in enumerate(scores))
    if top == given:
        return _Kept(label, residual, None)
    gap = (margins[top] - margins[given]) / temperature
    pulled = PULL * (SAME[1] - LIKE) / (1.0 - LIKE) * (residual[given] - residual[top])
    needed = max(0.0, gap + _DECIDED - pulled)
    turn = tuple(needed * ((at == given) - (at == top)) for at in range(len(margins)))
    return _Kept(label, residual, turn)


def _shares(table: Table, words: Words) -> dict[str, float]:
    """Per word tf * idf / length, and idf once more: times tf / length of another mail and summed,
    that is the cosine. Unknown words count too: they are often what a kind of mail is known by."""
    known, idf, unknown = table.words, table.idf, table.unknown_idf
    weights = {
        word: term_frequency(count) * (unknown if (at := known.get(word)) is None else idf[at])
        for word, count in words.single.items()
    }
    length = math.sqrt(math.fsum(weight * weight for weight in weights.values())) or 1.0
    return {
        word: weight * (unknown if (at := known.get(word)) is None else idf[at]) / length
        for word, weight in weights.items()
    }


def _bounded(shares: dict[int, float], most: float) -> dict[int, float]:
    total = math.fsum(shares.values())
    return {at: share * most / total for at, share in shares.items()} if total > most else shares
