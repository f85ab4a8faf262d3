"""A worker that is killed after it took a lease and before it said so: its mails do not wait."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from inbox import worker
from inbox.clock import utc_now
from inbox.config import Settings
from inbox.flow.intake import file as filing
from inbox.store.database import Database
from inbox.store.intake import Claim
from inbox.worker import Supervisor
from tests.databases import prepare
from tests.flow.house import House, mail, make
from tests.services.waiting import until


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path) -> Iterator[House]:
    prepare(sqlite_url)
    with closing(Database(sqlite_url)) as db:
        house = make(db, tmp_path)
        house.settings = replace(house.settings, database=sqlite_url)
        house.now = utc_now()
        yield house


def dying_work(settings: Settings, pipe: Connection, owner: str, pause: float = 0.0) -> None:
    """The real worker, which dies when it has claimed mail, if it is the first to do so here."""
    claim = filing.claim
    mark = settings.folder / "died"

    def claim_and_die(db: Database, rules: filing.Rules, now: datetime) -> Sequence[Claim]:
        claims = claim(db, rules, now)
        if claims and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return claims

    filing.claim = claim_and_die  # type: ignore[assignment]
    worker.work(settings, pipe, owner, pause)


class Dying(Supervisor):
    """Its workers die in between, once."""

    target = staticmethod(dying_work)


def test_mail_of_a_worker_killed_before_it_said_what_it_holds_is_filed_at_once(
    house: House,
) -> None:
    supervisor = Dying(house.settings, house.db)
    supervisor.start()
    try:
        house.accept(mail(id="1@a"), mail(id="2@a"))
        supervisor.wake()
        # Their leases run for minutes: without the supervisor they would wait that long.
        until(lambda: house.states() == {"filed": 2}, within=60)
    finally:
        supervisor.stop()
    assert (house.settings.folder / "died").exists()
    assert supervisor.ended == 1
