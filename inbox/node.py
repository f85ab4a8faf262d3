"""One node: ingress, pollers, filing workers and web inbox in one process tree, start to stop.

The event loop serves sockets; blocking work runs in threads; filing runs in processes of its own
(`inbox.worker`). SQLite's one checkpointer is a thread here.
"""

from __future__ import annotations

import asyncio
import secrets
import signal
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from inbox import log
from inbox.app import appliers, decisions, floods, follow_ups, put_in_force, smtp_settings
from inbox.clock import monotonic, utc_now
from inbox.config import Listen, Settings
from inbox.courier import Couriers
from inbox.errors import AboardError, StoreError
from inbox.flow.intake.accept import Incoming, accept
from inbox.flow.working.correct import Corrections
from inbox.net.smtp_in import Ingress, Received
from inbox.store import intake
from inbox.store.counting import count_if_grown
from inbox.store.database import Database
from inbox.sweeper import Sweeper
from inbox.watch import Watcher
from inbox.worker import Supervisor
from routing.floods import Floods

PARTS = ("smtp", "poll", "file", "web", "send", "tick")
CHECKPOINT_EVERY = 5.0
COUNT_EVERY = 120
"""Checkpoints between two looks at whether SQLite should count its rows again."""
GRACE_SECONDS = 30.0


def check_parts(parts: Sequence[str]) -> None:
    """Raises `AboardError` for parts that a node has not, and for none at all."""
    unknown = [part for part in parts if part not in PARTS]
    if unknown or not parts:
        raise AboardError(
            f"--only {','.join(unknown) or 'nothing'}: the parts are {', '.join(PARTS)}"
        )


@dataclass(slots=True)
class Running:
    """What a node has started, and where it listens."""

    smtp: Listen | None = None
    web: Listen | None = None
    supervisor: Supervisor | None = None
    couriers: Couriers | None = None
    accepted: int = 0
    dated: bool = False
    """True while the demo delivers history: its mail counts as received when its Date says."""


