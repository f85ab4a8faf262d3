"""A running node takes up changed files, never half of one, and never a bad set."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inbox import watch
from inbox.app import put_in_force
from inbox.errors import StoreError
from inbox.store import sets
from inbox.watch import Watcher
from tests.flow.house import RULES, House

LONG = 20.0
"""Seconds after which a test gives up; it never waits that long when all is well."""


class Proposals:
    """Counts what a watcher proposes; a test waits for the next one."""

    def __init__(self, then: Callable[[], object] = lambda: None) -> None:
        self._then = then
        self._come = threading.Semaphore(0)
        self.count = 0

    def __call__(self) -> None:
        self.count += 1
        try:
            self._then()
        finally:
            self._come.release()

    def wait(self, seconds: float = LONG) -> bool:
        return self._come.acquire(timeout=seconds)


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A watcher that waits less, so that the tests do."""
    monkeypatch.setattr(watch, "QUIET_SECONDS", 0.1)
    monkeypatch.setattr(watch, "QUIET_SECONDS_WHEN_CUT", 0.6)
    monkeypatch.setattr(watch, "LOOK_EVERY_MS", 200)


@pytest.fixture
def watching(small: House) -> Iterator[Callable[[Proposals], None]]:
    """Starts a watcher over the company's files; stopped when the test ends."""
    started: list[Watcher] = []

    def start(proposals: Proposals) -> None:
        watcher = Watcher(small.settings, proposals)
        started.append(watcher)
        watcher.start()

    yield start
    for watcher in started:
        watcher.stop()


def active_hash(house: House) -> str:
    with house.looking() as conn:
        return sets.active_hashes(conn)["rules"]


def test_a_changed_file_is_put_in_force(
    small: House, watching: Callable[[Proposals], None]
) -> None:
    proposals = Proposals(lambda: put_in_force(small.db, small.settings))
    before = active_hash(small)
    watching(proposals)
    small.write(
        "rules/10-all.yaml", RULES.replace("contains: invoice", "contains: [invoice, bill]")
    )
    assert proposals.wait()
    assert active_hash(small) != before


def test_a_bad_change_leaves_what_was_and_the_next_good_one_is_taken(
    small: House, watching: Callable[[Proposals], None]
) -> None:
    proposals = Proposals(lambda: put_in_force(small.db, small.settings))
    before = active_hash(small)
    watching(proposals)
    small.write(
        "rules/10-all.yaml", RULES.replace("expect: {team: success}", "expect: {team: support}")
    )
    assert proposals.wait()
    assert active_hash(small) == before
    with small.looking() as conn:
        kept = sets.active(conn, "rules")
    assert kept is not None and [one["code"] for one in kept.problems] == ["test-failed"]
    small.write("rules/10-all.yaml", RULES + "# mended\n")
    assert proposals.wait()
    assert active_hash(small) != before


@pytest.mark.parametrize("name", ["teams.yaml", "sla.yaml", "stages.yaml", "rules/20-new.yaml"])
def test_every_admin_file_is_watched(
    small: House, watching: Callable[[Proposals], None], name: str
) -> None:
    proposals = Proposals()
    watching(proposals)
    path = small.settings.folder / name
    path.write_text((path.read_text() if path.exists() else "") + "# changed\n")
    assert proposals.wait()


def test_a_calendar_beside_the_lists_is_watched(
    small: House, watching: Callable[[Proposals], None]
) -> None:
    proposals = Proposals()
    watching(proposals)
    (small.settings.folder / "holidays.ics").write_text("BEGIN:VCALENDAR\nEND:VCALENDAR\n")
    assert proposals.wait()


def test_a_pipe_among_the_rules_does_not_stop_the_watcher(
    small: House, watching: Callable[[Proposals], None]
) -> None:
    os.mkfifo(small.settings.folder / "rules/50-pipe.yaml")
    proposals = Proposals()
    watching(proposals)
    small.write("rules/10-all.yaml", RULES + "# changed\n")
    assert proposals.wait()


def test_a_file_that_is_still_being_written_is_not_proposed(
    small: House, watching: Callable[[Proposals], None]
) -> None:
    seen: list[bytes] = []
    path = small.settings.folder / "rules/10-all.yaml"
    proposals = Proposals(lambda: seen.append(path.read_bytes()))
    text = RULES + "# one more line at the end\n"
    pause = threading.Event()
    watching(proposals)
    with path.open("w") as file:
        for start in range(0, len(text), 120):
            file.write(text[start : start + 120])
            file.flush()
            pause.wait(0.05)
    assert proposals.wait()
    assert seen == [text.encode()]


def test_a_folder_that_is_replaced_is_watched_again(
    small: House, watching: Callable[[Proposals], None], tmp_path: Path
) -> None:
    proposals = Proposals()
    watching(proposals)
    rules = small.settings.folder / "rules"
    rules.rename(tmp_path / "old")
    assert proposals.wait()
    rules.mkdir()
    (rules / "10-all.yaml").write_text(RULES)
    assert proposals.wait()
    (rules / "10-all.yaml").write_text(RULES + "# more\n")
    assert proposals.wait()


def test_a_change_that_the_database_could_not_take_is_proposed_again(
    small: House, watching: Callable[[Proposals], None]
) -> None:
    def fails() -> None:
        if proposals.count == 1:
            raise StoreError("database: locked, on purpose")

    proposals = Proposals(fails)
    watching(proposals)
    small.write("rules/10-all.yaml", RULES + "# changed\n")
    assert proposals.wait() and proposals.wait()
    assert proposals.count == 2


def test_what_is_not_an_admins_file_is_no_change(
    small: House, watching: Callable[[Proposals], None]
) -> None:
    proposals = Proposals()
    watching(proposals)
    (small.settings.folder / "rules/notes.txt").write_text("x")
    (small.settings.folder / "unrelated.yaml").write_text("x")
    assert not proposals.wait(1.0)
