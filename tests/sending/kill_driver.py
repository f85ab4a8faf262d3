"""The program that is killed: it claims one outbox item, carries it to a sink and settles it.

python -m tests.sending.kill_driver: see `tests.crash.forks.serve`; its lines are `URL PORT`
"""

from __future__ import annotations

from inbox.clock import monotonic, utc_now
from inbox.config import Mailbox
from inbox.flow.leaving import deliver
from inbox.flow.leaving.compose import is_mailbox
from inbox.flow.owner import new_owner
from inbox.net.smtp_out import Smarthost
from inbox.net.smtp_pool import Pool
from inbox.store.database import Database
from tests.crash.forks import say, serve

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


if __name__ == "__main__":
    serve(lambda words: one_item(words[0], int(words[1])))
