"""Sessions kept open for the next mail, and a breaker that leaves a sick smarthost alone.

`Pool.deliver` is what a station is handed. A session that the server closed while it was idle is
replaced unseen, because nothing of a mail can be lost before its DATA.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from inbox.mail.outgoing import (
    CONNECT,
    BeforePhase,
    Deferred,
    Envelope,
    Outcome,
    Rejected,
    Unsendable,
    check_wire,
    wire_address,
)
from inbox.net.smtp_out import Session, Smarthost, connect
from inbox.net.smtp_reply import Broken

IDLE_FOR = 30.0
"""Seconds that a session may wait for the next mail; servers close idle ones after minutes."""


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """After `failures` in a row a host is left alone, `first` seconds, doubled up to `longest`."""

    failures: int = 5
    first: float = 15.0
    longest: float = 600.0


class Breaker:
    """Counts how often a host failed in a row. Safe from any thread."""

    def __init__(self, clock: Callable[[], float], rules: BreakerRules = BreakerRules()) -> None:
        self._clock = clock
        self._rules = rules
        self._lock = threading.Lock()
        self._failures = 0
        self._until = 0.0
        self._probing = False

    def wait(self) -> float:
        """Seconds until the host may be tried; 0 for now. After a pause one caller may probe."""
        with self._lock:
            if self._failures < self._rules.failures:
                return 0.0
            left = self._until - self._clock()
            if left > 0:
                return left
            return self._rules.first if self._probing else 0.0

    def begin(self) -> bool:
        """May this caller try the host now?"""
        with self._lock:
            if self._failures < self._rules.failures:
                return True
            if self._until > self._clock() or self._probing:
                return False
            self._probing = True
            return True

    def worked(self) -> None:
        """The host served somebody."""
        with self._lock:
            self._failures, self._probing = 0, False

    def failed(self) -> None:
        """The host could not be reached, or would not talk to us."""
        with self._lock:
            self._failures += 1
            self._probing = False
            over = self._failures - self._rules.failures
            if over >= 0:
                pause = min(self._rules.first * 2 ** min(over, 20), self._rules.longest)
                self._until = self._clock() + pause

    def gave_up(self) -> None:
        """The caller ended for a reason of its own; nothing was learned."""
        with self._lock:
            self._probing = False


class Pool:
    """Sessions with one smarthost, at most as many as there are callers. Safe from any thread."""

    def __init__(
        self,
        smarthost: Smarthost,
        clock: Callable[[], float],
        mails_per_session: int = 100,
        breaker: Breaker | None = None,
    ) -> None:
        self._smarthost = smarthost
        self._clock = clock
        self._most = mails_per_session
        self._lock = threading.Lock()
        self._idle: list[tuple[Session, float]] = []
        self._busy: set[Session] = set()
        self._closed = False
        self.breaker = breaker or Breaker(clock)
        self.opened = 0
        """Sessions opened since the start."""

    def deliver(self, envelope: Envelope, content: bytes, before_phase: BeforePhase) -> Outcome:
        """Hand one mail to the smarthost; see `Session.mail` for what it says and raises."""
        try:
            reverse = envelope.reverse_path and wire_address(envelope.reverse_path)
            wired = Envelope(reverse, tuple(wire_address(one) for one in envelope.recipients))
            check_wire(content)
        except Unsendable as reason:
            return Rejected("unsendable", str(reason))
        before_phase(CONNECT)
        session = self._take_idle()
        if session is not None:
            outcome = self._hand_over(session, wired, content, before_phase)
            if not _went_stale(session, outcome):
                return outcome
        if not self.breaker.begin():
            wait = self.breaker.wait()
            detail = f"{self._smarthost.host} failed repeatedly; next attempt in {wait:.0f} s"
            return Deferred("breaker", detail)
        try:
            session = self._open()
        except Broken as error:
            self.breaker.failed()
            return Deferred("stopped" if self._closed else error.cause, str(error))
        except BaseException:
            self.breaker.gave_up()
            raise
        self.breaker.worked()
        return self._hand_over(session, wired, content, before_phase)

    def _open(self) -> Session:
        session = connect(self._smarthost, self._clock)
        with self._lock:
            self._busy.add(session)
            if self._closed:
                session.interrupt()
        try:
            session.begin()
        except BaseException:
            with self._lock:
                self._busy.discard(session)
            session.drop()
            raise
        self.opened += 1
        return session

    def interrupt(self) -> None:
        """End every wait of every session, except of mails whose final dot is out; then close."""
        with self._lock:
            self._closed = True
            for session in self._busy:
                session.interrupt()
        self.close()

    def close(self) -> None:
        """Close the idle sessions; those at work are closed when their mail is done."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for session, _ in idle:
            session.close()

    def _take_idle(self) -> Session | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                session, since = self._idle.pop()
            if self._clock() - since < IDLE_FOR and session.quiet():
                return session
            session.close()

    def _hand_over(
        self, session: Session, envelope: Envelope, content: bytes, before_phase: BeforePhase
    ) -> Outcome:
        with self._lock:
            self._busy.add(session)
        try:
            outcome = session.mail(envelope, content, before_phase)
            if self._closed and isinstance(outcome, Deferred) and outcome.cause == "lost":
                return Deferred("stopped", "stopped before the final dot", outcome.by_recipient)
            return outcome
        finally:
            with self._lock:
                self._busy.discard(session)
                keep = session.usable and session.mails < self._most and not self._closed
                if keep:
                    self._idle.append((session, self._clock()))
            if not keep:
                session.close()


def _went_stale(session: Session, outcome: Outcome) -> bool:
    """Did a session that was idle turn out to be gone, before any recipient was named?"""
    if session.usable or not isinstance(outcome, Deferred):
        return False
    return outcome.cause in ("lost", "busy") and not outcome.by_recipient
