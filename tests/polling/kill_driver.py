"""The program that is killed: it polls one mailbox once, and moves away what it accepted.

python -m tests.polling.kill_driver: for each line `URL FOLDER NUMBER` it forks a child that waits for
a line and then polls the mailbox of FOLDER/box-NUMBER; `warm ...` polls in this very process.
"""

from __future__ import annotations

import ctypes
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from inbox.clock import utc_now
from inbox.flow.poll import Poll
from inbox.flow.poll_round import Rules
from inbox.imap_settings import Imap, Polled
from inbox.net.imap import Remote, Waits
from inbox.net.imap_line import Watchdog
from inbox.store import mailboxes
from inbox.store.database import Database
from tests.crash.driver import ANY, PR_SET_PTRACER, read_line, say

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def mailbox(folder: Path, number: int) -> Polled:
    """The mailbox of this number, as the test wrote it down."""
    told = json.loads((folder / f"box-{number}").read_text())
    return Polled(
        name="main",
        host="127.0.0.1",
        tls="none",
        archive_before=LONG_AGO,
        move_to="Done",
        **told,
    )


def one_round(url: str, folder: Path, number: int) -> None:
    """Take the lease, whoever had it; one round."""
    db, box = Database(url), mailbox(folder, number)
    with db.write() as conn:
        minute = timedelta(minutes=1)
        held = mailboxes.take(conn, box.name, "n1", utc_now(), minute, lambda owner: True)
    assert held is not None
    rules = Rules("n1", box, Imap(batch_mails=2), utc_now)
    with Watchdog() as watchdog, Remote(box, Waits(10.0, 10.0), watchdog) as remote:
        done = Poll(db, remote, rules, held).look("INBOX")
        say(f"ROUND {done.accepted}")
    db.close()
    say("DONE")


def serve() -> None:
    """Work until there are no more lines."""
    while words := read_line().split():
        if words[0] == "warm":
            one_round(words[1], Path(words[2]), int(words[3]))
            continue
        child = os.fork()
        if child == 0:
            ctypes.CDLL(None).prctl(PR_SET_PTRACER, ANY, 0, 0, 0)
            say(f"PID {os.getpid()}")
            read_line()
            try:
                one_round(words[0], Path(words[1]), int(words[2]))
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        say(f"END {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    serve()
