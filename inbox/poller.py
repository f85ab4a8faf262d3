"""Pollers: the threads of a node that fetch mail from mailboxes on IMAP servers.

One thread a mailbox. Of all nodes on a database one polls it: it holds a lease, which a second
thread renews while this process lives. Between rounds a server tells of new mail by itself (IDLE),
and is asked every minute all the same. What goes wrong is tried again, later and later; what goes
wrong for long is said once, and so is its end.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from inbox import log
from inbox.app import floods
from inbox.clock import iso, monotonic, utc_now
from inbox.config import Settings
from inbox.errors import AboardError, MailboxError, StoreError
from inbox.flow.intake.poll import Poll
from inbox.flow.intake.poll_round import Round, Rules
from inbox.flow.owner import is_gone, new_owner
from inbox.imap_settings import Polled
from inbox.net.imap import Remote, Waits
from inbox.net.imap_line import Watchdog
from inbox.store import mailbox_health, mailboxes
from inbox.store.database import Database
from inbox.store.mailboxes import Held, PollerFenced

LEASE_FOR = timedelta(seconds=60)
FIRST_WAIT, LONGEST_WAIT = 2.0, 300.0
"""Seconds until the next try after the first failure, and after many."""
PATIENCE = 2
"""Failures one after the other: then the lease is free while this node waits, as another node may
reach what this one cannot."""
TOLD_FROM, TOLD_EVERY = 1000, 30.0
"""UIDs from which on a round tells how far it is, and every how many seconds."""


@dataclass(slots=True)
class Shared:
    """What the pollers of a node have in common."""

    settings: Settings
    db: Database
    watchdog: Watchdog
    wake: Callable[[], None]
    """Told when there is mail to file."""
    stopping: threading.Event = field(default_factory=threading.Event)
    lease_for: timedelta = LEASE_FOR
    jitter: Callable[[], float] = random.SystemRandom().random
    waits: Waits | None = None

    def now(self) -> datetime:
        """The clock that all nodes share. Raises `StoreError`."""
        return self.db.now(utc_now)


class Poller:
    """The thread of one mailbox."""

    def __init__(self, shared: Shared, box: Polled) -> None:
        self._shared, self._box = shared, box
        self._owner = new_owner(shared.settings.node)
        self._floods = floods(shared.settings)
        self._lock = threading.Lock()
        self._remote: Remote | None = None
        self._held: Held | None = None
        self._failures = 0
        self._told_at = monotonic()
        self.thread = threading.Thread(target=self._run, name=f"poll-{box.name}", daemon=True)

    def interrupt(self) -> None:
        """End what the thread waits for on the network."""
        with self._lock:
            if self._remote is not None:
                self._remote.interrupt()

    def renew(self) -> None:
        """Keep the lease; where it is lost, stop what is going on. Raises `StoreError`."""
        held = self._held
        if held is None:
            return
        try:
            until = self._shared.now() + self._shared.lease_for
            with self._shared.db.write() as conn:
                mailboxes.hold(conn, held, until)
        except PollerFenced:
            self.interrupt()

    # --- The thread -------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._shared.stopping.is_set():
            wait = self._shared.lease_for.total_seconds() / 4
            try:
                if self._take():
                    self._poll()
                    wait = 0.0
            except PollerFenced as error:
                log.polling_ceded(self._box.name, str(error))
            except MailboxError as error:
                wait = self._failed(error.cause, error)
            except StoreError as error:
                wait = self._later()
                log.database_trouble(error)
            except AboardError as error:
                wait = self._failed("settings", error)
            except Exception as error:
                # A bug of ours must cost a round, not all mail to come.
                log.polling_failed(self._box.name, error)
                wait = self._failed("bug", error)
            self._shared.stopping.wait(wait)
        self._release()

    def _take(self) -> bool:
        """Hold the lease, or get it where nobody does."""
        shared, now = self._shared, self._shared.now()
        node = shared.settings.node
        with shared.db.write() as conn:
            if self._held is not None:
                try:
                    mailboxes.hold(conn, self._held, now + shared.lease_for)
                    return True
                except PollerFenced:
                    self._held = None
            self._held = mailboxes.take(
                conn,
                self._box.name,
                self._owner,
                now,
                shared.lease_for,
                lambda owner: is_gone(owner, node),
            )
        return self._held is not None

    def _release(self) -> None:
        if self._held is None:
            return
        try:
            with self._shared.db.write() as conn:
                mailboxes.release(conn, self._held)
        except StoreError as error:
            log.database_trouble(error)  # it runs out by itself
        self._held = None

    def _poll(self) -> None:
        """Connect, and take round after round until something goes wrong or the node stops."""
        shared, held = self._shared, self._held
        assert held is not None
        imap = shared.settings.imap
        waits = shared.waits or Waits(call=float(imap.call_seconds))
        remote = Remote(self._box, waits, shared.watchdog)
        with self._lock:
            self._remote = remote
        if shared.stopping.is_set():
            return
        rules = Rules(
            shared.settings.node,
            self._box,
            imap,
            shared.now,
            shared.stopping.is_set,
            self._floods.deferred,
            self._progress,
            self._moving,
        )
        try:
            with remote:
                poll = Poll(shared.db, remote, rules, held)
                while not shared.stopping.is_set():
                    self._round(poll, held)
                    self._wait(remote, imap.poll_seconds)
        except MailboxError:
            if not shared.stopping.is_set():
                raise
        finally:
            with self._lock:
                self._remote = None

    def _round(self, poll: Poll, held: Held) -> None:
        """All folders once. One that cannot be opened keeps none of the others back."""
        trouble: MailboxError | None = None
        for folder in self._box.folders:
            try:
                self._told(folder, poll.look(folder))
                self._reconcile(poll, folder)
            except MailboxError as error:
                if not error.connected or self._shared.stopping.is_set():
                    raise
                trouble = trouble or error
        if trouble is not None:
            raise trouble
        self._went_well(held)

    def _told(self, folder: str, done: Round) -> None:
        if done.total:
            log.fetched(self._box.name, folder, done.accepted, done.known, done.gone, done.left)

    def _progress(self, folder: str, done: int, total: int) -> None:
        self._shared.wake()
        if monotonic() - self._told_at <= TOLD_EVERY:
            return
        self._told_at = monotonic()
        if total >= TOLD_FROM:
            log.fetching(self._box.name, folder, done, total)
        if self._held is not None:
            now = self._shared.now()
            with self._shared.db.write() as conn:
                mailboxes.hold(conn, self._held)
                mailbox_health.goes_on(conn, self._box.name, now)

    def _moving(self, folder: str, why: str | None) -> None:
        if why is None:
            log.mail_moves_again(self._box.name, folder)
        else:
            log.mail_not_moved(self._box.name, folder, why)

    def _reconcile(self, poll: Poll, folder: str) -> None:
        every = timedelta(minutes=self._shared.settings.imap.reconcile_minutes)
        with self._shared.db.read() as conn:
            known = mailboxes.folder_of(conn, self._box.name, folder)
        if known is None:
            return
        if known.reconciled_at is None or self._shared.now() - known.reconciled_at >= every:
            holes = poll.reconcile(folder)
            if holes:
                log.holes_found(self._box.name, folder, holes)
                self._shared.wake()

    def _wait(self, remote: Remote, seconds: float) -> None:
        if self._shared.stopping.is_set():
            return
        if not remote.can_idle:
            self._shared.stopping.wait(seconds)
            return
        if len(self._box.folders) > 1:
            remote.open(self._box.folders[0])  # the one that is told of at once
        remote.wait(seconds)

    # --- How it goes ------------------------------------------------------------------------

    def _went_well(self, held: Held) -> None:
        self._failures = 0
        now = self._shared.now()
        with self._shared.db.write() as conn:
            mailboxes.hold(conn, held, now + self._shared.lease_for)
            since = mailbox_health.went_well(conn, held.mailbox, now)
            if since is not None:
                mailboxes.reconcile_all_soon(conn, held.mailbox)
        if since is not None:
            log.mailbox_recovered(held.mailbox, iso(since))

    def _failed(self, cause: str, error: Exception) -> float:
        """Write down that it does not go; the seconds until the next try."""
        wait = self._later()
        log.mailbox_trouble(self._box.name, cause, error, wait)
        stalled_after = timedelta(minutes=self._shared.settings.imap.stalled_minutes)
        try:
            now = self._shared.now()
            with self._shared.db.write() as conn:
                if self._held is not None:
                    mailboxes.hold(conn, self._held)
                since = mailbox_health.failed(
                    conn, self._box.name, (cause, str(error)), now, stalled_after
                )
        except PollerFenced:
            return wait  # whoever polls it now says how it goes
        except StoreError as trouble:
            log.database_trouble(trouble)
            return wait
        if since is not None:
            log.mailbox_stalled(self._box.name, iso(since), str(error))
        if self._failures >= PATIENCE:
            self._release()
        return wait

    def _later(self) -> float:
        """Twice as long at each failure, with jitter, so that many do not come back at once."""
        wait = min(FIRST_WAIT * 2.0 ** min(self._failures, 16), LONGEST_WAIT)
        self._failures += 1
        return wait * (0.5 + self._shared.jitter() / 2)


class Pollers:
    """All pollers of one node. `start`, then `stop`."""

    def __init__(
        self,
        settings: Settings,
        db: Database,
        wake: Callable[[], None],
        lease_for: timedelta = LEASE_FOR,
        waits: Waits | None = None,
    ) -> None:
        self._watchdog = Watchdog()
        self._shared = Shared(settings, db, self._watchdog, wake, lease_for=lease_for, waits=waits)
        self._pollers = [Poller(self._shared, one) for one in settings.imap.mailboxes]
        self._keeper = threading.Thread(target=self._keep, name="poll-leases", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._watchdog.__enter__()
        self._keeper.start()
        for one in self._pollers:
            one.thread.start()

    def stop(self) -> None:
        """End connections and threads. A batch that is being committed is committed first."""
        self._shared.stopping.set()
        for one in self._pollers:
            one.interrupt()
        for one in self._pollers:
            one.thread.join()
        self._keeper.join()
        self._watchdog.__exit__()

    def _keep(self) -> None:
        every = self._shared.lease_for.total_seconds() / 4
        while not self._shared.stopping.wait(every):
            for one in self._pollers:
                try:
                    one.renew()
                except StoreError as error:
                    log.database_trouble(error)