@dataclass(slots=True)
class Node:
    """A node of the product. `serve` runs until `stop` is called or a signal comes."""

    settings: Settings
    db: Database
    parts: Sequence[str] = PARTS
    demo: bool = False
    running: Running = field(default_factory=Running)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _floods: Floods = field(init=False)
    _filing: asyncio.Task[None] | None = None
    """Under way until the workers are started."""

    def __post_init__(self) -> None:
        check_parts(self.parts)
        self._floods = floods(self.settings)

    async def serve(self, when_up: Callable[[Running], Awaitable[None]] | None = None) -> None:
        """Start the parts, call `when_up`, run until stopped, and stop cleanly."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stop)
        async with AsyncExitStack() as stack:
            checkpointer = _Checkpointer(self.db)
            checkpointer.start()
            stack.callback(checkpointer.stop)
            watcher = Watcher(self.settings, lambda: put_in_force(self.db, self.settings))
            watcher.start()
            stack.push_async_callback(asyncio.to_thread, watcher.stop)
            if "file" in self.parts:
                self._seat_filing(stack)
            if "smtp" in self.parts:
                await self._start_smtp(stack)
            if "poll" in self.parts and self.settings.imap.mailboxes:
                self._start_polling(stack)
            if "tick" in self.parts:
                self._start_ticking(stack)
            if "web" in self.parts:
                await self._start_web(stack)
            if "send" in self.parts and self.settings.send.host:
                await self._start_sending(stack)
            if self.running.supervisor is not None:
                self._filing = asyncio.create_task(asyncio.to_thread(self._start_filing))
            if when_up is not None:
                await when_up(self.running)
            if self._filing is not None:
                await self._filing
            await self._stopping.wait()
        log.stopped()

    def stop(self) -> None:
        """Ask the node to stop; mail being received is finished first."""
        self._stopping.set()

    def _seat_filing(self, stack: AsyncExitStack) -> None:
        """Before all that takes mail, and so ended after it: what was taken is filed yet."""
        self.running.supervisor = Supervisor(self.settings, self.db)
        stack.push_async_callback(self._end_filing, self.running.supervisor)

    def _start_filing(self) -> None:
        """Beside everything else, and last: it waits until what forks the workers is loaded."""
        if self.running.supervisor is not None:
            self.running.supervisor.start()
            log.serving("file", f"{self.settings.filing.workers} workers")

    async def _end_filing(self, supervisor: Supervisor) -> None:
        supervisor.expect_stop()
        if self._filing is not None:
            await asyncio.wait([self._filing])
        await asyncio.to_thread(supervisor.stop)

    def _start_polling(self, stack: AsyncExitStack) -> None:
        from inbox.poller import Pollers

        pollers = Pollers(self.settings, self.db, self._wake)
        pollers.start()
        stack.push_async_callback(asyncio.to_thread, pollers.stop)
        log.serving("poll", ", ".join(one.where for one in self.settings.imap.mailboxes))

    def _start_ticking(self, stack: AsyncExitStack) -> None:
        sweeper = Sweeper(self.settings, self.db, follow_ups(self.db, self.settings))
        sweeper.start()
        stack.push_async_callback(asyncio.to_thread, sweeper.stop)
        log.serving("tick", "every second")

    async def _start_smtp(self, stack: AsyncExitStack) -> None:
        ingress = Ingress(
            smtp_settings(self.settings),
            self._accept,
            self._is_ours,
            monotonic,
            lambda: secrets.token_hex(4),
        )
        host, port = await ingress.start()
        stack.push_async_callback(ingress.stop, GRACE_SECONDS)
        self.running.smtp = Listen(host, port)
        log.serving("smtp", str(self.running.smtp))

    async def _start_web(self, stack: AsyncExitStack) -> None:
        # Loaded last: mail is taken by now, and a node without a web inbox never pays for it.
        from inbox.web.desk import Site
        from inbox.web.server import WebServer
        from inbox.web.site import build

        site = Site(
            db=self.db,
            settings=self.settings,
            clock=utc_now,
            retry=self._retry,
            demo=self.demo,
            parts=tuple(self.parts),
            corrections=Corrections(self.db),
            proposals=appliers(self.db, self.settings),
            decisions=decisions(self.db, self.settings),
        )
        web = self.settings.web
        server = WebServer(build(site), web.listen, behind_proxy=bool(web.trusted_proxies))
        host, port = await server.start()
        stack.push_async_callback(server.stop)
        self.running.web = Listen(host, port)
        log.serving("web", f"http://{self.running.web}")

    async def _start_sending(self, stack: AsyncExitStack) -> None:
        couriers = Couriers(self.settings, self.db, follow_ups(self.db, self.settings).recheck)
        await asyncio.to_thread(couriers.start)
        stack.push_async_callback(asyncio.to_thread, couriers.stop, GRACE_SECONDS)
        self.running.couriers = couriers
        log.serving("send", f"{self.settings.send.host}:{self.settings.send.port}")

    def _accept(self, mails: Sequence[Received]) -> None:
        now, second = utc_now(), monotonic()
        incoming = [
            Incoming(
                raw=mail.raw,
                source="smtp",
                accepted_at=now,
                reverse_path=mail.reverse_path,
                forward_paths=mail.forward_paths,
                peer=mail.peer,
                dated=self.running.dated,
                deferred=self._floods.deferred(mail.reverse_path, mail.forward_paths, second),
            )
            for mail in mails
        ]
        count = accept(self.db, incoming, self.settings.node)
        self.running.accepted += count
        log.accepted(count, "smtp", mails[0].peer)
        self._wake()

    def _wake(self) -> None:
        if self.running.supervisor is not None:
            self.running.supervisor.wake()

    def _is_ours(self, address: str) -> bool:
        """Is this a mailbox of ours? `postmaster` of any of our domains is (RFC 5321 4.5.1)."""
        wanted = address.lower()
        local, _, domain = wanted.rpartition("@")
        mailboxes = {one.address for one in self.settings.mailboxes}
        if wanted in mailboxes:
            return True
        base = f"{local.partition('+')[0]}@{domain}"
        if base in mailboxes:
            return True
        ours = {one.rpartition("@")[2] for one in mailboxes} | set(self.settings.own_domains)
        return local == "postmaster" and domain in ours

    def _retry(self, ledger_numbers: Sequence[int] | None) -> int:
        with self.db.write() as conn:
            count = intake.retry(conn, ledger_numbers, utc_now())
        self._wake()
        return count


class _Checkpointer:
    """Moves SQLite's WAL into the database now and then, and lets it count; one in a node."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="checkpointer", daemon=True)

    def start(self) -> None:
        """Begin; on PostgreSQL there is nothing to do."""
        if self._db.is_sqlite:
            self._thread.start()

    def stop(self) -> None:
        """End, after a last checkpoint."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        turn = 0
        while not self._stopping.wait(CHECKPOINT_EVERY):
            self._once(count=turn % COUNT_EVERY == 0)
            turn += 1
        self._once(count=False)

    def _once(self, *, count: bool) -> None:
        try:
            if count:
                count_if_grown(self._db)
            self._db.checkpoint()
        except StoreError as error:
            log.database_trouble(error)  # a full disk may have room again at the next turn
