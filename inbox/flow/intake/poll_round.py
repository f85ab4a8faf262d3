"""A round over a folder of a mailbox: what it is given, its portions, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from inbox.imap_settings import Imap, Polled
from inbox.mail.polled import Listed

UNKNOWN_SIZE = 1024 * 1024
"""Bytes that a mail may have whose size the server does not tell."""


@dataclass(frozen=True, slots=True)
class Round:
    """What became of the UIDs of one round."""

    accepted: int = 0
    known: int = 0
    gone: int = 0
    left: int = 0
    """Still on the server only: too large, or refused by it."""

    def __add__(self, other: Round) -> Round:
        return Round(
            self.accepted + other.accepted,
            self.known + other.known,
            self.gone + other.gone,
            self.left + other.left,
        )

    @property
    def total(self) -> int:
        """UIDs that were accounted for."""
        return self.accepted + self.known + self.gone + self.left


@dataclass(frozen=True, slots=True)
class Rules:
    """How a mailbox is polled, and by whom."""

    node: str
    box: Polled
    imap: Imap
    clock: Callable[[], datetime]
    stopping: Callable[[], bool] = lambda: False
    deferred: Callable[[str, Sequence[str], float], bool] = lambda path, mailboxes, second: False
    """Is a mail of this reverse-path that came at that second a flood's (`routing.floods`)?"""
    progress: Callable[[str, int, int], None] = lambda folder, done, total: None
    """Told after every batch: folder, UIDs accounted for in this round, UIDs there were."""
    moving: Callable[[str, str | None], None] = lambda folder, why: None
    """Told once why the mail of a folder cannot be moved away, and once, with None, when it can."""


@dataclass(frozen=True, slots=True)
class Batch:
    """UIDs, ascending, with what the server says of them."""

    uids: tuple[int, ...]
    listed: Mapping[int, Listed]

    @property
    def size(self) -> int:
        """Bytes that the server says they have."""
        return sum(self.size_of(uid) for uid in self.uids)

    def size_of(self, uid: int) -> int:
        """Bytes that the server says one has."""
        return self.listed[uid].size if uid in self.listed else UNKNOWN_SIZE

    def of(self, uids: Sequence[int]) -> Batch:
        """Some of them."""
        return Batch(tuple(uids), self.listed)
