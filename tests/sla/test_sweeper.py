"""The part of a node that ticks: by itself, until it is stopped, and not while its clock jumps."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from inbox import sweeper
from inbox.clock import utc_now
from inbox.errors import AboardError
from inbox.flow.promises.tick import Ticked
from inbox.node import PARTS, check_parts
from inbox.store.clock_tables import target_steps
from inbox.sweeper import Sweeper
from tests.services.waiting import until
from tests.sla.office import Office, mail


def late(office: Office) -> None:
    """A mail whose first response is late by the real clock."""
    office.receive(mail(id="a@x"))
    assert office.now < utc_now() - timedelta(days=1)


def test_a_running_sweeper_does_what_is_due_and_ends_when_it_is_stopped(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    late(office)
    monkeypatch.setattr(sweeper, "EVERY", 0.01)
    running = Sweeper(office.settings, office.db)
    running.start()
    try:
        until(lambda: len(office.steps()) == 2)  # of the first response and of the resolution
    finally:
        running.stop()
    assert {one.node for one in office.rows(target_steps)} == {office.settings.node}


def test_a_bug_does_not_end_the_sweep(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    late(office)
    monkeypatch.setattr(sweeper, "EVERY", 0.01)
    monkeypatch.setattr(sweeper, "AFTER_TROUBLE", 0.01)
    running = Sweeper(office.settings, office.db)
    answers = iter([ZeroDivisionError("a bug"), AboardError("the database is away")])
    right = running.once

    def once() -> Ticked:
        trouble = next(answers, None)
        if trouble is not None:
            raise trouble
        return right()

    monkeypatch.setattr(running, "once", once)
    running.start()
    try:
        until(lambda: len(office.steps()) == 2)
    finally:
        running.stop()


def test_nothing_is_swept_while_the_clock_jumps(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall, beat = [office.now], [0.0]
    monkeypatch.setattr(sweeper, "utc_now", lambda: wall[0])
    monkeypatch.setattr(sweeper, "monotonic", lambda: beat[0])
    monkeypatch.setattr(office.db, "now", lambda own: own())
    running = Sweeper(office.settings, office.db)
    office.receive(mail(id="a@x"))

    def read(instant: datetime, after: float) -> int:
        wall[0], beat[0] = instant, after
        return running.once().fired

    assert read(office.now, 0) == 0
    jumped = office.now + timedelta(days=30)
    assert read(jumped, 1) == 0
    assert read(office.now + timedelta(seconds=2), 2) == 0  # it was a mistake, and is over
    assert read(office.now + timedelta(seconds=70), 70) == 0
    assert office.steps() == []
    real = office.now + timedelta(hours=3)
    assert read(real, 3 * 3600) == 1  # time that has really passed


def test_the_tick_is_a_part_of_a_node() -> None:
    assert "tick" in PARTS
    check_parts(["tick"])
    with pytest.raises(AboardError, match="tick"):
        check_parts(["tock"])
