"""Keeps SQLite's writers and its checkpoint apart, over all processes of a machine.

SQLite before 3.51.3 can lose WAL content when a checkpoint and a writer of another connection
meet (the WAL-reset bug), and no mode of its own checkpoint keeps writers out for certain: where it
does not get the write lock it goes on without. So writers hold a shared lock on a file beside the
database, and the checkpoint an exclusive one. A second file is the gate: who wants to check
points closes it first, else writers that overlap would keep the checkpoint out for ever.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 0.5
"""Seconds for which a checkpoint waits for writers at work, with the others waiting behind it."""


class Gate:
    """The two lock files of one database file; without a file it holds nobody up."""

    def __init__(self, database: Path | None) -> None:
        self._gate = None if database is None else f"{database}-gate"
        self._writers = f"{database}-writers"

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Held for one writing transaction; any number at once."""
        if self._gate is None:
            yield
            return
        with _locked(self._gate, fcntl.LOCK_SH):
            held = _lock(self._writers, fcntl.LOCK_SH)
        try:
            yield
        finally:
            os.close(held)

    @contextmanager
    def checkpointing(self) -> Iterator[bool]:
        """Held for one checkpoint; lets no writer begin, and waits for those at work.

        Gives False where one was at work for too long: then nothing is held, and the next try
        comes later.
        """
        if self._gate is None:
            yield True
            return
        with _locked(self._gate, fcntl.LOCK_EX):
            held = _lock_within(self._writers, PATIENCE)
            try:
                yield held is not None
            finally:
                if held is not None:
                    os.close(held)


@contextmanager
def _locked(path: str, how: int) -> Iterator[None]:
    held = _lock(path, how)
    try:
        yield
    finally:
        os.close(held)


def _lock_within(path: str, seconds: float) -> int | None:
    """The exclusive lock, or None where others held theirs all that time."""
    never = threading.Event()
    deadline = time.monotonic() + seconds
    while True:
        try:
            return _lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return None
            never.wait(0.005)


def _lock(path: str, how: int) -> int:
    """A new descriptor that holds the lock; closing it gives the lock back."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, how)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
