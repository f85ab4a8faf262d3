"""`kill -9` at every sync, write and send of one mail's way: nothing acknowledged is lost.

How soon a node is ready again is told where a real one is killed: `test_served`, `test_port`.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest
from sqlalchemy import select

from inbox.clock import utc_now
from inbox.config import load
from inbox.flow.admin.context import FilingContext
from inbox.flow.evidence.audit import audit
from inbox.flow.owner import recover
from inbox.store import intake, ledger
from inbox.store.database import Database
from inbox.store.tables import messages
from inbox.store.tables import raw_mail as raw_mails
from tests.crash import tracer
from tests.crash.driver import raw_mail
from tests.crash.tracer import REPO, Driver, driver
from tests.databases import prepare
from tests.flow.house import CONFIG, House, make, write_files

SAMPLE = 20

pytestmark = pytest.mark.skipif(tracer.missing() is not None, reason=str(tracer.missing()))


@pytest.fixture(scope="module")
def driven() -> Iterator[Driver]:
    with driver() as started:
        yield started


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files, and a SQLite database in which they are in force."""
    folder = tmp_path_factory.mktemp("template")
    url = f"sqlite:///{folder / 'aboard.db'}"
    prepare(url)
    db = Database(url)
    make(db, folder)
    db.close()
    return folder


class Place:
    """A database to sabotage: a copy of the template's for each kill, or one on a server."""

    def __init__(self, template: Path, scratch: Path, server: str | None = None) -> None:
        self.folder = template
        self._scratch = scratch
        self._server = server
        self._number = 0

    def fresh(self) -> tuple[str, int]:
        """(URL, number of a mail that the database has not seen)."""
        self._number += 3
        if self._server is not None:
            return self._server, self._number
        path = self._scratch / f"{self._number}.db"
        shutil.copy(self.folder / "aboard.db", path)
        return f"sqlite:///{path}", self._number

    def warm(self) -> tuple[str, Path, int]:
        """A database and a mail to warm the driver with."""
        url, number = self.fresh()
        return url, self.folder, number


def recovers(place: Place, url: str, number: int, acknowledged: str | None) -> str:
    """Start again after a kill and look; says what was found. Asserts what must hold."""
    db = Database(url)
    try:
        house = House(db, load(place.folder / "aboard.yaml", {}), utc_now())
        recover(db, "n1", 2, house.now)
        return _looked_at(house, house.context(), raw_mail(number), acknowledged)
    finally:
        db.close()


def _looked_at(house: House, context: FilingContext, raw: bytes, acknowledged: str | None) -> str:
    checked = audit(house.db, deep=True)
    assert checked.balanced, checked
    sha256 = intake.pack(raw).sha256
    with house.looking() as conn:
        rows = ledger.of_sha256(conn, sha256)
        stored = [ledger.raw_bytes(conn, row.raw_id) for row in rows]
    if acknowledged is not None:
        assert acknowledged == sha256
        assert stored, "an acknowledged mail is lost"
    assert all(one == raw for one in stored)
    house.file(context)
    assert not {"pending", "quarantined"} & set(house.states())
    assert audit(house.db, deep=True).balanced
    found = house.rows(messages, raw_id=rows[0].raw_id) if rows else ()
    assert len(found) == bool(rows)
    return ", ".join(row.state for row in rows) or "nothing"


def kill_at(driven: Driver, place: Place, call: str, at: int) -> str:
    url, number = place.fresh()
    outcome = driven.kill_at((url, place.folder, number), call, at)
    said = "acknowledged" if outcome.acknowledged else "not acknowledged"
    return f"{said}; stored: {recovers(place, url, number, outcome.acknowledged)}"


def sweep(
    driven: Driver, place: Place, scratch: Path, sample: int | None
) -> dict[tuple[str, int], str]:
    driven.warm(*place.warm())
    url, number = place.fresh()
    chosen = driven.points((url, place.folder, number), scratch / "calls", sample, 5)
    recovers(place, url, number, None)
    return {point: kill_at(driven, place, *point) for point in chosen}


def test_a_kill_at_any_step_loses_no_acknowledged_mail_on_sqlite(
    driven: Driver, template: Path, tmp_path: Path
) -> None:
    found = sweep(driven, Place(template, tmp_path), tmp_path, SAMPLE)
    assert len(found) == SAMPLE
    assert len({one.partition(";")[0] for one in found.values()}) == 2  # before it, and after it


@pytest.mark.postgres
def test_a_kill_at_any_step_loses_no_acknowledged_mail_on_postgresql(
    driven: Driver, template: Path, tmp_path: Path, postgres_url: str
) -> None:
    prepare(postgres_url)
    db = Database(postgres_url)
    make(db, tmp_path)
    db.close()
    found = sweep(driven, Place(tmp_path, tmp_path, postgres_url), tmp_path, 6)
    assert found


