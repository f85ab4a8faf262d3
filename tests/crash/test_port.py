"""`kill -9` at every sync, write and send of the process that answers at the SMTP port.

A real `aboard serve` takes a mail from a client while strace sits on one of its threads: the one
that talks to the client, or the one that commits. Killed there, it is started again on the same
folder, and the client sends the mail again if it was not told 250.
"""

from __future__ import annotations

import os
import random
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import func, select

from inbox.config import load
from inbox.flow.evidence.audit import audit
from inbox.store.tables import messages
from inbox.store.tables import raw_mail as raw_mails
from inbox.worker import file_all
from tests.crash import tracer
from tests.crash.served import (
    READY_WITHIN,
    Served,
    aboard,
    deliver,
    judged,
    opened,
    serving,
    sha256,
    working_folder,
)
from tests.crash.tracer import CALLS

SAMPLE = 2

pytestmark = pytest.mark.skipif(tracer.missing() is not None, reason=str(tracer.missing()))

Point = tuple[str, str, int]
"""(thread: `talks` or `commits`, call, the how many-th of it since the client connected)."""


@contextmanager
def strace(*options: str) -> Iterator[None]:
    """strace attached for the block."""
    process = subprocess.Popen(["strace", *options], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        first = process.stderr.readline()
        assert "attached" in first, first
        yield
    finally:
        process.terminate()
        process.communicate(timeout=30)


def threads(node: Served) -> set[int]:
    """The node's threads, by the kernel's numbers."""
    return {int(one.name) for one in Path(f"/proc/{node.pid}/task").iterdir()}


@dataclass(slots=True)
class Port:
    """A folder on which a node is started again and again, and what became of its mails."""

    folder: Path
    number: int = 0
    told: set[str] = field(default_factory=set)
    starts: list[float] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def started(self, again: bool) -> Iterator[tuple[Served, dict[str, int]]]:
        """A node that took a mail, the last one `again` or a new one, with two of its threads.

        All that was acknowledged before must be there.
        """
        with serving(self.folder, "smtp") as node:
            self.starts.append(node.ready_after)
            assert self.told <= self.stored(), "an acknowledged mail is lost"
            before = threads(node)
            assert self.send(node, again)
            (commits,) = threads(node) - before  # made for the first mail, and kept
            yield node, {"talks": node.pid, "commits": commits}

    def send(self, node: Served, again: bool = False) -> bool:
        """Deliver a new mail, or the last one again; was it acknowledged?"""
        self.number += not again
        return deliver(node.smtp, [self.number], self.told) == 1

    def points(self, log: Path) -> list[Point]:
        """All calls of both threads while one mail is delivered."""
        found = []
        with self.started(again=False) as (node, by_role):
            for role, thread in by_role.items():
                traced = f"trace={','.join(CALLS)}"
                with strace("-p", str(thread), "-e", traced, "-o", str(log)):
                    assert self.send(node)
                names = [line.split("(")[0] for line in log.read_text().splitlines()]
                counts = Counter(name for name in names if name in CALLS)
                for call in CALLS:
                    found += [(role, call, at) for at in range(1, counts[call] + 1)]
        return found

    def kill_at(self, points: list[Point]) -> None:
        """At each point: a node that was just started again delivers a mail and dies there."""
        acknowledged = True
        for role, call, at in points:
            with self.started(again=not acknowledged) as (node, by_role):
                inject = ("-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={at}")
                with strace("-p", str(by_role[role]), *inject, "-o", os.devnull):
                    acknowledged = self.send(node)
            self.outcomes[f"{role}, {'acknowledged' if acknowledged else 'not'}"] += 1
        with self.started(again=not acknowledged):
            pass

    def stored(self) -> set[str]:
        """SHA-256 of every raw mail in the store."""
        db = opened(self.folder)
        try:
            with db.read() as conn:
                return set(conn.scalars(select(raw_mails.c.sha256)))
        finally:
            db.close()

    def settled(self) -> None:
        """File everything; every mail is there exactly once, and the ledger balances."""
        settings = load(self.folder / "aboard.yaml", {})
        db = opened(self.folder)
        try:
            file_all(db, settings)
            assert audit(db, deep=True).balanced
            counted = (
                select(raw_mails.c.sha256, func.count())
                .join(messages, messages.c.raw_id == raw_mails.c.id)
                .group_by(raw_mails.c.sha256)
            )
            with db.read() as conn:
                filed = {row[0]: row[1] for row in conn.execute(counted)}
        finally:
            db.close()
        assert filed == {sha256(number): 1 for number in range(1, self.number + 1)}
        assert self.told == set(filed)


def swept(folder: Path, sample: int | None) -> tuple[Port, int]:
    """Kill at all points, or at some; what was seen, and how many points were tried."""
    working_folder(folder)
    assert aboard(folder, "check").returncode == 0
    port = Port(folder)
    points = port.points(folder / "calls")
    commits = [point for point in points if point[0] == "commits"]
    assert any(call == "fdatasync" for _, call, _ in commits), "no sync before the 250"
    if sample is not None:
        draw = random.Random(7)
        talks = [point for point in points if point[0] == "talks"]
        points = [*draw.sample(commits, sample - 1), draw.choice(talks)]
    port.kill_at(points)
    port.settled()
    return port, len(points)


def test_a_kill_at_any_step_of_a_delivery_to_the_port_loses_nothing(tmp_path: Path) -> None:
    port, count = swept(tmp_path, SAMPLE)
    assert port.outcomes.total() == count == SAMPLE
    print(judged(port.starts))


@pytest.mark.campaign
def test_the_sweep_of_every_step_at_the_port(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port, count = swept(tmp_path, None)
    with capsys.disabled():
        print(f"\n{count} kill points at the SMTP port, 0 acknowledged mails lost")
        print(f"{dict(port.outcomes)}\n{judged(port.starts)}")
    assert {outcome.partition(", ")[2] for outcome in port.outcomes} == {"acknowledged", "not"}
    assert max(port.starts) < READY_WITHIN, judged(port.starts)
