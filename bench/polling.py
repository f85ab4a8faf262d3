"""Draining a mailbox of 10,000 mails from Dovecot, beside a plain imapclient loop that only reads.

`python -m bench.polling [--mails N] [--rounds N] [--bytes N]` prints a Markdown table. Both use TLS
and fetch 200 mails at a time; ours also asks for sizes first, writes every mail, its record and
the cursor durably (SQLite, synchronous=FULL), and is compared with the server in the end. The two
of a round run back to back, each first in every other round.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from imapclient import IMAPClient

from bench.place import fresh
from inbox.clock import utc_now
from inbox.flow.intake.poll import Poll
from inbox.flow.intake.poll_round import Rules
from inbox.flow.intake.reconcile import compare
from inbox.imap_settings import Imap, Polled
from inbox.net.imap import Remote, Waits
from inbox.net.imap_line import Watchdog
from inbox.store import mailboxes
from tests.services import dovecot
from tests.services.dovecot import Dovecot, User
from tests.services.place import server_user

AT_ONCE = 200
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def fill(server: Dovecot, user: User, mails: int, size: int) -> None:
    """Write mails straight into the Maildir, as a delivery agent does."""
    owner = server_user()
    root = server.mail_folder(user)
    for name in ("cur", "new", "tmp"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for number in range(mails):
        words = "".join(
            hashlib.sha256(f"{number}/{n}".encode()).hexdigest() + "\n" for n in range(size // 65)
        )
        head = (
            f"Return-Path: <c{number}@acme.example>\nFrom: C <c{number}@acme.example>\n"
            f"To: onboarding@aboard.example\nSubject: Question {number}\n"
            f"Message-ID: <{number}@bench.example>\nDate: Mon, 02 Nov 2026 08:00:00 +0000\n\n"
        )
        (root / "cur" / f"{1_700_000_000 + number}.M{number}.bench:2,").write_text(head + words)
    for path in (root.parent, root, *root.rglob("*")):
        os.chown(path, owner.pw_uid, owner.pw_gid)


def plainly(server: Dovecot, user: User) -> int:
    """Fetch everything and keep nothing; how many mails came."""
    count = 0
    with IMAPClient(server.host, server.tls_port, ssl_context=server.tls(), timeout=60) as client:
        client.login(user.name, user.password)
        client.select_folder("INBOX", readonly=True)
        uids = client.search()
        for start in range(0, len(uids), AT_ONCE):
            found = client.fetch(uids[start : start + AT_ONCE], ["BODY.PEEK[]"])
            count += sum(b"BODY[]" in said for said in found.values())
    return count


def ours(server: Dovecot, user: User) -> tuple[float, int, int]:
    """(seconds, mails accepted, mails unaccounted for afterwards) of a first round."""
    box = Polled(
        name="bench",
        host=server.host,
        port=server.tls_port,
        tls_ca=server.certificate,
        username=user.name,
        password=user.password,
        archive_before=LONG_AGO,
    )
    with fresh() as (_, db), Watchdog() as watchdog:
        with db.write() as conn:
            held = mailboxes.take(conn, box.name, "bench", utc_now(), timedelta(hours=1))
        assert held is not None
        began = time.perf_counter()
        with Remote(box, Waits(), watchdog) as remote:
            poll = Poll(db, remote, Rules("node-1", box, Imap(), utc_now), held)
            done = poll.look("INBOX")
            took = time.perf_counter() - began
            found = compare(db, remote, box, "INBOX")
        db.checkpoint()
    return took, done.accepted, len(found.unaccounted) + len(found.waiting)


def measure(server: Dovecot, user: User, mails: int, rounds: int) -> bool:
    """Print the table; was everything there?"""
    plainly(server, user)  # the first one pays for Dovecot's index
    theirs: list[float] = []
    own: list[float] = []
    complete = True

    def plain() -> None:
        nonlocal complete
        began = time.perf_counter()
        complete &= plainly(server, user) == mails
        theirs.append(time.perf_counter() - began)

    def polled() -> None:
        nonlocal complete
        took, accepted, lost = ours(server, user)
        complete &= (accepted, lost) == (mails, 0)
        own.append(took)

    for number in range(rounds):
        pair: list[Callable[[], None]] = [plain, polled]
        for one in pair if number % 2 else reversed(pair):
            one()
    ratios = [mine / their for their, mine in zip(theirs, own, strict=True)]
    a, b = statistics.median(theirs), statistics.median(own)
    print("| | seconds | mails/s |")
    print("| --- | ---: | ---: |")
    print(f"| imapclient, fetching only | {a:.1f} | {mails / a:,.0f} |")
    print(f"| Aboard, durable | {b:.1f} | {mails / b:,.0f} |")
    each = ", ".join(f"{one:.2f}" for one in ratios)
    print(f"\nMedian of the ratios: **{statistics.median(ratios):.2f} x** the time ({each}).")
    print(f"All {mails:,} accepted and accounted for in each round: {'yes' if complete else 'NO'}.")
    return complete


def main() -> int:
    """0 when everything arrived, or where it cannot be measured here."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bytes", type=int, default=10_240)
    given = parser.parse_args()
    if reason := dovecot.missing():
        print(f"Draining a mailbox: skipped, {reason}.")
        return 0
    with dovecot.running() as server:
        user = server.new_user()
        fill(server, user, given.mails, given.bytes)
        print(
            f"### Draining {given.mails:,} mails of {given.bytes} bytes from {dovecot.describe()}\n"
        )
        complete = measure(server, user, given.mails, given.rounds)
        shutil.rmtree(Path(server.mail_folder(user)), ignore_errors=True)
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
