"""`kill -9` at every write, sync and send of a round: nothing lost, nothing twice (F1).

Each mail is moved to another folder once it is ours, so a mail that left the inbox before it was
committed would be seen here as lost.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from inbox.store.database import Database
from tests.crash import tracer
from tests.crash.tracer import Driver, driver
from tests.databases import prepare
from tests.flow.house import House, make
from tests.polling.box import Box, box_of, numbered
from tests.polling.kill_driver import mailbox, one_round
from tests.services.dovecot import Dovecot

SAMPLE, MAILS = 8, 3

pytestmark = pytest.mark.skipif(tracer.missing() is not None, reason=str(tracer.missing()))


@pytest.fixture(scope="module")
def driven() -> Iterator[Driver]:
    with driver("tests.polling.kill_driver") as started:
        yield started


class Place:
    """A database, copied for each kill, and a user with three mails for each."""

    def __init__(self, server: Dovecot, folder: Path) -> None:
        self.server, self.folder, self.number = server, folder, 0
        url = f"sqlite:///{folder / 'template.db'}"
        prepare(url)
        db = Database(url)
        self.settings = make(db, folder).settings
        db.checkpoint()
        db.close()

    def fresh(self) -> tuple[str, int]:
        """(URL, number of a mailbox that was never polled)."""
        self.number += 1
        path = self.folder / f"{self.number}.db"
        shutil.copy(self.folder / "template.db", path)
        url = f"sqlite:///{path}"
        box = self.box(url)
        with box.client() as client:
            client.create_folder("Done")
        box.put(*(numbered(n) for n in range(MAILS)))
        told = {"username": box.user.name, "password": box.user.password, "port": self.server.port}
        (self.folder / f"box-{self.number}").write_text(json.dumps(told))
        box.house.db.close()
        return url, self.number

    def words(self, url: str, number: int) -> tuple[object, ...]:
        """What the driver is told."""
        return url, self.folder, number

    def box(self, url: str) -> Box:
        """A box on this database."""
        return box_of(self.server, House(Database(url), self.settings))

    def judged(self, url: str, number: int) -> str:
        """Poll again after a kill and look; asserts what must hold."""
        box = self.box(url)
        box.polled = replace(mailbox(self.folder, number), tls="none")
        box.user = replace(box.user, name=box.polled.username, password=str(box.polled.password))
        box.put_in = [numbered(n) for n in range(MAILS)]
        before = box.count()
        inside = box.compare()
        assert inside.on_server >= MAILS - before, "a mail left the inbox before it was ours"
        one_round(url, self.folder, number)
        box.everything_once()
        assert box.compare().on_server == 0
        with box.client("Done") as client:
            assert len(client.search()) == MAILS
        box.house.db.close()
        return f"{before} accepted, {inside.on_server} in the inbox"


def sweep(driven: Driver, place: Place, sample: int | None) -> Counter[str]:
    driven.warm(*place.words(*place.fresh()))
    log = place.folder / "calls"
    points = driven.points(place.words(*place.fresh()), log, sample, 11)
    found: Counter[str] = Counter()
    for call, at in points:
        url, number = place.fresh()
        driven.kill_at(place.words(url, number), call, at)
        found[place.judged(url, number)] += 1
    return found


def test_a_kill_at_any_step_of_a_round_loses_and_doubles_nothing(
    driven: Driver, dovecot: Dovecot, tmp_path: Path
) -> None:
    assert sweep(driven, Place(dovecot, tmp_path), SAMPLE).total() == SAMPLE


@pytest.mark.campaign
def test_the_kill_at_every_step_of_a_round(
    driven: Driver, dovecot: Dovecot, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = sweep(driven, Place(dovecot, tmp_path), None)
    with capsys.disabled():
        print(f"\n{found.total()} kills of a poll of {MAILS} mails: 0 lost, 0 twice; when killed:")
        for what, count in sorted(found.items()):
            print(f"  {what}: {count}")
