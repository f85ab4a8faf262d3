"""Durable SMTP accept, ours beside Postfix on the same disk in the same run (goal: 1.0 x).

`python -m bench.accept [--mails N] [--rounds N]` prints a Markdown table. Both sides answer 250
only after a sync; `smtp-source` sends to both, back to back in every round and each first in every
other, so that a slow minute hurts both; judged is the median of the rounds' ratios. What was
stored is counted on both sides. Ours runs in a process of its own with the real `accept` on a
fresh SQLite file and a checkpoint every five seconds, as the node makes it.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import uvloop
from sqlalchemy import text

from inbox.clock import monotonic, utc_now
from inbox.config import Listen, Smtp
from inbox.flow.intake.accept import Incoming, accept
from inbox.net.smtp_in import Ingress, Received
from inbox.store import schema
from inbox.store.database import Database
from tests.services import postfix

BYTES = 10_240
SESSIONS = 30
RECIPIENT = "onboarding@ours.example"
FREE = 10**9
WAYS = {"a connection a mail": (), "connections kept": ("-d",)}


# --- Ours, in a process of its own ------------------------------------------------------------


def serve(file: Path) -> None:
    """Run the ingress on a free port, print it, end on SIGTERM."""
    db = Database(f"sqlite:///{file}")
    schema.ensure(db)
    ended = threading.Event()
    checkpointer = threading.Thread(target=_checkpoints, args=(db, ended))
    checkpointer.start()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(db))
    ended.set()
    checkpointer.join()
    db.close()


def _checkpoints(db: Database, ended: threading.Event) -> None:
    while not ended.wait(5):
        db.checkpoint()


async def _serve(db: Database) -> None:
    def take(mails: Sequence[Received]) -> None:
        now = utc_now()
        accept(
            db,
            [
                Incoming(
                    raw=mail.raw,
                    source="smtp",
                    accepted_at=now,
                    reverse_path=mail.reverse_path,
                    forward_paths=mail.forward_paths,
                    peer=mail.peer,
                )
                for mail in mails
            ],
            "node-1",
        )

    numbers = itertools.count(1)
    settings = Smtp(
        listen=Listen("127.0.0.1", 0),
        hostname="mx.ours.example",
        mails_per_minute_per_sender=FREE,
        mails_per_minute_per_peer=FREE,
    )
    ingress = Ingress(settings, take, RECIPIENT.__eq__, monotonic, lambda: f"B{next(numbers)}")
    _, port = await ingress.start()
    print(port, flush=True)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    await ingress.stop(10)


@contextmanager
def ours(folder: Path, *before: str) -> Iterator[tuple[int, int]]:
    """Port and process id of our ingress for the length of the block."""
    words = [*before, sys.executable, "-m", "bench.accept", "--serve", str(folder / "aboard.db")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline()), process.pid
        finally:
            process.terminate()


def stored(folder: Path) -> int:
    """How many mails our ledger has."""
    db = Database(f"sqlite:///{folder / 'aboard.db'}")
    with db.read() as conn:
        count = int(conn.execute(text("SELECT count(*) FROM ledger")).scalar_one())
    db.close()
    return count


# --- Measuring --------------------------------------------------------------------------------


def rate(port: int, mails: int, options: Sequence[str]) -> float:
    """Accepted mails a second; raises when `smtp-source` got anything but 250 for one of them."""
    words = [str(postfix.source()), *options, "-l", str(BYTES), "-m", str(mails)]
    words += ["-s", str(SESSIONS), "-f", "load@peer.example", "-t", RECIPIENT]
    began = time.perf_counter()
    done = subprocess.run([*words, f"127.0.0.1:{port}"], capture_output=True, text=True)
    took = time.perf_counter() - began
    if done.returncode != 0:
        raise RuntimeError(f"smtp-source: {done.stderr.strip()}")
    return mails / took


def paired(theirs: Sequence[float], own: Sequence[float]) -> tuple[float, list[float]]:
    """The median of the rounds' ratios, ours by theirs, and each of them.

    The two of a round ran back to back and met the same neighbours; medians of either side alone
    may come from rounds that met quite different ones.
    """
    each = [ours_rate / their_rate for their_rate, ours_rate in zip(theirs, own, strict=True)]
    return statistics.median(each), each


def compare(folder: Path, mails: int, rounds: int) -> bool:
    """Print the table and the counts; is the goal met and everything there?"""
    rates: dict[tuple[str, str], list[float]] = {}
    anchor, mine = folder / "postfix", folder / "ours"
    mine.mkdir()
    with postfix.running(anchor) as theirs_at, ours(mine) as (ours_at, _):
        for way, options in WAYS.items():
            for at in (theirs_at, ours_at):  # first mails pay for starting processes and pages
                rate(at, 300, options)
            for number in range(rounds):
                pair = [("Postfix", theirs_at), ("Aboard", ours_at)]
                for name, at in pair if number % 2 else reversed(pair):
                    rates.setdefault((way, name), []).append(rate(at, mails, options))
        queued = postfix.sent(anchor)
    expected = len(WAYS) * (300 + rounds * mails)
    kept = stored(mine)
    print(f"### Durable accept: {BYTES} bytes, {SESSIONS} sessions, {rounds} rounds of {mails}\n")
    print("| way | Postfix, mails/s | Aboard, mails/s | median of the ratios | each round |")
    print("| --- | ---: | ---: | ---: | --- |")
    ratios = []
    for way in WAYS:
        theirs, own = rates[way, "Postfix"], rates[way, "Aboard"]
        ratio, ratio_by_round = paired(theirs, own)
        ratios.append(ratio)
        each = ", ".join(f"{one:.2f}" for one in ratio_by_round)
        medians = f"{statistics.median(theirs):,.0f} | {statistics.median(own):,.0f}"
        print(f"| {way} | {medians} | **{ratios[-1]:.2f} x** | {each} |")
    print(f"\nSent {expected:,} to each: Postfix queued and passed {queued:,}, ")
    print(f"our ledger has {kept:,} rows. Goal 1.0 x: {'met' if min(ratios) >= 1 else 'NOT met'}.")
    return min(ratios) >= 1 and kept == expected == queued


def show_syncs(folder: Path) -> bool:
    """Trace a hundred mails: is there a sync between the last byte of each and its 250?"""
    strace = shutil.which("strace")
    if strace is None:
        print("\nNo strace here, so the order of sync and answer is not shown.")
        return True
    mine, trace = folder / "traced", folder / "trace"
    mine.mkdir()
    calls = "trace=read,recvfrom,recvmsg,fsync,fdatasync,write,writev,sendto,sendmsg"
    before = (strace, "-f", "-qq", "-s", "40", "-e", calls, "-o", str(trace))
    with ours(mine, *before) as (port, pid):
        rate(port, 100, ())
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            os.kill(int(child), signal.SIGTERM)  # strace does not pass it on
    answers, syncs, unproven = order_of(trace.read_text(errors="replace").splitlines())
    print(f"\nstrace: {answers} final answers, {syncs} syncs, {unproven} answers without one.")
    return answers == 100 and unproven == 0


CALL = re.compile(r"(?P<pid>\d+) +(?:<\.\.\. )?(?P<name>\w+)(?P<resumed> resumed>)?\(?(?P<fd>\d+)?")


def order_of(lines: Sequence[str]) -> tuple[int, int, int]:
    """Final answers, syncs, and answers before which no sync began and ended.

    A sync counts for an answer when it began after the last bytes of that connection were read.
    """
    begun: dict[tuple[str, str], tuple[int, str]] = {}
    last_read: dict[str, int] = {}
    newest_sync = -1
    answers = syncs = unproven = 0
    for number, line in enumerate(lines):
        call = CALL.match(line)
        if call is None:
            continue
        key = (call["pid"], call["name"])
        if not call["resumed"]:
            begun[key] = (number, call["fd"] or "")
        start, fd = begun.get(key, (number, ""))
        ended = re.search(r"= (\d+)$", line)
        if call["name"] in ("fsync", "fdatasync"):
            if ended is not None and ended[1] == "0":
                syncs, newest_sync = syncs + 1, max(newest_sync, start)
        elif call["name"] in ("read", "recvfrom", "recvmsg"):
            if ended is not None and ended[1] != "0":
                last_read[fd] = number
        elif '"250 2.0.0 Ok: accepted' in line:
            answers += 1
            unproven += newest_sync < last_read.get(fd, number)
    return answers, syncs, unproven


def main() -> int:
    """0 when the goal is met or cannot be measured here."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--mails", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    if given.serve is not None:
        serve(given.serve)
        return 0
    if reason := postfix.missing():
        print(f"Durable accept: skipped, {reason}.")
        return 0
    folder = Path(tempfile.mkdtemp(prefix="aboard-accept-"))
    folder.chmod(0o755)
    try:
        met = compare(folder, given.mails, given.rounds)
        met = show_syncs(folder) and met
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
