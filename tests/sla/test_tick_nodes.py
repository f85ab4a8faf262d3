"""Many nodes sweep one database and some are killed: every step happens once, none is lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import JSON, bindparam, func, select, text

from inbox.flow.promises import sla
from inbox.store.clock_tables import target_steps, targets
from inbox.store.database import Database
from inbox.store.tables import events
from tests import databases
from tests.databases import NOW
from tests.services.postgres import Postgres
from tests.sla.office import Office, open_office

REPO = Path(__file__).resolve().parents[2]
WORKERS = 8

SWEEPER = """
import sys
from datetime import datetime
from inbox.flow.admin import stored_sets
from inbox.flow.promises.tick import Ticker
from inbox.store.database import Database
from tests.sla.told import Told

db = Database(sys.argv[1], pool_size=2)
now = datetime.fromisoformat(sys.argv[3])
Ticker(db, sys.argv[2], stored_sets.in_force, Told(), batch=int(sys.argv[4])).tick(now)
db.close()
"""


def seed(office: Office, count: int) -> None:
    """So many open targets, each with one step due, a hundred threads an account."""
    clocks = sla.clocks_of(office.context().files)
    assert clocks is not None
    with office.db.write() as conn:
        conn.execute(
            text(
                "INSERT INTO accounts (kind, name, tags, provisional, created_at, last_event_at)"
                " SELECT 'customer', 'Customer ' || n, '[]', false, :at, :at"
                " FROM generate_series(1, :accounts) n"
            ),
            {"accounts": max(count // 100, 20), "at": NOW},
        )
        conn.execute(
            text(
                "INSERT INTO threads (account_id, subject, status, team, accountable_id,"
                " decided_by, priority, tags, opened_at, last_message_at, messages, version)"
                " SELECT (SELECT min(id) FROM accounts WHERE kind = 'customer') + n % :accounts,"
                " 'Question ' || n, 'open', 'support',"
                " (SELECT id FROM people WHERE handle = 'ines'), 'fallback', 'normal', '[]',"
                " :at, :at, 1, 1 FROM generate_series(1, :count) n"
            ),
            {"count": count, "at": NOW, "accounts": max(count // 100, 20)},
        )
        conn.execute(
            text(
                "INSERT INTO events (account_id, thread_id, at, kind, actor, data)"
                " SELECT account_id, id, opened_at, 'mail-in', 'contact:ana@x.example', :data"
                " FROM threads"
            ).bindparams(bindparam("data", {"automatic": "none"}, JSON())),
        )
        conn.execute(
            text(
                "INSERT INTO targets (thread_id, metric, cycle, policy, policy_set, team,"
                " opened_at, due_at, state, used_seconds, resumed_at, next_at, next_step)"
                " SELECT thread_id, 'first_response', id, 'default', :hash, 'support', :at, :due,"
                " 'open', 0, :at, :due, 'due' FROM events WHERE kind = 'mail-in'"
            ),
            {"hash": clocks.sla.hash, "at": NOW, "due": NOW + timedelta(hours=4)},
        )


def sweep_with_kills(office: Office, url: str, count: int, rng: random.Random) -> int:
    """Sweep with eight nodes, of which some are killed at random, until nothing is due; kills."""
    environment = os.environ | {"PYTHONPATH": str(REPO)}
    now = (NOW + timedelta(hours=4)).isoformat()
    kills, started = 0, 0
    running: list[subprocess.Popen[bytes]] = []
    batch = "20" if count < 10_000 else "200"
    while _left(office.db) or any(one.poll() is None for one in running):
        running = [one for one in running if one.poll() is None]
        while len(running) < WORKERS and _left(office.db):
            started += 1
            command = [sys.executable, "-c", SWEEPER, url, f"node{started}", now, batch]
            running.append(subprocess.Popen(command, env=environment, cwd=REPO))
        if running and kills < max(count // 500, 3):
            victim = rng.choice(running)
            try:
                victim.wait(rng.uniform(0.5, 2.5))  # when a node dies is left to chance
            except subprocess.TimeoutExpired:
                victim.send_signal(signal.SIGKILL)
                kills += 1
        elif running:
            running[0].wait()
    for one in running:
        one.wait()
    return kills


def _left(db: Database) -> int:
    with db.read() as conn:
        due = select(func.count()).select_from(targets)
        return int(conn.scalar(due.where(targets.c.next_step == "due")) or 0)


def check(postgres: Postgres, folder: Path, count: int, seed_of: int) -> int:
    """Seed, sweep, count; how many nodes were killed."""
    url = postgres.fresh_database(databases.prepare)
    db = Database(url)
    try:
        office = open_office(db, folder)
        seed(office, count)
        kills = sweep_with_kills(office, url, count, random.Random(seed_of))
        with db.read() as conn:
            done = conn.scalar(select(func.count()).select_from(target_steps))
            told = conn.execute(
                select(func.count(), func.count(events.c.thread_id.distinct())).where(
                    events.c.kind == "target-breached"
                )
            ).one()
            mails = conn.execute(
                select(func.count(), func.count(events.c.thread_id.distinct())).where(
                    events.c.kind == "told"
                )
            ).one()
        assert done == count
        assert tuple(told) == (count, count)
        assert tuple(mails) == (count, count)
        return kills
    finally:
        db.close()
        postgres.drop(url)


@pytest.mark.postgres
def test_eight_nodes_with_kills_do_every_step_once(postgres_run: Postgres, tmp_path: Path) -> None:
    assert check(postgres_run, tmp_path, 2_000, 3) >= 1


@pytest.mark.postgres
@pytest.mark.campaign
def test_a_hundred_thousand_due_targets_give_a_hundred_thousand_follow_ups(
    postgres_run: Postgres, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kills = check(postgres_run, tmp_path, 100_000, 4)
    with capsys.disabled():
        print(f"100000 due targets, {WORKERS} nodes, {kills} killed: 100000 follow-ups")
    assert kills >= 20
