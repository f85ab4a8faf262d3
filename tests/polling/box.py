"""A mailbox on the tests' Dovecot and a house that polls it, without threads unless a test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from imapclient import IMAPClient
from sqlalchemy import func, select

from inbox.flow.evidence.audit import audit
from inbox.flow.intake.poll import Poll
from inbox.flow.intake.poll_round import Round, Rules
from inbox.flow.intake.reconcile import Compared, compare
from inbox.imap_settings import Imap, Polled
from inbox.net.imap import Remote, Waits
from inbox.net.imap_line import Watchdog
from inbox.store import mailbox_uids, mailboxes
from inbox.store.mailboxes import Held
from inbox.store.tables import ledger
from routing.floods import Bounds, Floods
from tests.flow.house import House, mail
from tests.services.dovecot import Dovecot, User

QUICK = Waits(connect=10.0, call=10.0)
HASTY = Waits(connect=0.4, call=0.4)
"""For connections that stall on purpose."""


def numbered(number: int, **fields: Any) -> bytes:
    """A mail of its own; its subject and body say which."""
    given = {"id": f"{number}@poll.example", "subject": f"Question {number}"} | fields
    raw = mail(f"Customer {number} <c{number % 7}@acme{number % 5}.example>", **given)
    return raw.replace(b"\n", b"\r\n")  # as it is in a mailbox


@dataclass
class Box:
    """A user's mailbox with what has been put into it."""

    server: Dovecot
    user: User
    house: House
    polled: Polled
    imap: Imap = field(default_factory=lambda: Imap(batch_mails=10))
    put_in: list[bytes] = field(default_factory=list)
    told: list[str | None] = field(default_factory=list)
    """Why mail could not be moved; None where it could again."""
    floods: Floods = field(default_factory=lambda: Floods(Bounds(), frozenset()))

    @contextmanager
    def client(self, folder: str = "INBOX") -> Iterator[Any]:
        """A second client of the same user: somebody's mail program."""
        with IMAPClient(
            self.server.host, self.server.tls_port, ssl_context=self.server.tls(), timeout=10
        ) as client:
            client.login(self.user.name, self.user.password)
            client.select_folder(folder)
            yield client

    def put(self, *raws: bytes, folder: str = "INBOX", ago: timedelta = timedelta()) -> None:
        """Mail arrives."""
        with self.client() as client:
            if folder != "INBOX" and not client.folder_exists(folder):
                client.create_folder(folder)
            for raw in raws:
                client.append(folder, raw, msg_time=self.house.now - ago)
        self.put_in += raws

    def take(self, owner: str = "n1") -> Held:
        """The lease, whoever had it before."""
        with self.house.db.write() as conn:
            minute = timedelta(minutes=1)
            held = mailboxes.take(
                conn, self.polled.name, owner, self.house.now, minute, lambda owner: True
            )
        assert held is not None
        return held

    @contextmanager
    def polling(
        self,
        held: Held | None = None,
        *,
        port: int | None = None,
        waits: Waits = QUICK,
        stopping: Callable[[], bool] = lambda: False,
    ) -> Iterator[Poll]:
        """A connection at work; `port` where something is between it and the server."""
        with self.connected(port=port, waits=waits) as remote:
            rules = Rules(
                "n1",
                self.polled,
                self.imap,
                lambda: self.house.now,
                stopping,
                self.floods.deferred,
                moving=lambda folder, why: self.told.append(why),
            )
            yield Poll(self.house.db, remote, rules, held or self.take())

    @contextmanager
    def connected(self, *, port: int | None = None, waits: Waits = QUICK) -> Iterator[Remote]:
        """A signed-in connection."""
        box = self.polled if port is None else replace(self.polled, port=port)
        with Watchdog() as watchdog, Remote(box, waits, watchdog) as remote:
            yield remote

    def poll(self, folder: str = "INBOX", **how: Any) -> Round:
        """One round over one folder."""
        with self.polling(**how) as poll:
            return poll.look(folder)

    def compare(self, folder: str = "INBOX") -> Compared:
        """The server against the records."""
        with self.connected() as remote:
            return compare(self.house.db, remote, self.polled, folder)

    def raws(self) -> list[bytes]:
        """What was accepted, once per acceptance."""
        from inbox.store.ledger import raw_bytes

        with self.house.looking() as conn:
            ids = conn.scalars(select(ledger.c.raw_id).order_by(ledger.c.id)).all()
            return [raw_bytes(conn, one) for one in ids]

    def origins(self, under: str = "") -> list[str]:
        """Where each was fetched, of those whose place begins so."""
        below = select(ledger.c.origin).where(ledger.c.origin.startswith(under, autoescape=True))
        with self.house.looking() as conn:
            return list(conn.scalars(below.order_by(ledger.c.id)))

    def outcomes(self) -> dict[int, str]:
        """UID -> what became of it, over all folders and UIDVALIDITYs."""
        table = mailbox_uids.imap_uids
        return {row.uid: row.outcome for row in self.house.rows(table)}

    def everything_once(self) -> None:
        """Assert that all that was put in is ours, once each, and that the books balance."""
        assert sorted(self.raws()) == sorted(self.put_in)
        self.reconciled()

    def reconciled(self, *folders: str) -> None:
        """Assert that server and records agree, and the ledger balances."""
        for folder in folders or self.polled.folders:
            found = self.compare(folder)
            assert (found.unaccounted, found.waiting) == ((), ()), found
        assert audit(self.house.db).balanced

    def count(self) -> int:
        """How many mails were accepted."""
        with self.house.looking() as conn:
            return int(conn.scalar(select(func.count()).select_from(ledger)) or 0)


def box_of(server: Dovecot, house: House, **how: Any) -> Box:
    """A mailbox of a user of its own."""
    user = server.new_user()
    polled = Polled(
        name="main",
        host=server.host,
        port=server.tls_port,
        tls_ca=server.certificate,
        username=user.name,
        password=user.password,
        address="hello@aboard.example",
        archive_before=datetime(2000, 1, 1, tzinfo=UTC),
    )
    return Box(server, user, house, replace(polled, **how))
