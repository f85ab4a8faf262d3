"""Full filing by two worker processes, against `notmuch new` on the same mails in the same run.

Both parse, thread and full-text index every mail and make it durable; ours also finds the account,
decides the team and writes the timeline. Rounds alternate, the medians are compared.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.place import fresh, real_mails
from inbox.clock import utc_now
from inbox.flow.intake.accept import Incoming, accept
from inbox.store import ledger
from inbox.worker import Supervisor

ROUNDS = 3
MUST, AIM = 0.5, 1.0
"""Of notmuch's rate."""


def ours(mails: list[bytes]) -> float:
    """Mails a second from the first claim to the last settled one."""
    with fresh(workers=2) as (settings, db):
        supervisor = Supervisor(settings, db)
        supervisor.start()
        supervisor.wait_ready(30)
        for start in range(0, len(mails), 500):
            some = mails[start : start + 500]
            batch = [Incoming(raw, "file", utc_now(), dated=True) for raw in some]
            accept(db, batch, settings.node)
        began, left = time.perf_counter(), len(mails)
        first = _pending(db)
        supervisor.wake()
        while left:
            time.sleep(0.02)
            left = _pending(db)
        took = time.perf_counter() - began
        supervisor.stop()
    return first / took


def _pending(db: object) -> int:
    with db.read() as conn:  # type: ignore[attr-defined]
        return ledger.pending_count(conn)


def notmuch(mails: list[bytes]) -> float:
    """Mails a second of `notmuch new` on a fresh Maildir."""
    with tempfile.TemporaryDirectory(prefix="aboard-notmuch-") as folder:
        root = Path(folder)
        for name in ("cur", "new", "tmp"):
            (root / "mail" / name).mkdir(parents=True)
        for number, raw in enumerate(mails):
            (root / "mail" / "cur" / f"{number}:2,S").write_bytes(raw)
        config = root / "config"
        config.write_text(
            f"[database]\npath={root / 'mail'}\n[user]\nname=x\nprimary_email=x@y.example\n"
        )
        began = time.perf_counter()
        subprocess.run(
            ["notmuch", "new"],
            env={**os.environ, "NOTMUCH_CONFIG": str(config)},
            check=True,
            capture_output=True,
        )
        return len(mails) / (time.perf_counter() - began)


def main() -> int:
    """Print mails a second of both and the ratio; 0 where that is as it must be, or unknown."""
    mails = real_mails()
    if not mails:
        print("skipped: the shared corpora are not there")
        return 0
    anchor = shutil.which("notmuch") is not None
    rates: dict[str, list[float]] = {"ours": [], "notmuch": []}
    for _ in range(ROUNDS):
        rates["ours"].append(ours(mails))
        if anchor:
            rates["notmuch"].append(notmuch(mails))
    mine = statistics.median(rates["ours"])
    print(f"{len(mails)} real mails, median of {ROUNDS} rounds")
    print(f"aboard, two workers   {mine:7.0f} mails/s")
    if not anchor:
        print("notmuch               not installed: skipped")
        return 0
    theirs = statistics.median(rates["notmuch"])
    print(f"notmuch new           {theirs:7.0f} mails/s")
    ratio = mine / theirs
    verdict = "NOT met" if ratio < MUST else "met" if ratio < AIM else "met, and the aim"
    print(f"ratio                 {ratio:7.2f}   (at least {MUST}: {verdict})")
    return 0 if ratio >= MUST else 1


if __name__ == "__main__":
    sys.exit(main())
