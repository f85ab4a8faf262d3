"""Filing workers and their supervisor: crash-only processes under resource limits.

A worker says over a pipe what it holds and which mail it has begun; the supervisor ends one that
overruns the wall clock, reads from the exit what happened, gives the mails back and starts
another. The worker is the sandbox: parsing and filing need no second process per mail.

    worker    claim -> [held] -> per mail [begun] -> read -> [committing] -> file -> [idle] -> ...
    supervisor            wall clock per mail; exit -> release, quarantine, start again

What is said of mails is said in leases, (ledger number, fence). Waiting for the database is no
mail's fault: while it commits a worker has a limit of its own, and its end then charges no mail.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from multiprocessing.connection import Connection, wait

from classifiers import language
from inbox import forks, log, seats
from inbox.app import filing_context
from inbox.clock import monotonic, utc_now
from inbox.config import Settings
from inbox.errors import ConfigError, StoreError
from inbox.flow.intake import file as filing
from inbox.flow.owner import new_owner, recover
from inbox.limits import MIB, address_space, cap_cpu, cap_memory, lift_cpu
from inbox.seats import Seat
from inbox.store import intake, leases
from inbox.store.database import Database
from inbox.store.intake import Claim
from inbox.store.leases import Lease

IDLE_WAIT = 0.5
"""Seconds after which an idle worker looks for work that nobody told it of."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before a worker is seated again whose predecessor ended without having done anything."""

RECYCLE_AFTER = 5_000
"""Mails after which a worker makes room for a fresh one, as memory only ever fragments."""

COMMIT_SECONDS = 60.0
"""How long a worker may wait for the database, which is longer than that lets anybody wait."""

ASKED_TO_END = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
"""Signals of somebody who ends the program, not of what a mail did to it."""


def work(settings: Settings, pipe: Connection, owner: str, pause: float = 0.0) -> None:
    """A worker's whole life: file until told to stop, or until it has grown too large.

    `owner` is whose leases it takes. `pause` is in seconds, before anything else is done. SIGTERM
    ends it after the round it is in.
    """
    ended = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: ended.set())
    forks.take_sigterm()
    if pause and pipe.poll(pause) and _told_to_stop(pipe):
        return
    db = Database(settings.database_url(), pool_size=1)
    bench = _Bench(settings, pipe, db, owner)
    language.warm()  # inherited where the process was forked; no mail pays for it in any case
    cap = cap_memory(settings.filing.memory_mib)
    roomy = cap - settings.filing.memory_mib * MIB // 2 if cap else 0
    pipe.send(("ready", ()))
    while bench.done < RECYCLE_AFTER and not (roomy and address_space() > roomy):
        if ended.is_set():
            break
        busy = bench.round()
        if pipe.poll(0 if busy else IDLE_WAIT) and _told_to_stop(pipe):
            break
    db.close()
    pipe.close()


class _Bench:
    """What a worker has before it: its database, the files in force, the mails it holds."""

    def __init__(self, settings: Settings, pipe: Connection, db: Database, owner: str) -> None:
        self._settings = settings
        self._pipe = pipe
        self._db = db
        self._rules = _rules(settings, owner)
        self._context, self._versions = filing_context(db, settings, None, ())
        self._owed: tuple[Claim, ...] = ()
        self.done = 0

    def round(self) -> bool:
        """Claim and file once; was there anything to do?

        A database in trouble is nobody's attempt: its mails are given back when it answers again.
        """
        try:
            self._give_back()
            self._owed = filing.claim(self._db, self._rules, self._now())
            if self._owed:
                self._pipe.send(("held", _leases(self._owed)))
                self._file(self._owed)
            busy = bool(self._owed)
            self._owed = ()
        except StoreError as error:
            log.database_trouble(error)
            busy = False
        lift_cpu()
        # What is still owed is held, not begun: nobody's fault if this worker ends now.
        self._pipe.send(("held", _leases(self._owed)) if self._owed else ("idle", ()))
        return busy

    def _give_back(self) -> None:
        if self._owed:
            with self._db.write() as conn:
                intake.give_back(conn, self._owed)
            self._owed = ()

    def _file(self, claims: Sequence[Claim]) -> None:
        try:
            self._context, self._versions = filing_context(
                self._db, self._settings, self._context, self._versions
            )
        except ConfigError as error:
            log.rules_refused(error.problems)  # what this worker has is good and stays
        result = filing.file_claimed(
            self._db, claims, self._context, self._rules, self._now, self._say
        )
        self.done += result.total
        log.round_filed(result.filed, result.duplicates, result.quarantined, result.put_back)

    def _now(self) -> datetime:
        """The clock that all nodes share, as leases and waits of one are judged by another."""
        return self._db.now(utc_now)

    def _say(self, phase: str, ledger_ids: Sequence[int]) -> None:
        cap_cpu(self._settings.filing.cpu_seconds)
        chosen = set(ledger_ids)
        self._pipe.send((phase, _leases(one for one in self._owed if one.ledger_id in chosen)))


