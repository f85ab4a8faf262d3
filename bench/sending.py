"""Sending rate: our couriers beside `smtp-source`, to the same `smtp-sink`, in turns.

`python -m bench.sending [--mails N] [--rounds N] [--sessions N]` prints a Markdown table. Ours
takes every mail from a fresh outbox, writes each phase down before it begins, and puts each mail
onto its thread's timeline; `smtp-source` keeps nothing. What outbox and timeline say is counted.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from inbox import log
from inbox.clock import monotonic, utc_now
from inbox.config import Mailbox, Settings
from inbox.courier import Couriers
from inbox.flow.leaving import compose
from inbox.flow.leaving.compose import Draft, Plan
from inbox.mail.letter import Address
from inbox.net.smtp_out import Smarthost
from inbox.net.smtp_pool import Pool
from inbox.store import schema
from inbox.store.database import Database
from tests.services import postfix
from tests.services.place import free_port
from tests.services.waiting import answers, until

BYTES = 10_240
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
MAILBOX = Mailbox("hello@ours.example", "Onboarding")


def sink() -> str | None:
    """The sink of the Postfix package."""
    return shutil.which("smtp-sink", path="/usr/sbin:/usr/local/sbin:/usr/bin")


@contextmanager
def sinking() -> Iterator[int]:
    """The port of a sink for the length of the block."""
    port = free_port()
    as_whom = ("-u", "postfix") if os.geteuid() == 0 else ()
    with subprocess.Popen([str(sink()), *as_whom, f"127.0.0.1:{port}", "256"]) as process:
        try:
            until(lambda: answers(port))
            yield port
        finally:
            process.terminate()


def theirs(port: int, mails: int, sessions: int) -> float:
    """Mails a second of smtp-source, which keeps its connections."""
    words = [str(postfix.source()), "-d", "-l", str(BYTES), "-m", str(mails), "-s", str(sessions)]
    began = time.perf_counter()
    done = subprocess.run([*words, f"127.0.0.1:{port}"], capture_output=True, text=True)
    took = time.perf_counter() - began
    if done.returncode != 0:
        raise RuntimeError(f"smtp-source: {done.stderr.strip()}")
    return mails / took


def ours(folder: Path, port: int, mails: int, sessions: int) -> float:
    """Mails a second of our couriers, from an outbox with that many items on one account."""
    settings = replace(
        Settings(folder),
        database=f"sqlite:///{folder / 'aboard.db'}",
        mailboxes=(MAILBOX,),
        send=replace(Settings(folder).send, host="127.0.0.1", port=port, connections=sessions),
    )
    db = Database(settings.database_url(), pool_size=sessions + 2)
    schema.ensure(db)
    fill(db, settings, mails)
    pool = Pool(Smarthost("127.0.0.1", port, None), monotonic, settings.send.mails_per_connection)
    couriers = Couriers(settings, db, pool=pool)
    began = time.perf_counter()
    couriers.start()
    until(lambda: couriers.carried >= mails, 600)
    took = time.perf_counter() - began
    couriers.stop(30)
    with db.read() as conn:
        states = dict(conn.execute(text("SELECT state, count(*) FROM outbox GROUP BY state")).all())
        filed = conn.execute(text("SELECT count(*) FROM messages")).scalar_one()
    db.close()
    if states != {"sent": mails} or filed != mails:
        raise RuntimeError(f"the outbox says {states}, the timeline has {filed} mails")
    return mails / took


def fill(db: Database, settings: Settings, mails: int) -> None:
    """Threads of one account, a hundred mails each."""
    post = compose.open_post(db, settings, NOW)
    body = ("A line of a mail that a person wrote, as long as most are. " * 200)[: BYTES - 700]
    lines = "\n".join(body[at : at + 70] for at in range(0, len(body), 70))
    now = utc_now()
    with db.write() as conn:
        conn.execute(text(_PEOPLE))
        conn.execute(text(_TEAM))
        conn.execute(text(_ACCOUNT), {"at": NOW.isoformat(sep=" ")})
        for thread in range(1, mails // 100 + 2):
            conn.execute(text(_THREAD), {"id": thread, "at": NOW.isoformat(sep=" ")})
    for start in range(0, mails, 500):
        with db.write() as conn:
            for number in range(start, min(start + 500, mails)):
                draft = Draft(
                    mailbox=MAILBOX.address,
                    from_name="Support",
                    to=(Address("Ana", f"ana{number}@acme.example"),),
                    subject="Your kickoff",
                    text=lines,
                )
                plan = Plan(f"k{number}", "automatic", number // 100 + 1, 1)
                compose.enqueue(conn, compose.compose(draft, post, now), plan, post, now)
    db.checkpoint()


_PEOPLE = (
    "INSERT INTO people (id, handle, name, address, role, active)"
    " VALUES (1, 'tom', 'Tom', 'tom@ours.example', 'lead', 1)"
)
_TEAM = "INSERT INTO teams (name, title, duty_id, active) VALUES ('support', 'Support', 1, 1)"
_ACCOUNT = (
    "INSERT INTO accounts (id, kind, name, tags, provisional, created_at, last_event_at)"
    " VALUES (1, 'customer', 'Acme', '[]', 0, :at, :at)"
)
_THREAD = (
    "INSERT INTO threads (id, account_id, subject, status, team, accountable_id, decided_by,"
    " priority, tags, opened_at, last_message_at, messages)"
    " VALUES (:id, 1, 'Kickoff', 'open', 'support', 1, 'rule', 'normal', '[]', :at, :at, 0)"
)


def compare(folder: Path, mails: int, rounds: int, sessions: int) -> None:
    """Print the table."""
    rates: dict[str, list[float]] = {"smtp-source": [], "Aboard": []}
    with sinking() as port:
        theirs(port, 500, sessions)  # the first mails pay for starting
        for number in range(rounds):
            place = folder / str(number)
            place.mkdir()
            rates["smtp-source"].append(theirs(port, mails, sessions))
            rates["Aboard"].append(ours(place, port, mails, sessions))
    print(f"### Sending: {BYTES} bytes, {sessions} sessions, {rounds} rounds of {mails}\n")
    print("| sender | mails/s, median | each round |\n| --- | ---: | --- |")
    for name, found in rates.items():
        each = ", ".join(f"{one:,.0f}" for one in found)
        print(f"| {name} | {statistics.median(found):,.0f} | {each} |")
    ratio = statistics.median(rates["Aboard"]) / statistics.median(rates["smtp-source"])
    print(f"\nRatio of the medians: **{ratio:.2f} x**. Every mail of ours is `sent` in the outbox,")
    print("on its timeline, and had four phases written down before they began.")


def main() -> int:
    """0 always: it prints what it measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sessions", type=int, default=16)
    given = parser.parse_args()
    if postfix.source() is None or sink() is None:
        print("Sending: skipped, smtp-source and smtp-sink (of the postfix package) are not here.")
        return 0
    log.set_up("ERROR")
    folder = Path(tempfile.mkdtemp(prefix="aboard-sending-"))
    try:
        compare(folder, given.mails, given.rounds, given.sessions)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
