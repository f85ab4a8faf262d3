"""The program that is killed: it claims one outbox item, carries it to a sink and settles it.

python -m tests.sending.kill_driver: for each line `URL PORT` it forks a child that waits for a line
and then works, so that a tracer can attach; `warm URL PORT` works in this very process.
"""

from __future__ import annotations

import ctypes
import os

from inbox.clock import monotonic, utc_now
from inbox.config import Mailbox
from inbox.flow import deliver
from inbox.flow.compose import is_mailbox
from inbox.flow.owner import new_owner
from inbox.net.smtp_out import Smarthost
from inbox.net.smtp_pool import Pool
from inbox.store.database import Database
from tests.crash.driver import ANY, PR_SET_PTRACER, read_line, say

OURS = (Mailbox("hello@aboard.example", "Onboarding"),)


def rules() -> deliver.Rules:
    """The rules of a courier that lives in this process."""
    return deliver.Rules(
        owner=new_owner("n1"),
        node="n1",
        own_addresses=lambda address: is_mailbox(OURS, address),
        clock=utc_now,
        jitter=lambda: 0.5,
    )


def one_item(url: str, port: int) -> None:
    """Carry what is due, once."""
    db = Database(url)
    pool = Pool(Smarthost("127.0.0.1", port, None), monotonic)
    how = rules()
    for claimed in deliver.claim(db, how, 1):
        judged = deliver.carry(db, claimed, pool.deliver, how)
        say(f"SETTLED {deliver.settle(db, judged, how)}")
    pool.close()
    db.close()
    say("DONE")


def serve() -> None:
    """Work until there are no more lines."""
    while words := read_line().split():
        if words[0] == "warm":
            one_item(words[1], int(words[2]))
            continue
        child = os.fork()
        if child == 0:
            ctypes.CDLL(None).prctl(PR_SET_PTRACER, ANY, 0, 0, 0)
            say(f"PID {os.getpid()}")
            read_line()
            try:
                one_item(words[0], int(words[1]))
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        say(f"END {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    serve()
