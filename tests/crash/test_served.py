"""`kill -9` of a real `aboard serve` under load and while it stops: nothing acknowledged is lost."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import func, select

from inbox.flow.evidence.audit import audit
from inbox.store.database import Database
from inbox.store.tables import ledger, messages
from inbox.store.tables import raw_mail as raw_mails
from tests.crash.served import (
    READY_WITHIN,
    Sender,
    Served,
    aboard,
    deliver,
    judged,
    opened,
    serve,
    serving,
    sha256,
    working_folder,
)
from tests.services.waiting import answers, until

SENDERS = 2


@dataclass(slots=True)
class Found:
    """What a run of kills did."""

    kills: Counter[str] = field(default_factory=Counter)
    starts: list[float] = field(default_factory=list)
    """Seconds until ready, of each start after a kill."""
    told: set[str] = field(default_factory=set)
    states: dict[str, int] = field(default_factory=dict)


def strike(node: Served, draw: random.Random) -> str:
    """Kill -9 all of a node, or one of its processes; which."""
    choice = draw.random()
    if choice < 0.6:
        node.kill()
        return "all"
    if choice < 0.75:
        node.kill_head()  # its workers are left, beside the next node
        return "head"
    others = node.others()
    if others:
        try:
            os.kill(draw.choice(others), signal.SIGKILL)
        except ProcessLookupError:
            return "none"  # it ended by itself just then
    return "one other"


def random_kills(folder: Path, kills: int, seed: int) -> Found:
    """Start, load and kill a node again and again on one folder, then let it come to rest."""
    working_folder(folder)
    draw, found = random.Random(seed), Found()
    senders = [Sender(place, SENDERS) for place in range(SENDERS)]
    node = serve(folder)
    try:
        while found.kills.total() < kills:
            _under_load(node, senders, draw, found)
            if node.process.poll() is not None:
                kept(folder, senders)
                node, before = serve(folder), node
                found.starts.append(node.ready_after)
                until(lambda one=before: not one.others(), within=60)  # none outlives its head
        for sender in senders:
            sender.rest(node.smtp)
        until(lambda: not waiting(folder), within=120)
        node.process.terminate()
        assert node.ended() == 0
    finally:
        if node.process.poll() is None:
            node.kill()
    found.told = {one for sender in senders for one in sender.told}
    found.states = accounted(folder, senders)
    return found


def _under_load(node: Served, senders: list[Sender], draw: random.Random, found: Found) -> None:
    over = threading.Event()
    threads = [threading.Thread(target=one.send, args=(node.smtp, over)) for one in senders]
    for thread in threads:
        thread.start()
    over.wait(draw.uniform(0.0, 1.2))  # the moment of the kill is what is drawn
    found.kills[strike(node, draw)] += 1
    over.set()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


def kept(folder: Path, senders: list[Sender]) -> None:
    """Right after a kill: what was acknowledged is there, and the ledger balances."""
    db = opened(folder)
    try:
        with db.read() as conn:
            stored = set(conn.scalars(select(raw_mails.c.sha256)))
        checked = audit(db, deep=False)
    finally:
        db.close()
    assert checked.balanced, checked
    lost = {one for sender in senders for one in sender.told} - stored
    assert not lost, f"{len(lost)} acknowledged mails are lost"


def waiting(folder: Path) -> int:
    """Mails that are not settled yet."""
    db = opened(folder)
    try:
        return _states(db).get("pending", 0)
    finally:
        db.close()


def _states(db: Database) -> dict[str, int]:
    counted = select(ledger.c.state, func.count()).group_by(ledger.c.state)
    with db.read() as conn:
        return {row[0]: row[1] for row in conn.execute(counted)}


def accounted(folder: Path, senders: list[Sender]) -> dict[str, int]:
    """At rest: every mail is there once, as a message or in quarantine with its cause."""
    kept(folder, senders)
    assert aboard(folder, "audit", "--deep").returncode == 0
    db = opened(folder)
    try:
        states = _states(db)
        with db.read() as conn:
            raws = {row.id: row.sha256 for row in conn.execute(select(raw_mails))}
            filed = Counter(raws[one] for one in conn.scalars(select(messages.c.raw_id)))
            rows = conn.execute(select(ledger).where(ledger.c.state == "quarantined")).all()
    finally:
        db.close()
    everything = {sha256(number) for sender in senders for number in sender.numbers()}
    assert everything == {one for sender in senders for one in sender.told}
    assert {row.cause for row in rows} <= {"over-limit"}, "only what was killed again and again"
    put_aside = {raws[row.raw_id] for row in rows}
    assert everything == filed.keys() | put_aside
    assert set(filed.values()) == {1}, "a mail was filed twice"
    return states


def test_random_kills_of_a_real_node_lose_nothing_and_file_nothing_twice(tmp_path: Path) -> None:
    found = random_kills(tmp_path, 3, seed=20261122)
    assert found.told
    print(judged(found.starts))


@pytest.mark.campaign
def test_three_hundred_random_kills_of_a_real_node(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kills = int(os.environ.get("ABOARD_TEST_KILLS", "300"))
    found = random_kills(tmp_path, kills, seed=2)
    with capsys.disabled():
        told = f"{len(found.told)} mails acknowledged through the SMTP port, 0 lost"
        print(f"\n{kills} random kills ({dict(found.kills)}): {told}, none filed twice")
        print(f"ledger balanced: {found.states}\n{judged(found.starts)}")
    assert max(found.starts) < READY_WITHIN, judged(found.starts)


@pytest.mark.parametrize("whom", ["head", "group"])
def test_a_second_sigterm_while_it_stops_neither_hangs_nor_loses(tmp_path: Path, whom: str) -> None:
    working_folder(tmp_path)
    told: set[str] = set()
    with serving(tmp_path) as node:
        thread = threading.Thread(target=deliver, args=(node.smtp, range(500), told))
        thread.start()
        until(lambda: len(told) > 10, within=60)
        for _ in range(2):
            if whom == "head":
                os.kill(node.pid, signal.SIGTERM)
            else:
                os.killpg(node.pid, signal.SIGTERM)
            until(lambda: not answers(node.smtp), within=60)  # it is stopping: now once more
        # A signal that comes when everything is closed already ends it as signals do.
        assert node.ended() in (0, -signal.SIGTERM)
        thread.join(60)
    db = opened(tmp_path)
    with db.read() as conn:
        assert told <= set(conn.scalars(select(raw_mails.c.sha256)))
        leased = select(func.count()).where(ledger.c.leased_until.is_not(None))
        assert conn.scalar(leased.where(ledger.c.state == "pending")) == 0, "given back at the end"
    assert audit(db, deep=False).balanced
    db.close()


def test_sigterm_of_all_but_the_head_ends_workers_and_not_what_forks_them(tmp_path: Path) -> None:
    """Whoever stops a service sends SIGTERM to all of its processes, in any order."""
    working_folder(tmp_path)
    told: set[str] = set()
    with serving(tmp_path) as node:
        deliver(node.smtp, range(3), told)
        until(lambda: not waiting(tmp_path), within=60)  # the workers are there
        before = node.others()
        for pid in before:
            os.kill(pid, signal.SIGTERM)
        deliver(node.smtp, range(3, 40), told)
        until(lambda: not waiting(tmp_path), within=60)
        # What stays is what forks, and Python's own helper; each worker finished its round and went.
        until(lambda: len(set(node.others()) & set(before)) == 2, within=60)
        node.process.terminate()
        assert node.ended() == 0
    assert len(told) == 40
    assert "no worker can be started" not in (tmp_path / "log").read_text()
