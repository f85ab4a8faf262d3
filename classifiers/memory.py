"""Own labels remembered mail by mail: what is like a labelled mail goes where that one went.

Not a training: the model's weights stay, and so do its files, which hold nothing of this. Each
remembered mail pulls a new one that is like it by what the model had got wrong about it (its
residual: 1 - p for the label that was given, -p for the others), so a mail that the model had right
anyway pulls next to nothing, and one label already counts for the very next mail of its kind. The
pull is added to the margins: probabilities, thresholds and abstaining work as ever, and the parts
of an explanation sum to the margin as ever. docs/CLASSIFIER.md says what it was measured to bring.
"""

from __future__ import annotations

import copy
import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING

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
_COMMON = 8
"""Words that so many remembered mails have are added for all of them at once (`lanes.py`)."""
_PARTS = 64
"""Term frequencies count in so many parts there, for only whole numbers multiply a whole row."""

Pull = tuple[str, bool, list[float]]
"""(the label that was given, was it for the company's sake?, what it adds to each margin)."""


@dataclass(frozen=True, slots=True)
class _Kept:
    label: str
    company: str
    words: Mapping[str, float]
    residual: tuple[float, ...]


class Memory:
    """Labelled mails that can be found by what a new mail shares with them."""

    def __init__(self, model: Model, labelled: Iterable[tuple[MailText, str]]) -> None:
        self._scale = PULL * model.temperature
        self._kept = [_kept(model, mail, label) for mail, label in labelled]
        self._of_company: dict[str, list[int]] = {}
        places: dict[str, list[tuple[int, float]]] = {}
        for at, one in enumerate(self._kept):
            for word, weight in one.words.items():
                places.setdefault(word, []).append((at, weight))
            if one.company:
                self._of_company.setdefault(one.company, []).append(at)
        self._rare = {word: found for word, found in places.items() if len(found) < _COMMON}
        largest = max((weight for one in self._kept for weight in one.words.values()), default=0.0)
        self._lanes = Lanes(len(self._kept), largest)
        self._common: dict[str, int] = {}
        for word, found in places.items():
            if len(found) >= _COMMON:
                row = [0.0] * len(self._kept)
                for at, weight in found:
                    row[at] = weight
                self._common[word] = self._lanes.pack(row)

    def __len__(self) -> int:
        return len(self._kept)

    def pulls(self, words: Words, length: float, sender: str) -> list[Pull]:
        """What the remembered mails add to the margins of a mail, by the label they were given.

        `length`: the mail's, as `Scored` has it.
        """
        alike = _bounded(self._alike(words.single, length))
        found = [(at, share, False) for at, share in alike.items()]
        same = self._of_company.get(company_of(sender), ()) if sender else ()
        if same:
            shares = _bounded(dict.fromkeys(same, SAME_COMPANY), MOST * SAME_COMPANY)
            found += [(at, share, True) for at, share in shares.items()]
        totals: dict[tuple[str, bool], list[float]] = {}
        for at, share, company in found:
            one, weight = self._kept[at], share * self._scale
            sums = totals.setdefault((one.label, company), [0.0] * len(one.residual))
            for label, part in enumerate(one.residual):
                sums[label] += weight * part
        return [(label, company, sums) for (label, company), sums in totals.items()]

    def _alike(self, single: Mapping[str, float], length: float) -> dict[int, float]:
        """How much each remembered mail counts for this one, by its place."""
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
            if likeness > least:
                found[at] = min((likeness / whole - LIKE) / (1.0 - LIKE), 1.0)
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
    made = copy.copy(
        model
    )  # its table of rows is shared: making it anew takes longer than all this
    object.__setattr__(made, "memory", Memory(model, labelled))
    digest = hashlib.sha256(model.id.encode())
    for mail, label in labelled:
        digest.update(repr((mail, label)).encode("utf-8", "surrogatepass"))
    object.__setattr__(made, "id", digest.hexdigest()[:12])
    return made


def _kept(model: Model, mail: MailText, label: str) -> _Kept:
    said = model.predict(mail, evidence=0).scores
    residual = tuple((name == label) - said[name] for name in model.labels)
    return _Kept(label, company_of(mail.sender), _shares(model.table, words_of(mail)), residual)


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


def _bounded(shares: dict[int, float], most: float = MOST) -> dict[int, float]:
    total = math.fsum(shares.values())
    return {at: share * most / total for at, share in shares.items()} if total > most else shares
