"""Couriers: the threads of a node that carry outbox items to the smarthost.

Each claims a few items, carries one after the other over its own connection, and writes down what
became of each. A database that does not answer after a mail was handed over is asked until it does:
what a courier knows must not become uncertain.
"""

from __future__ import annotations

import random
import threading

from inbox import log
from inbox.app import files_in_force
from inbox.clock import monotonic, utc_now
from inbox.config import Settings
from inbox.errors import StoreError
from inbox.flow.leaving import deliver
from inbox.flow.leaving.compose import is_mailbox
from inbox.flow.leaving.settling import Judged
from inbox.flow.owner import new_owner
from inbox.flow.promises import sla
from inbox.mail.outgoing import Carry
from inbox.net.smtp_out import Smarthost, Waits
from inbox.net.smtp_pool import Pool
from inbox.net.tls import client_context
from inbox.store.database import Database
from inbox.store.outbox import Claimed, ItemLost
from inbox.store.together import Together

IDLE_WAIT = 1.0
"""Seconds after which an idle courier looks for work that nobody told it of."""
BATCH = 4
"""Items that a courier claims at once; the later ones wait for the earlier ones."""
RECOVER_EVERY = 30.0
SETTLE_AGAIN = 1.0
SETTLE_TRIES = 10
"""How often writing an outcome down may fail by a bug of ours; then it is left to be recovered."""


def smarthost(settings: Settings) -> Smarthost:
    """The smarthost of the settings. Raises `ConfigError` where its certificates cannot be read."""
    send = settings.send
    authorities = None if send.tls_ca is None else settings.path(send.tls_ca)
    waits = Waits(greeting=send.reply_seconds, command=send.reply_seconds, dot=send.final_seconds)
    return Smarthost(
        host=send.host,
        port=send.port,
        tls=None if send.tls == "none" else client_context(authorities),
        implicit=send.tls == "implicit",
        username=send.username,
        password=settings.send_password or "",
        helo=send.hostname,
        waits=waits,
    )


class Couriers:
    """All couriers of one node. `start`, then `stop`; `wake` when there is something to carry."""

    def __init__(
        self,
        settings: Settings,
        db: Database,
        recheck: deliver.Recheck = deliver.nothing_to_check,
        pool: Pool | None = None,
    ) -> None:
        self._db = db
        self._count = settings.send.connections
        self._pool = pool or Pool(
            smarthost(settings), monotonic, settings.send.mails_per_connection
        )
        self._ended = threading.Event()
        self._woken = threading.Condition()
        self._pokes = 0
        draw = random.SystemRandom()
        mailboxes = settings.mailboxes
        self._rules = deliver.Rules(
            owner=new_owner(settings.node),
            node=settings.node,
            own_addresses=lambda address: is_mailbox(mailboxes, address),
            clock=utc_now,
            jitter=draw.random,
            recheck=recheck,
            told=sla.after_deed(lambda: files_in_force(db)),
            stopping=self._ended.is_set,
            together=Together(db, deliver.OWN_ERRORS),
        )
        self._threads = [
            threading.Thread(
                target=self._work, args=(number,), name=f"courier-{number}", daemon=True
            )
            for number in range(self._count)
        ]
        self.carried = 0
        """Items that were settled since the start."""

    def start(self) -> None:
        """Judge what dead couriers of this node left, then begin."""
        self._recover()
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Say that there may be something to carry; safe from any thread."""
        with self._woken:
            self._pokes += 1
            self._woken.notify_all()

    def stop(self, within: float) -> None:
        """Stop before the final dot of whatever is on its way; a mail past it is waited for.

        After `within` seconds they are left alone: what they carry is judged at the next start.
        """
        self._ended.set()
        self.wake()
        self._pool.interrupt()
        until = monotonic() + within
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, until - monotonic()))

    def _work(self, number: int) -> None:
        looked = monotonic()
        while not self._ended.is_set():
            if number == 0 and monotonic() - looked > RECOVER_EVERY:
                self._recover()
                looked = monotonic()
            seen = self._pokes
            try:
                busy = self._round()
            except Exception as error:
                # A bug of ours must not end the courier: nothing would leave any more, unnoticed.
                log.courier_failed(error)
                busy = False
            if not busy:
                self._wait(seen)

    def _wait(self, seen: int) -> None:
        with self._woken:
            self._woken.wait_for(
                lambda: self._pokes != seen or self._ended.is_set(),
                max(IDLE_WAIT, min(self._pool.breaker.wait(), 30.0)),
            )

    def _round(self) -> bool:
        """Claim and carry once; was there anything to do?"""
        if self._pool.breaker.wait() > 0:
            return False
        try:
            claims = deliver.claim(self._db, self._rules, BATCH)
        except StoreError as error:
            log.database_trouble(error)
            return False
        for claimed in claims:
            judged = self._carry(claimed, self._pool.deliver)
            if judged is not None:
                self._settle(judged)
        return bool(claims)

    def _carry(self, claimed: Claimed, courier: Carry) -> Judged | None:
        """Bring one item there; None where it is not ours any more."""
        try:
            return deliver.carry(self._db, claimed, courier, self._rules)
        except ItemLost as error:
            log.item_lost(claimed.lease.item_id, str(error))
            return None
        except StoreError as error:
            # A phase could not be written down, so nothing of it was sent: it is tried again.
            log.database_trouble(error)
            return Judged(claimed, deliver.put_off("database", str(error)))

    def _settle(self, judged: Judged) -> None:
        number, failed = judged.claimed.lease.item_id, 0
        while True:
            try:
                state = deliver.settle(self._db, judged, self._rules)
            except ItemLost as error:
                log.item_lost(number, str(error))
                return
            except Exception as error:
                if isinstance(error, StoreError):
                    log.database_trouble(error)
                else:
                    log.courier_failed(error)
                    failed += 1
                if failed == SETTLE_TRIES or self._ended.wait(SETTLE_AGAIN):
                    return  # whoever recovers it finds how far it got
                continue
            self.carried += 1
            outcome = type(judged.outcome).__name__.lower() if judged.outcome else "withdrawn"
            log.item_settled(number, state, outcome, getattr(judged.outcome, "cause", ""))
            return

    def _recover(self) -> None:
        try:
            states = deliver.recover(self._db, self._rules)
        except StoreError as error:
            log.database_trouble(error)
            return
        except Exception as error:
            log.courier_failed(error)
            return
        if states:
            log.items_recovered(states)
