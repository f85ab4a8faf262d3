"""The most similar past threads and where they ended up, as evidence. It decides nothing.

An inverted index over the words the model knows (tf * idf, length 1). It holds no text, only term
weights and thread ids, and is rebuilt quickly from the threads after each new model.
"""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterable
from dataclasses import dataclass

from classifiers.model import Model
from classifiers.text import MailText, words_of


@dataclass(frozen=True, slots=True)
class Past:
    """A past thread as it goes into the index."""

    thread_id: str
    mail: MailText
    team: str
    """Where it ended up."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A past thread like the one asked about."""

    thread_id: str
    team: str
    likeness: float
    """Cosine, 0 to 1."""


class NearestIndex:
    """Past threads by word. Made for some ten thousand threads; memory is about 12 bytes a word."""

    def __init__(self, model: Model, past: Iterable[Past] = ()) -> None:
        self.model_id = model.id
        self._vector = model.table.vector
        self._threads: list[tuple[str, str]] = []
        self._rows: dict[str, array[int]] = {}
        self._weights: dict[str, array[float]] = {}
        self._place: dict[str, int] = {}
        for thread in past:
            self.add(thread)

    def __len__(self) -> int:
        return len(self._place)

    def add(self, past: Past) -> None:
        """Put a thread in; one with the same id replaces the former."""
        at = len(self._threads)
        self._threads.append((past.thread_id, past.team))
        self._place[past.thread_id] = at
        for word, weight in self._vector(words_of(past.mail)).items():
            self._rows.setdefault(word, array("l")).append(at)
            self._weights.setdefault(word, array("f")).append(weight)

    def forget(self, thread_id: str) -> None:
        """Never show this thread again (erasure, or a reader who may not see it)."""
        self._place.pop(thread_id, None)

    def nearest(
        self, mail: MailText, count: int = 3, allowed: frozenset[str] | None = None
    ) -> tuple[Neighbour, ...]:
        """The `count` most similar threads, most similar first.

        `allowed`: only these thread ids, so that nobody sees a thread through its likeness (I10).
        """
        likeness: dict[int, float] = {}
        for word, weight in self._vector(words_of(mail)).items():
            rows = self._rows.get(word)
            if rows is not None:
                for at, other in zip(rows, self._weights[word], strict=True):
                    likeness[at] = likeness.get(at, 0.0) + weight * other
        seen = (
            (value, self._threads[at])
            for at, value in likeness.items()
            if self._place.get(self._threads[at][0]) == at
            and (allowed is None or self._threads[at][0] in allowed)
        )
        best = heapq.nsmallest(count, seen, key=lambda found: (-found[0], found[1][0]))
        return tuple(Neighbour(name, team, min(value, 1.0)) for value, (name, team) in best)
