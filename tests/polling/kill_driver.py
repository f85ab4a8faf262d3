"""The program that is killed: it polls the mailbox of FOLDER/box-NUMBER once, and moves away what it
accepted.

python -m tests.polling.kill_driver: see `tests.crash.forks.serve`; its lines are `URL FOLDER NUMBER`
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from inbox.clock import utc_now
from inbox.flow.intake.poll import Poll
from inbox.flow.intake.poll_round import Rules
from inbox.imap_settings import Imap, Polled
from inbox.net.imap import Remote, Waits
from inbox.net.imap_line import Watchdog
from inbox.store import mailboxes
from inbox.store.database import Database
from tests.crash.forks import say, serve

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


if __name__ == "__main__":
    serve(lambda words: one_round(words[0], Path(words[1]), int(words[2])))
