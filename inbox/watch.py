"""Watches the admin's files while a node runs and proposes them when they have changed.

A change is looked at when the files have been quiet for a while and nobody has one open to write,
so that a half-written file is not taken for a whole one. Whether they are fit to be put in force
is decided elsewhere; a refusal leaves what was in force.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from watchfiles import watch

from inbox import log
from inbox.config import Settings
from inbox.errors import ConfigError, StoreError

QUIET_SECONDS = 0.4
"""So long nothing may have changed before the files are read."""
QUIET_SECONDS_WHEN_CUT = 2.0
"""The same where a rule file does not end with a line end: somebody may still be writing it."""
ROUNDS_UNTIL_TOLD = 75
"""A file that stays open for writing for so many quiet spells is named in the log."""
LOOK_EVERY_MS = 2_000
"""The files are looked at this often even where the system reports no change (network folders)."""

Marks = tuple[tuple[str, int, int, int], ...]
"""(path, inode, size, time of last change in nanoseconds) of every file, in order."""


class Watcher:
    """Calls `propose` in a thread of its own, once for each change of the admin's files."""

    def __init__(self, settings: Settings, propose: Callable[[], object]) -> None:
        self._settings = settings
        self._propose = propose
        self._stopping = threading.Event()
        self._seen = marks(settings)
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        """Begin; what changed since the watcher was made counts as a change."""
        self._thread.start()

    def stop(self) -> None:
        """End; a proposal that is being made is finished first."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            folders = _folders(self._settings)
            changes = watch(
                *folders,
                watch_filter=None,
                debounce=500,
                step=100,
                stop_event=self._stopping,
                rust_timeout=LOOK_EVERY_MS,
                yield_on_timeout=True,
                raise_interrupt=False,
                recursive=False,
            )
            try:
                for _ in changes:
                    self._look_safely()
                    if _folders(self._settings) != folders:
                        break  # a folder came or went: watch what is there now
            except OSError as error:
                log.watching_failed(error)  # a folder went while it was about to be watched
                self._stopping.wait(LOOK_EVERY_MS / 1000)

    def _look_safely(self) -> None:
        """Whatever a file makes the loader do, the next change must still be seen."""
        try:
            self._look()
        except Exception as error:
            log.watching_failed(error)
            self._seen = marks(self._settings)

    def _look(self) -> None:
        if marks(self._settings) == self._seen:
            return
        settled = self._settled()
        if settled is None or settled == self._seen:
            return
        try:
            self._propose()
        except ConfigError as error:
            log.rules_refused(error.problems)
        except StoreError as error:
            log.watching_failed(error)
            return  # the same change is proposed again at the next look
        self._seen = settled

    def _settled(self) -> Marks | None:
        """The files when nobody writes them any more; None when the node stops first."""
        before, rounds = marks(self._settings), 0
        while not self._stopping.wait(
            QUIET_SECONDS_WHEN_CUT if _may_be_cut(self._settings) else QUIET_SECONDS
        ):
            now = marks(self._settings)
            written = next((path for path, *_ in now if open_for_writing(path)), None)
            if now == before and written is None:
                return now
            before, rounds = now, rounds + 1
            if written is not None and rounds == ROUNDS_UNTIL_TOLD:
                log.watching_failed(OSError(f"{written} is still open for writing"))
        return None


def open_for_writing(path: str) -> bool:
    """Has any program this file open to write it? False where the system cannot tell.

    Linux grants a read lease on a file only while nobody may write it (fcntl(2)), to the file's
    owner and on file systems of its own.
    """
    if sys.platform != "linux":
        return False
    try:
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False  # gone: the next look will see that
    try:
        # Whoever opens it just now breaks the lease; the signal that tells us must do no harm.
        fcntl.fcntl(number, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(number, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(number, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(number)
    return False


def marks(settings: Settings) -> Marks:
    """What tells one state of the admin's files from another, without reading them."""
    found = []
    for path in sorted(set(_paths(settings))):
        try:
            there = path.stat()
        except OSError:
            continue  # gone between the listing and the look: the next look will see it
        found.append((str(path), there.st_ino, there.st_size, there.st_mtime_ns))
    return tuple(found)


def _paths(settings: Settings) -> Iterator[Path]:
    files = settings.files
    for one in (files.teams, files.sla, files.stages, files.followups, files.macros):
        yield settings.path(one)
    for one in (files.teams, files.sla):  # their hours may name iCal files beside them
        yield from settings.path(one).parent.glob("*.ics")
    for folder in _rule_folders(settings):
        # Mails that rule tests start from may lie beside the rules, in folders of their own.
        yield from (path for path in folder.rglob("*") if path.suffix in {".yaml", ".eml"})
    yield from (settings.path(files.templates) / "mail").rglob("*")


def _rule_folders(settings: Settings) -> tuple[Path, ...]:
    files = settings.files
    both = (files.rules, files.shadow_rules)
    return tuple(settings.path(one) for one in both if one is not None)


def _folders(settings: Settings) -> tuple[Path, ...]:
    """The folders to watch, as far as they are there."""
    files = settings.files
    lists = (files.teams, files.sla, files.stages, files.followups, files.macros)
    beside = [settings.path(one).parent for one in lists]
    templates = settings.path(files.templates) / "mail"
    wanted = {*beside, *_rule_folders(settings), templates, *templates.glob("*")}
    return tuple(sorted(one for one in wanted if one.is_dir()))


def _end(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - 1, 0))
        return file.read(1)


def _may_be_cut(settings: Settings) -> bool:
    for folder in _rule_folders(settings):
        for path in folder.glob("*.yaml"):
            try:
                if path.is_file() and not _end(path).endswith((b"\n", b"\r")):
                    return True
            except OSError:
                return True
    return False
