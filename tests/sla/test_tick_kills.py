"""`kill -9` at every sync and write of a tick: each step is done once, with all that it does."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from inbox.config import load
from inbox.store.clock_tables import target_steps
from inbox.store.database import Database
from inbox.store.tables import events
from tests import databases
from tests.crash import tracer
from tests.sla.office import Office, mail, open_office
from tests.sla.test_tick_nodes import REPO, SWEEPER

THREADS = 3
CALLS = ("pwrite64", "fdatasync", "fsync", "ftruncate", "unlink")
"""What a start of Python does not do itself, so that the n-th is the tick's."""
SAMPLE = 6

pytestmark = pytest.mark.skipif(tracer.missing() is not None, reason=str(tracer.missing()))


class Place:
    """A database with promises that are broken at `now`, copied for each kill."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.number = folder, 0
        url = f"sqlite:///{folder / 'template.db'}"
        databases.prepare(url)
        db = Database(url)
        office = open_office(db, folder)
        office.receive(*(mail(id=f"{n}@x{n}.example") for n in range(THREADS)))
        office.now += timedelta(hours=4)
        self.now = office.now.isoformat()
        db.checkpoint()
        db.close()

    def fresh(self) -> Path:
        self.number += 1
        return Path(shutil.copy(self.folder / "template.db", self.folder / f"{self.number}.db"))

    def tick(self, path: Path, *strace: str) -> int:
        """A node that ticks once, a target a transaction; its exit code."""
        before = ["strace", "-f", "-qq", *strace] if strace else []
        sweep = [sys.executable, "-B", "-c", SWEEPER, f"sqlite:///{path}", "n1", self.now, "1"]
        environment = os.environ | {"PYTHONPATH": str(REPO)}
        done = subprocess.run([*before, *sweep], env=environment, cwd=REPO, capture_output=True)
        return done.returncode

    def count(self) -> Counter[str]:
        """How often an undisturbed tick makes each of the calls."""
        log = self.folder / "calls"
        assert self.tick(self.fresh(), "-e", f"trace={','.join(CALLS)}", "-o", str(log)) == 0
        names = (one.split("(")[0].split()[-1] for one in log.read_text().splitlines())
        return Counter(name for name in names if name in CALLS)

    def kill_at(self, call: str, at: int) -> None:
        """Kill a tick there, tick again, and hold what was done against what had to be."""
        path = self.fresh()
        inject = ("-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={at}")
        assert self.tick(path, *inject, "-o", os.devnull) != 0  # it was killed
        assert self.tick(path) == 0
        db = Database(f"sqlite:///{path}")
        try:
            found = Office(db, load(self.folder / "aboard.yaml", {}))
            steps = [one for one in found.rows(target_steps) if one.step == "due"]
            assert len(steps) == len({one.target_id for one in steps}) == THREADS
            for kind in ("target-breached", "told"):
                told = [one.thread_id for one in found.rows(events) if one.kind == kind]
                assert len(told) == len(set(told)) == THREADS, (call, at, kind)
        finally:
            db.close()


def points(place: Place) -> list[tuple[str, int]]:
    found = place.count()
    assert found["fdatasync"] + found["fsync"] >= THREADS
    return [(call, at) for call in CALLS for at in range(1, found[call] + 1)]


def test_a_kill_at_a_sample_of_steps_of_a_tick_does_nothing_twice(tmp_path: Path) -> None:
    place = Place(tmp_path)
    for call, at in random.Random(5).sample(points(place), SAMPLE):
        place.kill_at(call, at)


@pytest.mark.campaign
def test_a_kill_at_every_step_of_a_tick_does_nothing_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Place(tmp_path)
    every = points(place)
    for call, at in every:
        place.kill_at(call, at)
    with capsys.disabled():
        print(f"tick: {len(every)} kills, every step once")