def _leases(claims: Iterable[Claim]) -> tuple[Lease, ...]:
    return tuple((one.ledger_id, one.fence) for one in claims)


def _rules(settings: Settings, owner: str) -> filing.Rules:
    how = settings.filing
    return filing.Rules(owner, how.batch, how.most_attempts, how.wall_seconds)


def _told_to_stop(pipe: Connection) -> bool:
    while pipe.poll():
        try:
            if pipe.recv() == "stop":
                return True
        except EOFError:
            return True
    return False


class Supervisor:
    """Keeps the workers of one node at work. `start`, then `stop`; `wake` when mail came in."""

    target = staticmethod(work)
    """What a worker process runs."""

    commit_seconds = COMMIT_SECONDS
    stop_seconds = 5.0
    """Beyond the wall clock of a mail, until a worker that was told to stop is ended."""

    def __init__(self, settings: Settings, db: Database) -> None:
        self._settings = settings
        self._db = db
        self._spawn = forks.context()
        self._seats: list[Seat] = []
        self._stopping = threading.Event()
        self._poke_receiver, self._poke = self._spawn.Pipe(duplex=False)
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._dead: list[Seat] = []
        self._gone: set[str] = set()
        self.ended = 0
        """Workers that died or were ended since the start."""

    def start(self) -> None:
        """Give mails of dead workers back, start the workers and watch them."""
        most = self._settings.filing.most_attempts
        recover(self._db, self._settings.node, most, self._db.now(utc_now))
        for _ in range(self._settings.filing.workers):
            if (seat := self._seat_when_it_can()) is not None:
                self._seats.append(seat)
        self._thread.start()

    def wake(self) -> None:
        """Tell idle workers that there is mail; safe from any thread."""
        for seat in list(self._seats):
            if not seat.held and not seat.woken:
                seat.woken = True  # one word is enough; many would fill the pipe of a slow worker
                seats.send(seat.pipe, "wake")

    def wait_ready(self, seconds: float) -> bool:
        """Wait until every worker has said that it is ready."""
        return all(seat.ready.wait(seconds) for seat in list(self._seats))

    def expect_stop(self) -> None:
        """From now on no worker is seated; a `start` that waits for one returns."""
        self._stopping.set()

    def stop(self) -> None:
        """Let the workers finish what they hold, then end."""
        self.expect_stop()
        seats.send(self._poke, "stop")
        if self._thread.is_alive():
            self._thread.join()  # first, so that no seat is filled anew behind our back
        for seat in self._seats:
            seats.send(seat.pipe, "stop")
        for seat in self._seats:
            seat.process.join(self._settings.filing.wall_seconds + self.stop_seconds)
            if seat.process.is_alive():
                seats.hear_all(seat)  # who is charged is what it has begun by now
                self._kill(seat, "the program stopped and this mail took too long")
                seat.process.join()
            seats.hear_all(seat)
            if seat.held:
                self._dead.append(seat)
            seat.pipe.close()
        self._settle_deaths()

    def _seat_when_it_can(self, pause: float = 0.0) -> Seat | None:
        """A new worker, as soon as there can be one; None when it is to stop before."""
        while not self._stopping.is_set():
            try:
                return self._seat(pause)
            except (OSError, EOFError) as error:
                # The system gives no process now, or what forks them was ended in this instant.
                log.worker_ended(0, f"no worker can be started: {error!r}", [])
                self._stopping.wait(FIRST_PAUSE)
        return None

    def _seat(self, pause: float) -> Seat:
        forks.begin()
        ours, theirs = self._spawn.Pipe()
        owner = new_owner(self._settings.node)
        process = self._spawn.Process(
            target=self.target,
            args=(self._settings, theirs, owner, pause),
            name="aboard-worker",
            daemon=True,
        )
        process.start()
        theirs.close()
        return Seat(process, ours, owner, pause=pause)

    def _watch(self) -> None:
        while not self._stopping.is_set():
            watched: list[Connection] = [seat.pipe for seat in self._seats]
            for pipe in wait([*watched, self._poke_receiver], timeout=self._patience()):
                for place, seat in enumerate(self._seats):
                    if seat.pipe is pipe and not seats.hear(seat):
                        self._seats[place] = self._replace(seat)
            for seat in self._seats:
                self._end_if_overrun(seat)
            self._settle_deaths()
            self._release_late()

    def _patience(self) -> float:
        running = [
            seat.since + self._limit(seat) - monotonic()
            for seat in self._seats
            if seat.begun and not seat.killed_for
        ]
        return max(0.0, min([*running, 1.0]))

    def _limit(self, seat: Seat) -> float:
        return self.commit_seconds if seat.committing else self._settings.filing.wall_seconds

    def _end_if_overrun(self, seat: Seat) -> None:
        limit = self._limit(seat)
        if seat.begun and not seat.killed_for and monotonic() - seat.since > limit:
            what = "the database took" if seat.committing else "one mail took"
            self._kill(seat, f"{what} longer than {limit:g} s")

    def _kill(self, seat: Seat, why: str) -> None:
        seat.killed_for = why
        seat.charged = () if seat.committing else seat.begun
        seat.process.kill()

    def _replace(self, seat: Seat) -> Seat:
        """A worker's pipe closed: learn why, give its mails back, seat another.

        One that ended before it did anything would end so again at once: the next one waits.
        """
        if self._stopping.is_set():
            return seat
        seat.process.join()
        seat.pipe.close()
        failed = bool(seat.process.exitcode)
        if failed or seat.held:
            self.ended += 1
            self._dead.append(seat)
            self._settle_deaths()
        hopeless = failed and not seat.held
        pause = min(2 * seat.pause + FIRST_PAUSE, LONGEST_PAUSE) if hopeless else 0.0
        return self._seat_when_it_can(pause) or seat

    def _settle_deaths(self) -> None:
        """Give back what dead workers held; later where the database does not answer now."""
        while self._dead:
            try:
                self._settle_death(self._dead[0], self._db.now(utc_now))
            except StoreError as error:
                log.database_trouble(error)
                return
            self._gone.add(self._dead.pop(0).owner)

    def _release_late(self) -> None:
        """Once more, when their successors are ready, release what dead workers have leased.

        A server that was told to commit does so after its client died, and after we looked.
        """
        if not self._gone or not all(seat.ready.is_set() for seat in self._seats):
            return
        try:
            now = self._db.now(utc_now)
            with self._db.write() as conn:
                leases.release_owners(conn, sorted(self._gone), now)
        except StoreError as error:
            log.database_trouble(error)
            return
        self._gone.clear()

    def _settle_death(self, seat: Seat, now: datetime) -> None:
        code = seat.process.exitcode
        cause = seat.killed_for or seats.why(code)
        charged = seat.charged if seat.killed_for else seat.begun
        if code is not None and -code in ASKED_TO_END:
            charged = ()
        untouched = [one for one in seat.held if one not in charged]
        most = self._settings.filing.most_attempts
        with self._db.write() as conn:
            leases.release_dead(conn, begun=charged, untouched=untouched, now=now, detail=cause)
            leases.quarantine_exhausted(conn, begun=charged, most=most, now=now, cause="over-limit")
            # It may have died between taking a lease and saying so.
            leases.release_owners(conn, [seat.owner], now)
        log.worker_ended(seat.process.pid or 0, cause, [number for number, _ in charged])
        seat.held = seat.begun = ()  # an attempt is given back once, however often one stops


def file_all(db: Database, settings: Settings) -> filing.Filed:
    """File everything that is due in this very process, without a sandbox; for tests and tools."""
    context, _ = filing_context(db, settings, None, ())
    rules = _rules(settings, new_owner(settings.node))
    total = filing.Filed()
    while claims := filing.claim(db, rules, db.now(utc_now)):
        done = filing.file_claimed(db, claims, context, rules, lambda: db.now(utc_now))
        total = replace(
            total,
            filed=total.filed + done.filed,
            duplicates=total.duplicates + done.duplicates,
            quarantined=total.quarantined + done.quarantined,
            put_back=total.put_back + done.put_back,
        )
    return total
