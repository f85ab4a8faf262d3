"""Finds which of many fixed texts or patterns may stand in a text, in one pass for all of them.

Gives every owner (a number) whose text is there, and may give some whose is not: the caller asks
them again. Used by `routing.index`; knows no rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import re2

_GRAM = 3
_LONG_TEXT = 32_768
"""Characters from which one pass of RE2 is cheaper than looking at each word."""
_LONG_WORD = 1_000
_KEPT_WORDS = 50_000
_KEPT_WORD = 40
_SET_MEMORY = 128 << 20
_SET_PROGRAM = 50_000
"""RE2 instructions of one set. A DFA that cannot hold some twenty states gives up without a word
(google/re2 issue 136); with this size a state takes at most 200 kB of 40 MB."""


class Literals:
    """Fixed texts in folded form, each with its owners.

    Of each text only its longest piece without a space is looked for: folded text has single
    spaces, so the piece must stand inside one word of the text.
    """

    def __init__(self) -> None:
        self._owners: dict[str, list[int]] = {}
        self._by_gram: dict[str, list[str]] = {}
        self._sizes: tuple[int, ...] = ()
        self._known: dict[str, tuple[str, ...]] = {}
        self._set: PatternSet | None = None
        self._pieces: list[str] = []

    def add(self, text: str, owner: int) -> None:
        """Look for `text`; it must not be empty."""
        piece = max(text.split(" "), key=len)
        owners = self._owners.get(piece)
        if owners is not None:
            owners.append(owner)
            return
        self._owners[piece] = [owner]
        gram = piece[:_GRAM]
        self._by_gram.setdefault(gram, []).append(piece)
        if len(gram) not in self._sizes:
            self._sizes = (*self._sizes, len(gram))

    def found(self, text: str, into: set[int]) -> None:
        """Add the owners of every text that may stand in folded `text`."""
        if not self._owners:
            return
        if len(text) > _LONG_TEXT:
            self._found_by_set(text, into)
            return
        for word in set(text.split(" ")):
            pieces = self._known.get(word)
            if pieces is None:
                if len(word) > _LONG_WORD:
                    self._found_by_set(text, into)
                    return
                pieces = self._look(word)
            for piece in pieces:
                into.update(self._owners[piece])

    def _look(self, word: str) -> tuple[str, ...]:
        found = []
        for size in self._sizes:
            for start in range(len(word) - size + 1):
                for piece in self._by_gram.get(word[start : start + size], ()):
                    if word.startswith(piece, start):
                        found.append(piece)
        pieces = tuple(dict.fromkeys(found))
        if len(word) <= _KEPT_WORD:
            if len(self._known) >= _KEPT_WORDS:
                self._known.clear()
            self._known[word] = pieces
        return pieces

    def _found_by_set(self, text: str, into: set[int]) -> None:
        if self._set is None:
            self._pieces = list(self._owners)
            escaped = [re2.escape(piece) for piece in self._pieces]
            numbered = [(piece, 2 * len(piece)) for piece in escaped]
            self._set = PatternSet(numbered, range(len(escaped)))
        numbers: set[int] = set()
        self._set.found(text.encode("utf-8", "replace"), numbers)
        for number in numbers:
            into.update(self._owners[self._pieces[number]])


class PatternSet:
    """RE2 patterns, each with an owner; all are matched together, in as few sets as is safe."""

    def __init__(self, patterns: Iterable[tuple[str, int]], owners: Iterable[int]) -> None:
        """`patterns` are (RE2 pattern, size of its program), each known to compile."""
        self._sets: list[tuple[Any, list[int]]] = []
        self.always: list[int] = []
        """Owners of patterns that no set could take; they must be asked each time."""
        chunk: list[tuple[str, int]] = []
        total = 0
        for (pattern, size), owner in zip(patterns, owners, strict=True):
            if chunk and total + size > _SET_PROGRAM:
                self._compile(chunk)
                chunk, total = [], 0
            chunk.append((pattern, owner))
            total += size
        if chunk:
            self._compile(chunk)

    def _compile(self, chunk: list[tuple[str, int]]) -> None:
        options = re2.Options()
        options.log_errors = False
        options.never_capture = True
        options.max_mem = _SET_MEMORY
        together = re2.Set.SearchSet(options)
        try:
            for pattern, _ in chunk:
                together.Add(pattern)
            together.Compile()
        except re2.error:
            if len(chunk) == 1:
                self.always.append(chunk[0][1])
                return
            middle = len(chunk) // 2
            self._compile(chunk[:middle])
            self._compile(chunk[middle:])
            return
        self._sets.append((together, [owner for _, owner in chunk]))

    def found(self, text: bytes, into: set[int]) -> None:
        """Add the owners of every pattern that matches somewhere in `text`."""
        into.update(self.always)
        for together, owners in self._sets:
            for number in together.Match(text) or ():
                into.add(owners[number])
