"""`aboard rules replay` over 10,000 stored threads; the promise is under a minute.

`python -m bench.rules_replay` seeds a SQLite store in a temporary folder by bulk inserts (texts of
natural word frequencies, a tenth of them with words of the shipped rules; snapshots as filing
writes them), then replays the shipped rules, and 1,000 made-up rules, over it by the command that
admins use. Prints one line each, judges the slower one by the promise, and ends with 1 where it is
not kept.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.rules import Vocabulary, rule_files
from inbox.app import files_in_force, open_database, put_in_force
from inbox.cli.starter import write_folder
from inbox.config import load
from inbox.flow.deciding.assign import decision_json
from inbox.store import tables
from inbox.store.database import Database
from inbox.store.people import everybody
from routing.decide import decide
from routing.facts import Facts, facts_given
from routing.ruleset import Ruleset

THREADS = 10_000
BLOCK = 1_000
GOAL_SECONDS = 60.0
HINTS = ("data deletion", "renewal for next year", "system down", "can't log in", "kickoff date")
RECEIVED = tuple(f"from mx{n}.example by mx{n + 1}.example with ESMTPS id {n}" for n in range(4))


def seed(db: Database, ruleset: Ruleset, now: datetime) -> None:
    """Write so many threads of one mail each, decided by `ruleset`, over the last 29 days."""
    words = Vocabulary(11)
    with db.write() as conn:
        person = next(iter(everybody(conn).values())).id
        account = {"id": 1, "kind": "customer", "name": "Seeded", "tags": [], "provisional": False}
        conn.execute(tables.accounts.insert(), account | {"created_at": now, "last_event_at": now})
        for start in range(1, THREADS + 1, BLOCK):
            rows: dict[str, list[dict[str, Any]]] = {}
            for number in range(start, start + BLOCK):
                at = now - timedelta(days=29 * number / THREADS)
                for name, row in rows_of(number, at, person, words, ruleset).items():
                    rows.setdefault(name, []).append(row)
            for name in ("raw_mail", "threads", "messages", "assignments"):
                conn.execute(tables.metadata.tables[name].insert(), rows[name])


def rows_of(
    number: int, at: datetime, person: int, words: Vocabulary, ruleset: Ruleset
) -> dict[str, dict[str, Any]]:
    """The rows of one thread."""
    hint = HINTS[number % len(HINTS)] if number % 10 == 0 else ""
    subject = f"{words.text(6)} {hint}".strip()
    text = words.text(180)
    facts = facts_of(number, subject, text)
    decision = decide(ruleset, facts)
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    thread = {
        "id": number,
        "account_id": 1,
        "subject": subject,
        "status": "open",
        "team": decision.team,
        "accountable_id": person,
        "decided_by": decision.decided_by,
        "priority": decision.priority or "normal",
        "tags": list(decision.tags),
        "messages": 1,
        "opened_at": at,
        "last_message_at": at,
        "last_in_at": at,
    }
    made = {
        "thread_id": number,
        "message_id": number,
        "at": at,
        "team": decision.team,
        "decided_by": decision.decided_by,
        "accountable_id": person,
        "rule": decision.rule or None,
        "ruleset": ruleset.hash,
        "decision": decision_json(decision),
        "facts": facts.snapshot(),
    }
    raw = {"id": number, "sha256": digest, "size": 0, "packing": "plain", "content": b""}
    return {
        "raw_mail": raw | {"stored_at": at},
        "threads": thread,
        "messages": message_row(number, at, facts),
        "assignments": made,
    }


def message_row(number: int, at: datetime, facts: Facts) -> dict[str, Any]:
    """The row of one mail, its history quoted below it."""
    subject, text = facts.text("subject"), facts.text("text")
    return {
        "id": number,
        "thread_id": number,
        "account_id": 1,
        "raw_id": number,
        "direction": "in",
        "mail_id": f"{number}@seed.example",
        "content_hash": f"{number:064}",
        "parents": [],
        "subject": subject,
        "from_name": "",
        "recipients": {},
        "size": 4_000,
        "from_address": facts.text("from"),
        "received_at": at,
        "text": f"{text}\n> {text}",
        "visible_text": text,
        "has_html": False,
        "automatic": "none",
        "may_answer": True,
        "verified": "unknown",
        "extras": {},
        "defects": [],
    }


def facts_of(number: int, subject: str, text: str) -> Facts:
    """Facts as filing gathers them from an ordinary mail."""
    return facts_given(
        {
            "from": f"person{number % 700}@company{number % 300}.example",
            "to": ("onboarding@aboard.example",),
            "subject": subject,
            "text": text,
            "header.received": RECEIVED,
            "header.subject": (subject,),
            "account.name": f"Company {number % 300}",
            "account.stage": "welcome",
            "classifier.team": "support",
            "classifier.score": 0.4,
            "classifier.abstain": True,
        }
    )


def replay(folder: Path, rules: Path) -> tuple[float, str]:
    """Seconds that the command takes from start to end, and its last line."""
    command = [sys.executable, "-m", "inbox", "--config", str(folder / "aboard.yaml")]
    began = time.perf_counter()
    done = subprocess.run(
        [*command, "rules", "replay", "--rules", str(rules), "--since", "30d"],
        capture_output=True,
        text=True,
        check=True,
    )
    return time.perf_counter() - began, done.stdout.strip().splitlines()[-1]


def main() -> int:
    """Seed, measure, print; 0 where the goal is met."""
    slowest = 0.0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "work"
        list(write_folder(folder))
        settings = load(folder / "aboard.yaml", {})
        db = open_database(settings)
        put_in_force(db, settings)
        began = time.perf_counter()
        seed(db, files_in_force(db).ruleset, datetime.now(UTC))
        db.checkpoint()
        db.close()
        print(f"seeded {THREADS} threads in {time.perf_counter() - began:.1f} s")
        made = Path(place) / "made" / "rules"
        made.mkdir(parents=True)
        for name, data in rule_files(1_000):
            (made / Path(name).name).write_bytes(data)
        for what, rules in (("the shipped rules", folder / "rules"), ("1,000 rules", made)):
            seconds, line = replay(folder, rules)
            slowest = max(slowest, seconds)
            print(f"replay of {what}: {seconds:.1f} s ({THREADS / seconds:.0f} threads/s); {line}")
    met = slowest < GOAL_SECONDS
    print(
        f"Goal: {'met' if met else 'NOT met'}: {THREADS} threads in {slowest:.1f} s,"
        f" promised are under {GOAL_SECONDS:.0f} s"
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
