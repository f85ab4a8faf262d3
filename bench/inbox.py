"""Is the inbox quick in a large house? Pages over 100,000 threads and 1,000,000 messages.

`python -m bench inbox` measures SQLite at a tenth of that, `--threads 100000` at full size, and
`--postgresql` the same on PostgreSQL (the tests' own server). Ten messages a thread, a tenth of the
threads open, half of those unclaimed, two promises on each; words from common to rare. `--runs 3`
fetches all of it three times over and shows the middle one of each figure.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import text
from starlette.testclient import TestClient

from bench.live import signed_in
from bench.place import fresh
from inbox.app import put_in_force
from inbox.clock import utc_now
from inbox.config import Settings
from inbox.store import schema
from inbox.store.columns import NO_CLOCK
from inbox.store.counting import count_if_grown
from inbox.store.database import Database
from inbox.web.desk import Site
from inbox.web.site import build
from inbox.web.visitors import COOKIE

FULL = 100_000
EACH = 10
ROUNDS = 60
GOAL_MS = 100

_N = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {most})"
_STATUS = (
    "CASE WHEN i % 10 = 0 THEN 'open' WHEN i % 10 = 1 THEN 'waiting'"
    " WHEN i % 200 = 2 THEN 'snoozed' ELSE 'closed' END"
)
_TEXT = (
    "'Could you look at row ' || i || ' of the import of subject topic' || (i % 500) || ', please?'"
)
SEED = (
    _N + " INSERT INTO accounts (id, kind, name, stage, tags, provisional, created_at,"
    " last_event_at) SELECT 1000 + i, 'customer', 'Customer ' || i,"
    " CASE i % 3 WHEN 0 THEN 'welcome' WHEN 1 THEN 'activation' ELSE 'guidance' END, '[]', {no},"
    " {base}, {base} FROM n",
    _N + " INSERT INTO threads (id, account_id, subject, status, team, accountable_id, claimed_at,"
    " decided_by, priority, tags, opened_at, last_message_at, last_in_at, messages, version,"
    " due_at, at_risk) SELECT 1000 + i, 1001 + i % {accounts}, 'Question ' || i || ' of it',"
    " " + _STATUS + ", (SELECT name FROM teams ORDER BY name LIMIT 1 OFFSET 0), 1,"
    " CASE WHEN i % 20 < 10 THEN {at} END, 'rule', 'normal', '[]', {at}, {at}, {at}, {each}, 1,"
    " {never}, {no} FROM n",
    _N + " INSERT INTO raw_mail (id, sha256, size, packing, content, stored_at)"
    " SELECT 1000 + i, {hash}, 20, 'plain', {blob}, {base} FROM n",
    _N
    + " INSERT INTO messages (id, thread_id, account_id, raw_id, direction, mail_id, content_hash,"
    " parents, subject, from_name, from_address, recipients, received_at, size, text, visible_text,"
    " has_html, automatic, may_answer, verified, extras, defects) SELECT 1000 + i,"
    " 1000 + 1 + (i - 1) / {each}, 1001 + (1 + (i - 1) / {each}) % {accounts}, 1000 + i, 'in',"
    " 'm' || i || '@seed.example', {hash}, '[]', 'Question', 'Ana', 'ana@c' || (i % {accounts}) ||"
    ' \'.example\', \'{{"to": [["", "onboarding@aboard.example"]]}}\', {message_at}, 200, '
    + _TEXT
    + ", "
    + _TEXT
    + ", {no}, 'none', {yes}, 'unknown', '{{}}', '[]' FROM n",
    "INSERT INTO events (account_id, thread_id, message_id, at, kind, actor, data)"
    " SELECT account_id, thread_id, id, received_at, 'mail-in', 'contact:' || from_address, '{{}}'"
    " FROM messages WHERE id > 1000",
    "INSERT INTO targets (thread_id, metric, cycle, policy, policy_set, team, opened_at, due_at,"
    " state, used_seconds, resumed_at) SELECT e.thread_id, m.metric, max(e.id), 'default', 'x',"
    " t.team,"
    " max(e.at), {due}, 'open', 0, max(e.at) FROM events e JOIN threads t ON t.id = e.thread_id,"
    " (SELECT 'next_response' AS metric UNION SELECT 'resolution') m"
    " WHERE t.status IN ('open', 'waiting') GROUP BY e.thread_id, m.metric, t.team",
    "UPDATE threads SET due_at = coalesce((SELECT min(t.due_at) FROM targets t WHERE t.thread_id ="
    " threads.id), {never}), at_risk = (id % 70 = 0 AND status IN ('open', 'waiting'))",
)
INDEX = {
    True: "INSERT INTO search_index (rowid, words) SELECT id, 'question could you look at row '"
    " || (id - 1000) || ' of the import of subject topic' || ((id - 1000) % 500) || ' please ana'"
    " FROM messages",
    False: "INSERT INTO search_index (message_id, piece, words) SELECT id, 0, to_tsvector('simple',"
    " 'question could you look at row ' || (id - 1000) || ' of the import of subject topic'"
    " || ((id - 1000) % 500) || ' please ana') FROM messages",
}


def _words(is_sqlite: bool, count: int) -> dict[str, object]:
    """What differs between the two databases, and the sizes."""
    if is_sqlite:
        at = "datetime('2024-01-01', '+' || i || ' minutes') || '.000000'"
        message_at = at.replace("i ||", "(i / {each}) ||")
        due = "datetime('2026-01-01', '+' || (e.thread_id * 7 % 900000) || ' minutes') || '.000000'"
        kinds = {"base": "'2024-01-01 00:00:00.000000'", "yes": "1", "no": "0"}
        kinds |= {"hash": "printf('%064d', i)", "blob": "zeroblob(20)"}
        kinds |= {"never": f"'{NO_CLOCK:%Y-%m-%d} 00:00:00.000000'"}
    else:
        at = "timestamptz '2024-01-01 00:00Z' + i * interval '1 minute'"
        message_at = at.replace("i *", "(i / {each}) *")
        due = "timestamptz '2026-01-01 00:00Z' + (e.thread_id * 7 % 900000) * interval '1 minute'"
        kinds = {"base": "timestamptz '2024-01-01 00:00Z'", "yes": "true", "no": "false"}
        kinds |= {"hash": "lpad(i::text, 64, '0')", "blob": "'\\x00'::bytea"}
        kinds |= {"never": f"timestamptz '{NO_CLOCK:%Y-%m-%d} 00:00Z'"}
    sizes = {"each": EACH, "accounts": max(count // 20, 1)}
    return {**kinds, **sizes, "at": at, "due": due, "message_at": message_at.format(each=EACH)}


def seed(db: Database, count: int) -> None:
    """Fill a database, in which the shipped files are in force, with so many threads."""
    words = _words(db.is_sqlite, count)
    most = (words["accounts"], count, count * EACH, count * EACH)
    for number, statement in enumerate(SEED):
        size = most[number] if number < len(most) else 0
        made = statement.format(most=size, **words)
        if made.startswith("WITH"):  # an INSERT begins with INSERT, its WITH comes behind
            with_, _, insert = made.partition(" INSERT INTO ")
            head, _, chosen = insert.partition(" SELECT ")
            made = f"INSERT INTO {head} {with_} SELECT {chosen}"
        with db.write() as conn:
            conn.exec_driver_sql(made.replace("%", "%%") if not db.is_sqlite else made)
    with db.write() as conn:
        conn.exec_driver_sql(INDEX[db.is_sqlite].replace("%", "%%" if not db.is_sqlite else "%"))
        if not db.is_sqlite:
            conn.execute(text("ANALYZE"))  # which it does by itself, but later
    count_if_grown(db)
    db.checkpoint()


@contextmanager
def place(postgresql: bool) -> Iterator[tuple[Settings, Database]]:
    """An empty database of the kind that is measured, with the shipped files in force."""
    with fresh() as (settings, lite):
        if not postgresql:
            yield settings, lite
            return
        from tests.services import postgres

        with postgres.running("bench-inbox") as server:
            db = Database(server.fresh_database())
            schema.ensure(db)
            put_in_force(db, settings)
            try:
                yield settings, db
            finally:
                db.close()


def pages(count: int) -> dict[str, Callable[[int], str]]:
    """Name -> address of the n-th fetch."""
    step = max(count // ROUNDS, 1)
    return {
        "inbox": lambda n: "/threads",
        "unclaimed": lambda n: "/threads?view=unclaimed",
        "at risk": lambda n: "/threads?view=at-risk",
        "all": lambda n: "/threads?view=all",
        "all, by clock": lambda n: "/threads?view=all&sort=due",
        "team, by clock": lambda n: "/threads?view=all&q=is:live+team:compliance&sort=due",
        "thread": lambda n: f"/threads/{1001 + n * step}",
        "accounts": lambda n: "/accounts",
        "account": lambda n: f"/accounts/{1001 + n * 7 % (count // 20)}",
        "search, rare": lambda n: f"/search?q=row+{1 + n * step}",
        "search, common": lambda n: f"/search?q=topic{n * 7 % 500}+import",
        "search, all hold it": lambda n: "/search?q=import",
        "search, narrowed": lambda n: f"/search?q=topic{n % 500}+is:open+from:ana",
        "wall": lambda n: "/wall",
    }


def measured(client: TestClient, address: Callable[[int], str]) -> tuple[list[float], list[float]]:
    """Milliseconds of each fetch by the clock on the wall, and of this process's CPU, in order of
    size; the first ones do not count."""
    times, spent = [], []
    for number in range(-3, ROUNDS):
        began, used = time.perf_counter(), time.process_time()
        answer = client.get(address(max(number, 0)))
        took, cost = (time.perf_counter() - began) * 1e3, (time.process_time() - used) * 1e3
        assert answer.status_code == 200, (address(max(number, 0)), answer.status_code)
        if number >= 0:
            times.append(took)
            spent.append(cost)
    return sorted(times), sorted(spent)


def _middle_and_slow(ordered: list[float]) -> tuple[float, float]:
    return statistics.median(ordered), ordered[int(len(ordered) * 0.95)]


def figures(client: TestClient, count: int, runs: int) -> dict[str, list[float]]:
    """Page -> p50 and p95 by the wall, p50 and p95 of CPU, each the middle one of all runs."""
    found: dict[str, list[list[float]]] = {}
    for _ in range(runs):
        for name, address in pages(count).items():
            both = measured(client, address)
            one = [figure for listed in both for figure in _middle_and_slow(listed)]
            found.setdefault(name, []).append(one)
    return {
        name: [statistics.median(column) for column in zip(*listed, strict=True)]
        for name, listed in found.items()
    }


def main(arguments: list[str]) -> int:
    """Print a line for each page; 1 where one missed the goal."""
    asked = argparse.ArgumentParser(prog="python -m bench.inbox")
    asked.add_argument("--threads", type=int, default=FULL // 10)
    asked.add_argument("--postgresql", action="store_true")
    asked.add_argument("--runs", type=int, default=1)
    given = asked.parse_args(arguments)
    with place(given.postgresql) as (settings, db):
        began = time.perf_counter()
        seed(db, given.threads)
        kind = "PostgreSQL" if given.postgresql else "SQLite"
        size = f"{given.threads:,} threads, {given.threads * EACH:,} messages"
        print(f"{kind}: {size}, seeded in {time.perf_counter() - began:.0f} s", flush=True)
        hosts = replace(settings.web, hosts=("testserver",))
        site = Site(db, replace(settings, web=hosts), utc_now, lambda _: 0)
        with TestClient(build(site), follow_redirects=False) as client:
            client.cookies.set(COOKIE, signed_in(db))
            found = figures(client, given.threads, given.runs)
    print(f"{'page':22}{'p50 ms':>9}{'p95 ms':>9}{'CPU p50':>9}{'CPU p95':>9}")
    for name, columns in found.items():
        print(f"{name:22}" + "".join(f"{one:9.1f}" for one in columns))
    late = [name for name, columns in found.items() if columns[1] > GOAL_MS]
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"p95 over {GOAL_MS} ms: {', '.join(late) or 'none'}; load {load}")
    return 1 if late else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