@pytest.mark.campaign
def test_the_sweep_of_every_step(
    driven: Driver,
    template: Path,
    tmp_path: Path,
    postgres_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    prepare(postgres_url)
    db = Database(postgres_url)
    make(db, tmp_path)
    db.close()
    for place in (Place(template, tmp_path), Place(tmp_path, tmp_path, postgres_url)):
        found = sweep(driven, place, tmp_path, None)
        with capsys.disabled():
            print(f"\n{len(found)} kill points, 0 acknowledged mails lost")
            for (call, at), outcome in found.items():
                print(f"  {call:10} {at:4}  {outcome}")


# --- Disks that fail -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "at"),
    [
        *(("fdatasync:error=EIO", n) for n in (1, 3, 4)),
        *(("pwrite64:error=ENOSPC", n) for n in (1, 2, 5, 9)),
        *(("pwrite64:error=EIO", n) for n in (1, 4)),
    ],
)
def test_a_disk_that_fails_acknowledges_nothing_and_recovers(
    driven: Driver, template: Path, tmp_path: Path, fault: str, at: int
) -> None:
    place = Place(template, tmp_path)
    url, number = place.fresh()
    outcome = driven.sabotage((url, template, number), fault, str(at))
    assert "REFUSED" in outcome.said or "TROUBLE" in outcome.said, outcome
    assert outcome.acknowledged
    assert outcome.said[-1] == "DONE"
    recovers(place, url, number, outcome.acknowledged)


@pytest.mark.parametrize("fault", ["fdatasync:error=EIO", "pwrite64:error=ENOSPC"])
def test_a_disk_that_stays_broken_acknowledges_nothing(
    driven: Driver, template: Path, tmp_path: Path, fault: str
) -> None:
    place = Place(template, tmp_path)
    url, number = place.fresh()
    outcome = driven.sabotage((url, template, number), fault, "1+")
    assert outcome.acknowledged is None
    assert outcome.said.count("REFUSED") == 4
    recovers(place, url, number, None)


# --- Under load ------------------------------------------------------------------------------


def kill_under_load(folder: Path, draw: random.Random) -> int:
    """Start workers and mail, kill all of it at a random moment, look; mails acknowledged."""
    settings = load(folder / "aboard.yaml", {})
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.driver", str(folder)],
        cwd=REPO,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(REPO)},
        start_new_session=True,
    )
    assert process.stdout is not None
    while not (line := process.stdout.readline()).startswith(b"ACK"):
        assert line, "the driver ended before its first mail"
    killer = Timer(draw.uniform(0.0, 1.0), os.killpg, (process.pid, signal.SIGKILL))
    killer.start()
    told = {line.split()[1].decode()}
    for line in process.stdout:
        if line.startswith(b"ACK") and line.endswith(b"\n"):
            told.add(line.split()[1].decode())
    process.wait(20)
    process.stdout.close()
    killer.join()
    db = Database(settings.database_url())
    checked = audit(db, deep=False)
    assert checked.balanced, checked
    with db.read() as conn:
        stored = set(conn.scalars(select(raw_mails.c.sha256)))
    assert told <= stored, f"{len(told - stored)} acknowledged mails are lost"
    (folder / "next").write_text(str(int((folder / "next").read_text()) + len(stored) + 3000))
    db.checkpoint()
    db.close()
    return len(told)


def loaded(folder: Path, kills: int) -> tuple[int, dict[str, int]]:
    write_files(folder, **{"aboard.yaml": CONFIG + "database: sqlite:///aboard.db\n"})
    (folder / "next").write_text("0")
    settings = load(folder / "aboard.yaml", {})
    prepare(settings.database_url())
    db = Database(settings.database_url())
    house = House(db, settings, utc_now())
    house.activate()
    db.close()
    draw = random.Random(20261122)
    told = sum(kill_under_load(folder, draw) for _ in range(kills))
    db = Database(settings.database_url())
    house = House(db, settings, utc_now())
    recover(db, settings.node, 2, house.now)
    house.file()
    assert audit(db, deep=True).balanced
    states = house.states()
    db.close()
    assert states.get("pending", 0) == 0
    return told, states


def test_random_kills_under_load_lose_no_acknowledged_mail(tmp_path: Path) -> None:
    told, states = loaded(tmp_path, 2)
    assert told > 0
    assert states.get("filed", 0) >= told


@pytest.mark.campaign
def test_three_hundred_random_kills_under_load_lose_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kills = int(os.environ.get("ABOARD_TEST_KILLS", "300"))
    told, states = loaded(tmp_path, kills)
    with capsys.disabled():
        print(f"\n{kills} kills under load: {told} mails acknowledged, 0 lost; {states}")
    assert states["filed"] + states.get("quarantined", 0) >= told
