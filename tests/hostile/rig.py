"""A worker whose parser misbehaves when a mail says so; imported inside the worker process.

The product has no such hook: `Rigged` hands the supervisor another function to run in a process,
which patches the parser there and then runs the real worker.
"""

from __future__ import annotations

import ctypes
import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path

from inbox import worker
from inbox.config import Settings
from inbox.errors import StoreError
from inbox.flow.intake import file as filing
from inbox.mail.letter import Letter
from tests.services.waiting import until


def burn() -> None:
    """Use the processor for ever."""
    while True:
        pass


def hang() -> None:
    """Wait for ever."""
    while True:
        signal.pause()


def stop() -> None:
    """Be stopped, as by a debugger."""
    os.kill(os.getpid(), signal.SIGSTOP)


def hog() -> None:
    """Take memory until there is none."""
    held = []
    while True:
        held.append(bytearray(16 * 1024 * 1024))


def segfault() -> None:
    """Read where nothing is."""
    ctypes.string_at(0)


def leave() -> None:
    """End the process as if all were well."""
    os._exit(0)


def recurse() -> None:
    """Go down for ever."""
    recurse()


DEEDS = {one.__name__: one for one in (burn, hang, stop, hog, segfault, leave, recurse)}
MARK = b"X-Rig: "


def misbehaving_work(settings: Settings, pipe: Connection, owner: str, pause: float = 0.0) -> None:
    """The real worker with a parser that does what a mail's `X-Rig` field says."""
    parse = filing.parse_letter

    def rigged(raw: bytes, *, envelope_from: str | None) -> Letter:
        if MARK in raw[:2000]:
            deed = raw.split(MARK, 1)[1].split(b"\n", 1)[0].strip().decode()
            DEEDS[deed]()
        return parse(raw, envelope_from=envelope_from)

    filing.parse_letter = rigged  # type: ignore[attr-defined]
    worker.work(settings, pipe, owner, pause)


def troubled_work(settings: Settings, pipe: Connection, owner: str, pause: float = 0.0) -> None:
    """The real worker on a database that is full as long as a file is there."""
    commit = filing._commit

    def full(*given: object) -> filing.Filed:
        if (settings.folder / "full").exists():
            raise StoreError("database or disk is full")
        return commit(*given)  # type: ignore[arg-type]

    filing._commit = full  # type: ignore[assignment]
    worker.work(settings, pipe, owner, pause)


def waiting_work(settings: Settings, pipe: Connection, owner: str, pause: float = 0.0) -> None:
    """The real worker; while it reads there is a file `reading`, and it waits for one `go on`."""
    parse = filing.parse_letter

    def waits(raw: bytes, *, envelope_from: str | None) -> Letter:
        (settings.folder / "reading").touch()
        until((settings.folder / "go on").exists, within=30)
        return parse(raw, envelope_from=envelope_from)

    filing.parse_letter = waits  # type: ignore[attr-defined]
    worker.work(settings, pipe, owner, pause)


def hopeless_work(settings: Settings, pipe: Connection, owner: str, pause: float = 0.0) -> None:
    """A worker that ends before it does anything, and leaves a line about it."""
    with Path(settings.folder / "starts").open("a") as file:
        file.write(f"{pause}\n")
    if pause and pipe.poll(pause):
        return
    os._exit(3)


class Rigged(worker.Supervisor):
    """A supervisor of workers with a misbehaving parser."""

    target = staticmethod(misbehaving_work)


class Troubled(worker.Supervisor):
    """A supervisor of workers whose database is full at times."""

    target = staticmethod(troubled_work)


class Waiting(worker.Supervisor):
    """A supervisor of workers that wait in the middle of reading a mail."""

    target = staticmethod(waiting_work)


class Impatient(Waiting):
    """The same; but a worker may wait for the database a second only."""

    commit_seconds = 1.0


class Hopeless(worker.Supervisor):
    """A supervisor of workers that cannot start."""

    target = staticmethod(hopeless_work)
