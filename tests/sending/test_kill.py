"""`kill -9` at every sync, write and send of an item's way: nothing lost, nothing doubled."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from inbox.clock import monotonic, utc_now
from inbox.flow.evidence.audit import audit
from inbox.flow.leaving import deliver
from inbox.net.smtp_out import Smarthost
from inbox.net.smtp_pool import Pool
from inbox.store import outbox_desk
from inbox.store.database import Database
from inbox.store.outbox_desk import Item
from tests.crash import tracer
from tests.crash.tracer import Driver, driver
from tests.databases import prepare
from tests.flow.house import make
from tests.sending.kill_driver import rules
from tests.sending.office import Office, write_smarthost
from tests.services.smtp_sink import SmtpSink

SAMPLE = 12

pytestmark = [
    pytest.mark.skipif(tracer.missing() is not None, reason=str(tracer.missing())),
    # aiosmtpd leaves a pending task behind for some of the lines that break under it.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def driven() -> Iterator[Driver]:
    with driver("tests.sending.kill_driver") as started:
        yield started


class Place:
    """A database with one item in it, copied for each kill, and the sink it goes to."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder, self.kind, self.number = folder, kind, 0
        self.sink = SmtpSink()
        self.sink.start()
        url = f"sqlite:///{folder / 'template.db'}"
        prepare(url)
        db = Database(url)
        house = make(db, folder)
        house.settings = write_smarthost(folder, self.sink.port)
        house.now = utc_now()
        office = Office(house, self.sink)
        office.put("k", kind)
        office.pool.close()
        db.checkpoint()
        db.close()

    def fresh(self) -> str:
        self.number += 1
        path = self.folder / f"{self.number}.db"
        shutil.copy(self.folder / "template.db", path)
        return f"sqlite:///{path}"


@pytest.fixture(params=["automatic", "reply"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path, request.param)
    yield made
    made.sink.stop()


def kill_at(driven: Driver, place: Place, call: str, at: int) -> str:
    """Kill there, start again, carry on until the item has ended; what was found."""
    place.sink.kept.clear()
    url = place.fresh()
    driven.kill_at((url, place.sink.port), call, at)
    db = Database(url)
    try:
        before = item(db)
        found = deliver.recover(db, rules())
        after = carry_on(db, place.sink.port)
        assert audit(db).balanced
    finally:
        db.close()
    kept = len(place.sink.kept)
    assert after.state in ("sent", "uncertain"), after
    if after.state == "sent":
        assert kept >= 1, ("lost", before, after)
    if place.kind == "automatic":
        assert kept <= 1, ("left twice", before, after)
        assert after.state == "sent" or before.phase == "dot"
    assert len({one.content for one in place.sink.kept}) <= 1
    how = f"{before.state}/{before.phase or '-'} -> {','.join(found) or '-'} -> {after.state}"
    return f"{how}, kept {kept}"


def item(db: Database) -> Item:
    with db.read() as conn:
        return outbox_desk.by_id(conn, 1)


def carry_on(db: Database, port: int) -> Item:
    """Carry until the item has ended, an hour later each time."""
    hours = 0
    while item(db).state == "queued":
        hours += 1
        assert hours < 10
        pool = Pool(Smarthost("127.0.0.1", port, None), monotonic)
        base = rules()
        at = base.clock() + timedelta(hours=hours)
        how = deliver.Rules(base.owner, "n1", base.own_addresses, lambda at=at: at, base.jitter)  # type: ignore[misc]
        for claimed in deliver.claim(db, how, 1):
            deliver.settle(db, deliver.carry(db, claimed, pool.deliver, how), how)
        pool.close()
    return item(db)


def sweep(driven: Driver, place: Place, sample: int | None) -> dict[tuple[str, int], str]:
    driven.warm(place.fresh(), place.sink.port)
    words, log = (place.fresh(), place.sink.port), place.folder / "calls"
    chosen = driven.points(words, log, sample, 7)
    return {point: kill_at(driven, place, *point) for point in chosen}


def test_a_kill_at_any_step_loses_nothing_and_doubles_nothing(driven: Driver, place: Place) -> None:
    found = sweep(driven, place, SAMPLE)
    assert len(found) == SAMPLE
    assert len(set(found.values())) > 2


@pytest.mark.campaign
def test_the_sweep_of_every_step_of_sending(
    driven: Driver, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    found = sweep(driven, place, None)
    with capsys.disabled():
        print(f"\n{place.kind}: {len(found)} kill points, 0 lost")
        for outcome, count in sorted(Counter(found.values()).items()):
            print(f"  {count:4}  {outcome}")
