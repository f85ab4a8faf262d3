"""The pollers of a node at work on a mailbox, for as long as a test wants."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from inbox.imap_settings import Imap, Polled
from inbox.net.imap import Waits
from inbox.poller import Pollers
from inbox.store import mailbox_health
from inbox.store.database import Database
from inbox.store.mailbox_health import Health
from tests.polling.box import Box
from tests.services.waiting import until

SHORT = timedelta(seconds=1)


@contextmanager
def polling(
    box: Box, *more: Polled, node: str = "n1", lease: timedelta = SHORT, **imap: int
) -> Iterator[threading.Event]:
    """Pollers at work until the block ends; the event is set when there is mail to file."""
    given = Imap(mailboxes=(box.polled, *more), poll_seconds=1, batch_mails=10, **imap)
    settings = replace(box.house.settings, imap=given, node=node)
    woken = threading.Event()
    pollers = Pollers(settings, box.house.db, woken.set, lease, Waits(5.0, 5.0))
    pollers.start()
    try:
        yield woken
    finally:
        pollers.stop()


def health(db: Database) -> Health:
    """Of the mailbox `main`, once it was polled."""

    def asked() -> tuple[Health, ...]:
        with db.read() as conn:
            return tuple(one for one in mailbox_health.all_health(conn) if one.name == "main")

    return until(asked)[0]
