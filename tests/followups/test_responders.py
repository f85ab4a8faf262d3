"""Loops are bounded whatever the other side is: the bounds of DESIGN I9, over simulated days."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from random import Random

import pytest

from inbox.store.database import Database
from inbox.store.outbox_tables import outbox, outbox_recipients
from tests import databases
from tests.flow.house import CONFIG, mail
from tests.followups.office import SENDING, Letter, Office, open_office
from tests.followups.responders import BOX, DAY, RESPONDERS, Responder
from tests.sla.office import TEAMS


class World:
    """An office, and machines that answer whatever leaves it."""

    def __init__(self, office: Office, kinds: Sequence[Responder], seed: int) -> None:
        self.office, self.random = office, Random(seed)
        self.kinds = {one.domain: one for one in kinds}
        self.coming: list[tuple[datetime, int, bytes, str]] = []
        self.seen = self.number = 0

    def run(self, days: float) -> None:
        """Everybody writes first; then days pass."""
        office, end = self.office, self.office.now + timedelta(days=days)
        for one in self.kinds.values():
            thread = office.write_in(
                sender=f"Desk <desk@{one.domain}>", id=f"first@{one.domain}", subject=one.name
            )
            if self.random.random() < 0.5:
                office.desk().wait(thread, office.now)
        while office.now < end:
            office.tick()
            office.carry()
            self._answer()
            hour = office.now + timedelta(hours=1)
            office.now = min([hour, *(one[0] for one in self.coming[:1])])
            while self.coming and self.coming[0][0] <= office.now:
                _, _, raw, path = heapq.heappop(self.coming)
                office.receive(raw, reverse_path=path)

    def _answer(self) -> None:
        for letter in self.office.left[self.seen :]:
            for address in letter.to:
                kind = self.kinds.get(address.rpartition("@")[2])
                for _ in range(0 if kind is None else kind.times):
                    assert kind is not None
                    self._one(kind, letter, address)
        self.seen = len(self.office.left)

    def _one(self, kind: Responder, letter: Letter, address: str) -> None:
        self.number += 1
        got = letter.mail
        local = f"{kind.local}{self.number}" if kind.changes_sender else kind.local
        sender = f"{local}@{kind.domain}"
        at = self.office.now + max(kind.delay(self.random), timedelta(seconds=1))
        subject = kind.subject.format(subject=got["Subject"], number=self.number)
        body = kind.body + (f"\n\n> {letter.raw[:200].decode()!r}" if kind.quotes else "")
        fields = dict(kind.headers)
        if kind.cites:
            fields |= {"In-Reply-To": got["Message-ID"], "References": got["Message-ID"]}
        raw = mail(
            f"Desk <{sender}>",
            to=kind.to or str(got["Reply-To"] or BOX),
            id=f"r{self.number}@{kind.domain}",
            subject=subject,
            body=body,
            date=format_datetime(at),
            headers=fields,
        )
        path = "" if kind.null_path else sender
        heapq.heappush(self.coming, (at, self.number, raw, path))


def check_bounds(office: Office) -> int:
    """The bounds of I9 over everything that left; how many mails that was."""
    items = {row.id: row for row in office.rows(outbox)}
    assert len({row.key for row in items.values()}) == len(items)
    roles = office.context().files.mail.by_name
    sent: dict[str, list[tuple[datetime, str, int]]] = defaultdict(list)
    for row in office.rows(outbox_recipients, state="accepted"):
        item = items[row.item_id]
        if item.kind == "automatic":
            sent[row.address].append((item.settled_at, roles[item.template].role, item.thread_id))
    for address, mails in sent.items():
        for at, role, thread in mails:
            day = [one for one in mails if at - DAY < one[0] <= at]
            assert len(day) <= 4, (address, day)
            if role == "asks":
                assert sum(one[1] == "asks" for one in day) == 1, (address, day)
            if role == "acknowledges":
                same = [one for one in day if one[1:] == (role, thread)]
                assert len(same) == 1, (address, same)
    assert len(office.left) == sum(map(len, sent.values()))
    return len(office.left)


def test_a_sample_of_machines_draws_no_more_than_the_bounds(sqlite_office: Office) -> None:
    world = World(sqlite_office, RESPONDERS[7::8], seed=9)
    world.run(days=2.5)
    assert check_bounds(sqlite_office) >= len(world.kinds) // 2


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(3))
def test_fifty_machines_draw_no_more_than_the_bounds_in_thirty_days(
    sqlite_office: Office, seed: int
) -> None:
    world = World(sqlite_office, RESPONDERS, seed)
    world.run(days=30)
    assert check_bounds(sqlite_office) >= 50


# --- Two of us -----------------------------------------------------------------------------------

TWIN = "desk@other.example"


def twin_of(office: Office, db: Database, folder: Path) -> Office:
    """Another Aboard, at another house."""
    folder.mkdir()
    config = (CONFIG + SENDING).replace(BOX, TWIN).replace("aboard.example", "other.example")
    teams = TEAMS.replace("aboard.example", "other.example")
    return open_office(db, folder, **{"aboard.yaml": config, "teams.yaml": teams})


def exchange(first: Office, second: Office, days: float, *, strip: bool) -> list[datetime]:
    """Both run over a bus; when mails left."""
    first.write_in(sender=f"Desk <{TWIN}>", subject="Hello")
    end, seen = first.now + timedelta(days=days), [0, 0]
    while first.now < end:
        for number, (one, other) in enumerate(((first, second), (second, first))):
            one.tick()
            one.carry()
            for letter in one.left[seen[number] :]:
                other.receive(*_through(letter, strip), reverse_path=_path(letter, strip))
            seen[number] = len(one.left)
        first.now = second.now = first.now + timedelta(minutes=30)
    return sorted(letter.at for one in (first, second) for letter in one.left)


def _through(letter: Letter, strip: bool) -> tuple[bytes]:
    got = letter.mail
    for name in ("Auto-Submitted", "X-Auto-Response-Suppress") if strip else ():
        del got[name]
    return (got.as_bytes(),)


def _path(letter: Letter, strip: bool) -> str:
    return letter.reverse_path or (str(letter.mail["From"].addresses[0].addr_spec) if strip else "")


def test_two_of_us_fall_silent_after_their_first_exchange(
    sqlite_office: Office, tmp_path: Path
) -> None:
    databases.prepare(f"sqlite:///{tmp_path}/twin.db")
    db = Database(f"sqlite:///{tmp_path}/twin.db")
    second = twin_of(sqlite_office, db, tmp_path / "twin")
    left = exchange(sqlite_office, second, 4, strip=False)
    assert [one.template for one in sqlite_office.items()] == [
        "acknowledgement",
        "first-response-late",
    ]
    assert not second.items()
    assert left[-1] - left[0] < DAY
    db.close()


@pytest.mark.campaign
def test_two_of_us_behind_gateways_that_strip_fields_stay_within_the_bounds(
    sqlite_office: Office, tmp_path: Path
) -> None:
    databases.prepare(f"sqlite:///{tmp_path}/twin.db")
    db = Database(f"sqlite:///{tmp_path}/twin.db")
    second = twin_of(sqlite_office, db, tmp_path / "twin")
    exchange(sqlite_office, second, 30, strip=True)
    check_bounds(sqlite_office)
    check_bounds(second)
    db.close()
