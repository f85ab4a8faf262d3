"""Does it stay as fast when the store has grown? Filing rate and page times at three sizes.

The stores are seeded by bulk insert (four messages a thread, two hundred an account), then real
mail is filed into them and pages are fetched from the real site. Flat means that it costs the same.
"""

from __future__ import annotations

import sqlite3
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

from starlette.testclient import TestClient

from bench.live import signed_in
from bench.place import fresh, real_mails
from inbox.clock import utc_now
from inbox.config import Settings
from inbox.flow.intake.accept import Incoming, accept
from inbox.store.database import Database
from inbox.web.desk import Site
from inbox.web.site import build
from inbox.web.visitors import COOKIE
from inbox.worker import file_all

SIZES = (10_000, 100_000, 500_000)
MAILS = 300
PAGES = 40

_SEED = """
INSERT INTO accounts (id, kind, name, tags, provisional, created_at, last_event_at)
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :accounts)
  SELECT 1000000 + i, 'customer', 'Customer ' || i, '[]', 0, :at, :at FROM n;
INSERT INTO account_domains (domain, account_id)
  SELECT 'c' || id || '.example', id FROM accounts WHERE id > 1000000;
INSERT INTO contacts (id, account_id, name, created_at)
  SELECT id, id, 'Contact ' || id, :at FROM accounts WHERE id > 1000000;
INSERT INTO contact_addresses (address, contact_id)
  SELECT 'ana@c' || id || '.example', id FROM contacts WHERE id > 1000000;
INSERT INTO threads (id, account_id, subject, status, team, accountable_id, decided_by, priority,
                     tags, opened_at, last_message_at, last_in_at, messages, version)
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :threads)
  SELECT 1000000 + i, 1000001 + i % :accounts, 'Question ' || i || ' about the data import',
         CASE WHEN i % (:threads / 5) = 0 THEN 'snoozed' WHEN i % 3 = 0 THEN 'closed'
              ELSE 'open' END,
         'support', 1, 'fallback', 'normal', '[]',
         datetime('2024-01-01', '+' || i || ' minutes') || '.000000',
         datetime('2024-01-01', '+' || i || ' minutes') || '.000000',
         datetime('2024-01-01', '+' || i || ' minutes') || '.000000', 4, 1 FROM n;
INSERT INTO raw_mail (id, sha256, size, packing, content, stored_at)
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :messages)
  SELECT 10000000 + i, printf('%064d', i), 200, 'plain', zeroblob(200), :at FROM n;
INSERT INTO messages (id, thread_id, account_id, contact_id, raw_id, direction, mail_id,
                      content_hash, parents, subject, from_name, from_address, recipients,
                      received_at, size, text, visible_text, has_html, automatic, may_answer,
                      verified, extras, defects)
  WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :messages - 1)
  SELECT 10000001 + i, t.id, t.account_id, t.account_id, 10000001 + i, 'in',
         'm' || i || '@seed.example', printf('%064d', i), '[]', t.subject, 'Ana',
         'ana@c' || t.account_id || '.example', '{"to": [["", "onboarding@aboard.example"]]}',
         t.last_message_at, 200, 'Could you look at row ' || i || ' of the import, please?',
         'Could you look at row ' || i || ' of the import, please?', 0, 'none', 1, 'unknown',
         '{}', '[]'
  FROM n JOIN threads t ON t.id = 1000001 + i / 4;
INSERT INTO thread_ids (account_id, mail_id, thread_id)
  SELECT account_id, mail_id, thread_id FROM messages WHERE id > 10000000;
INSERT INTO ledger (id, raw_id, source, node, forward_paths, peer, sent, dated, accepted_at, state,
                    settled_at, message_id, attempts, run_after, fence)
  SELECT id, raw_id, 'file', 'seed', '[]', '', 0, 1, :at, 'filed', :at, id, 1, :at, 1
  FROM messages WHERE id > 10000000;
INSERT INTO events (account_id, thread_id, message_id, at, kind, actor, data)
  SELECT account_id, thread_id, id, received_at, 'mail-in', 'contact:' || from_address, '{}'
  FROM messages WHERE id > 10000000;
INSERT INTO search_index (rowid, words)
  SELECT id, subject || ' ' || text FROM messages WHERE id > 10000000;
"""


def seed(db: Database, messages: int) -> None:
    """Fill a fresh database with so many messages."""
    values = {
        "messages": messages,
        "threads": messages // 4,
        "accounts": max(messages // 200, 1),
        "at": "2024-01-01 00:00:00.000000",
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


def filing_rate(db: Database, settings: Settings, mails: list[bytes]) -> float:
    """Mails a second, filed by one process."""
    batch = [Incoming(raw, "file", utc_now(), dated=True) for raw in mails]
    accept(db, batch, settings.node)
    began = time.perf_counter()
    file_all(db, settings)
    return len(mails) / (time.perf_counter() - began)


def page_time(fetch: Callable[[int], int]) -> float:
    """The median of some fetches, in milliseconds."""
    times = []
    for number in range(PAGES):
        began = time.perf_counter()
        status = fetch(number)
        times.append((time.perf_counter() - began) * 1e3)
        assert status == 200, status
    return statistics.median(times)


def main() -> None:
    """Print a line for each size."""
    mails = real_mails()[:MAILS]
    if not mails:
        print("skipped: the shared corpora are not there")
        return
    names = ("thread", "list", "rare list", "account", "search")
    print("messages   seeded   filed/s" + "".join(f"{name + ' ms':>13}" for name in names))
    print("(rare list: the list of a rare status, five snoozed threads of one team)")
    for size in SIZES:
        with fresh() as (settings, db):
            began = time.perf_counter()
            seed(db, size)
            seeded = time.perf_counter() - began
            rate = filing_rate(db, settings, mails)
            hosts = replace(settings.web, hosts=("testserver",))
            site = Site(db, replace(settings, web=hosts), utc_now, lambda _: 0)
            with TestClient(build(site), follow_redirects=False) as client:
                client.cookies.set(COOKIE, signed_in(db))
                step = size // 4 // PAGES

                def get(path: str, client: TestClient = client) -> int:
                    return int(client.get(path).status_code)

                def thread(n: int, step: int = step) -> int:
                    return get(f"/threads/{1000001 + n * step}")

                def search(n: int, step: int = step) -> int:
                    return get(f"/search?q=row+{n * step}")

                times = (
                    page_time(thread),
                    page_time(lambda n: get("/threads")),
                    page_time(lambda n: get("/threads?team=support&status=snoozed")),
                    page_time(lambda n: get(f"/accounts/{1000001 + n}")),
                    page_time(search),
                )
        shown = "".join(f"{one:13.1f}" for one in times)
        print(f"{size:8}  {seeded:5.0f} s  {rate:8.0f}{shown}", flush=True)


if __name__ == "__main__":
    main()
