"""Deliver: carry one claimed item, and write down what became of it.

Each phase of the dialogue is committed before it begins; the outcome, the message on the timeline
and its events are one transaction. What a dead courier left behind is judged by its last phase:
before the final dot it is tried again, at the dot nobody knows whether it arrived. Then automatic
mail stays `uncertain` (DESIGN I3), and a person's reply is sent again with the same bytes (I4).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from inbox import log
from inbox.errors import StoreError
from inbox.flow.leaving import settling
from inbox.flow.leaving.settling import Judged
from inbox.flow.owner import is_gone
from inbox.mail.outgoing import (
    CONNECT,
    DATA,
    DOT,
    Carry,
    Deferred,
    Envelope,
    Outcome,
    Uncertain,
)
from inbox.store import outbox, outbox_desk
from inbox.store.database import Conn, Database
from inbox.store.outbox import Claimed, ItemLost
from inbox.store.together import Together

T = TypeVar("T")

LEASE_FOR = timedelta(minutes=25)
"""Longer than any phase may take; it begins anew with each phase."""

Recheck = Callable[[Conn, Claimed, datetime], str | None]
"""Why an automatic item must not leave after all, or None; asked right before DATA, inside the
transaction that lets it leave. Raises `NotNow` where it has to wait."""


def nothing_to_check(conn: Conn, claimed: Claimed, now: datetime) -> str | None:
    """Let everything leave."""
    return None


class Withdrawn(Exception):
    """The item must not leave after all; `state` is what it becomes."""

    def __init__(self, state: str, cause: str) -> None:
        self.state, self.cause = state, cause
        super().__init__(cause)


class NotNow(Exception):
    """The item must wait: something is going on that may yet keep it from leaving."""


class Stopping(Exception):
    """The courier was told to stop before the final dot."""


OWN_ERRORS = (ItemLost, Withdrawn, NotNow)
"""What is found out before anything of an item is written: the other couriers' writes stand."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How couriers go about it. `jitter` gives numbers from 0 to 1, `clock` the present instant."""

    owner: str
    node: str
    own_addresses: Callable[[str], bool]
    """Is this address a mailbox of ours?"""
    clock: Callable[[], datetime]
    jitter: Callable[[], float]
    recheck: Recheck = nothing_to_check
    told: settling.Told = lambda conn, thread, event: None
    stopping: Callable[[], bool] = lambda: False
    lease_for: timedelta = LEASE_FOR
    together: Together | None = None
    """Where couriers of one process share transactions; made with `OWN_ERRORS`."""


def claim(db: Database, rules: Rules, limit: int) -> tuple[Claimed, ...]:
    """Take items that are due, their attempts counted before they are made."""
    now = rules.clock()
    with db.read() as conn:
        if not outbox.any_due(conn, now):
            return ()
    with db.write() as conn:
        return outbox.claim(
            conn, owner=rules.owner, limit=limit, now=now, lease_for=rules.lease_for
        )


def carry(db: Database, claimed: Claimed, courier: Carry, rules: Rules) -> Judged:
    """Bring one item to the smarthost; what became of it, to be given to `settle`.

    Nothing is written about the outcome yet. Raises `ItemLost` when the item is no longer ours:
    then nothing of it left after that was found. Raises `StoreError`, too, before anything left.
    """

    reached = CONNECT

    def before_phase(phase: str) -> None:
        nonlocal reached
        if phase == CONNECT:
            return  # the claim has said so
        if rules.stopping():
            raise Stopping
        now = rules.clock()

        def note(conn: Conn) -> None:
            if phase == DATA:
                _may_leave(conn, claimed, rules, now)
            outbox.note_phase(conn, claimed.lease, phase, now + rules.lease_for)

        _write(db, rules, note)
        reached = phase

    if rules.clock() >= claimed.expires_at:
        return Judged(claimed, withdrawn=_expired(claimed))
    envelope = Envelope(claimed.reverse_path, claimed.recipients)
    try:
        outcome: Outcome = courier(envelope, claimed.raw, before_phase)
    except Withdrawn as reason:
        return Judged(claimed, withdrawn=(reason.state, reason.cause))
    except NotNow as reason:
        return Judged(claimed, Deferred("not-now", str(reason)))
    except Stopping:
        return Judged(claimed, Deferred("stopped", "the courier stopped before the final dot"))
    except (ItemLost, StoreError):
        raise
    except Exception as error:
        # A bug of ours, or two transactions in each other's way: it is this item's affair alone.
        log.courier_failed(error)
        return Judged(claimed, _broken_off(reached, error))
    return Judged(claimed, outcome)


def _broken_off(reached: str, error: Exception) -> Outcome:
    if reached == DOT:
        return Uncertain(f"after the final dot: {error!r}")
    return Deferred("error", f"nothing had left: {error!r}")


def put_off(cause: str, detail: str) -> Outcome:
    """The outcome of an attempt that ended before anything left, for a reason of our own."""
    return Deferred(cause, detail)


def _may_leave(conn: Conn, claimed: Claimed, rules: Rules, now: datetime) -> None:
    """The last look before DATA. Raises `Withdrawn`."""
    if now >= claimed.expires_at:
        raise Withdrawn(*_expired(claimed))
    waits_for_nobody = claimed.cancel_if_answered and claimed.thread_id is not None
    if waits_for_nobody and outbox_desk.answered_since(
        conn, claimed.thread_id or 0, claimed.created_at
    ):
        raise Withdrawn("cancelled", "answered")
    if claimed.kind == "reply":
        return
    why = rules.recheck(conn, claimed, now)
    if why is not None:
        raise Withdrawn("cancelled", why)


def _expired(claimed: Claimed) -> tuple[str, str]:
    return ("failed" if claimed.kind == "reply" else "expired", "expired")


def settle(db: Database, judged: Judged, rules: Rules) -> str:
    """Write the outcome down in one transaction; the state of the item from now on.

    Reads the mail before the transaction begins. Raises `ItemLost`, and `StoreError`: then it may
    be called again with the same outcome.
    """
    ready = settling.prepare(judged)
    now = rules.clock()
    around = settling.Around(rules.own_addresses, rules.jitter(), rules.told)
    return _write(db, rules, lambda conn: settling.settle(conn, ready, around, now))


def _write(db: Database, rules: Rules, work: Callable[[Conn], T]) -> T:
    """In a transaction of its own, or in one with what other couriers write at this moment."""
    if rules.together is not None:
        return rules.together.run(work)
    with db.write() as conn:
        return work(conn)


def recover(db: Database, rules: Rules) -> tuple[str, ...]:
    """Judge what couriers left that are gone or whose lease ran out; the states of those items."""
    now = rules.clock()
    with db.read() as conn:
        gone = [one for one in outbox.owners(conn) if is_gone(one, rules.node)]
        due = bool(gone) or outbox.any_due(conn, now)
    if not due:
        return ()
    with db.write() as conn:
        left = outbox.abandoned(conn, gone=gone, now=now)
    states = []
    for claimed in left:
        try:
            states.append(settle(db, Judged(claimed, _left_behind(claimed)), rules))
        except ItemLost:
            continue  # another node judged it first
        except StoreError:
            raise
        except Exception as error:
            log.courier_failed(error)  # the others are judged all the same, this one next time
    return tuple(states)


def _left_behind(claimed: Claimed) -> Outcome:
    if claimed.phase == DOT:
        return Uncertain("its courier ended between the final dot and writing down the answer")
    return Deferred("courier-ended", f"its courier ended at {claimed.phase}: nothing had left")
