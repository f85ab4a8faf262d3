"""The tick: what 100,000 due targets cost among a million open ones, and what the open ones cost.

The store is seeded by bulk insert. Flat means that a tick costs what is due, not what is open.
"""

from __future__ import annotations

import sqlite3
import statistics
import time
from datetime import UTC, datetime, timedelta

from bench.place import fresh
from inbox.flow.admin.stored_sets import in_force
from inbox.flow.promises import sla
from inbox.flow.promises.tick import Ticker
from inbox.store import due_targets
from inbox.store.database import Database

OPEN = (10_000, 1_000_000)
DUE = 100_000
FEW = 1_000
"""Due among each number of open ones, where only their number changes."""
NOW = datetime(2026, 11, 4, 12, 0, tzinfo=UTC)
LATER = datetime(2027, 11, 4, 12, 0, tzinfo=UTC)

_SEED = """
INSERT INTO accounts (id, kind, name, tags, provisional, created_at, last_event_at)
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :accounts)
  SELECT 1000000 + i, 'customer', 'Customer ' || i, '[]', 0, :at, :at FROM n;
INSERT INTO threads (id, account_id, subject, status, team, accountable_id, decided_by, priority,
                     tags, opened_at, last_message_at, messages, version)
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :open)
  SELECT 1000000 + i, 1000001 + i % :accounts, 'Question ' || i, 'open', 'support', 1, 'fallback',
         'normal', '[]', :at, :at, 1, 1 FROM n;
INSERT INTO events (id, account_id, thread_id, at, kind, actor, data)
  SELECT id, account_id, id, :at, 'mail-in', 'contact:ana@x.example', '{"automatic": "none"}'
  FROM threads;
INSERT INTO targets (thread_id, metric, cycle, policy, policy_set, team, opened_at, due_at, state,
                     used_seconds, resumed_at, next_at, next_step)
  SELECT id, 'first_response', id, 'default', :hash, 'support', :at, :later, 'open', 0, :at,
         :later, 'due' FROM threads;
"""


def seed(db: Database, count: int) -> None:
    """So many threads with an open target each, none of it due."""
    with db.read() as conn:
        files = in_force(conn)
    clocks = None if files is None else sla.clocks_of(files)
    assert clocks is not None
    values = {
        "accounts": max(count // 50, 1),
        "open": count,
        "at": _text(NOW - timedelta(days=1)),
        "later": _text(LATER),
        "hash": clocks.sla.hash,
    }
    connection = sqlite3.connect(str(db.url.database), isolation_level=None)
    connection.execute("BEGIN")
    for statement in _SEED.split(";\n"):
        if statement.strip():
            names = {name: value for name, value in values.items() if f":{name}" in statement}
            connection.execute(statement, names)
    connection.execute("COMMIT")
    connection.execute("ANALYZE")
    connection.close()
    db.checkpoint()


def _text(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S}.000000"


def make_due(db: Database, first: int, count: int) -> None:
    """Let the step `due` of so many targets be due now, beginning with this one."""
    connection = sqlite3.connect(str(db.url.database), isolation_level=None)
    connection.execute(
        "UPDATE targets SET next_at = :at, due_at = :at, next_step = 'due'"
        " WHERE id BETWEEN :first AND :last",
        {"at": _text(NOW), "first": first, "last": first + count - 1},
    )
    connection.close()
    db.checkpoint()


def idle(db: Database, ticker: Ticker) -> float:
    """The median of some ticks that find nothing due, in milliseconds."""
    times = []
    for _ in range(50):
        began = time.perf_counter()
        assert ticker.tick(NOW - timedelta(hours=1)).fired == 0
        times.append((time.perf_counter() - began) * 1e3)
    return statistics.median(times)


def main() -> None:
    """Print a line for each number of open targets, and one for many due."""
    print("open targets   seeded   idle tick ms   1,000 due s   us a step")
    for count in OPEN:
        with fresh() as (_, db):
            began = time.perf_counter()
            seed(db, count)
            seeded = time.perf_counter() - began
            ticker = Ticker(db, "bench", in_force)
            quiet = idle(db, ticker)
            make_due(db, 1, FEW)
            began = time.perf_counter()
            assert ticker.tick(NOW).fired == FEW
            took = time.perf_counter() - began
            shown = f"{quiet:15.2f}{took:14.2f}{took / FEW * 1e6:12.0f}"
            print(f"{count:12}  {seeded:5.0f} s{shown}", flush=True)
            if count == OPEN[-1]:
                make_due(db, FEW + 1, DUE)
                began = time.perf_counter()
                assert ticker.tick(NOW).fired == DUE
                took = time.perf_counter() - began
                with db.read() as conn:
                    left = due_targets.any_due(conn, NOW)
                print(
                    f"tick with {DUE} due among {count} open: {took:.1f} s"
                    f" ({DUE / took:.0f} steps/s), none left: {not left}"
                )


if __name__ == "__main__":
    main()
