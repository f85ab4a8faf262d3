"""One filing worker's place, as its supervisor sees it, and what is said over its pipe.

Watches nobody and touches no database: that is the supervisor's, in `inbox.worker`.
"""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from inbox.clock import monotonic
from inbox.flow.intake import file as filing
from inbox.store.leases import Lease


@dataclass(slots=True)
class Seat:
    """One worker's place, as the supervisor sees it."""

    process: BaseProcess
    pipe: Connection
    owner: str
    """Whose leases this worker takes; nobody else takes any under it."""
    held: tuple[Lease, ...] = ()
    begun: tuple[Lease, ...] = ()
    committing: bool = False
    since: float = 0.0
    killed_for: str = ""
    charged: tuple[Lease, ...] = ()
    """What `killed_for` is the doing of; the worker may have got further before it died."""
    woken: bool = False
    pause: float = 0.0
    ready: threading.Event = field(default_factory=threading.Event)


def hear(seat: Seat) -> bool:
    """Take in what a worker says; False when it is gone."""
    try:
        word, held = seat.pipe.recv()
    except (EOFError, OSError):
        return False
    seat.woken = False
    if word == "ready":
        seat.ready.set()
    elif word == "held":
        seat.held, seat.begun, seat.pause = held, (), 0.0
    elif word in (filing.BEGUN, filing.COMMITTING):
        seat.begun, seat.since = held, monotonic()
        seat.committing = word == filing.COMMITTING
    else:
        seat.held, seat.begun, seat.pause = (), (), 0.0
    return True


def hear_all(seat: Seat) -> None:
    """Take in everything that a worker has said so far."""
    while ready(seat.pipe) and hear(seat):
        pass


def ready(pipe: Connection) -> bool:
    """Has the worker said something that was not heard yet?"""
    try:
        return pipe.poll()
    except OSError:
        return False


def send(pipe: Connection, word: str) -> None:
    """Say a word to a worker, whether or not it is still there."""
    try:
        pipe.send(word)
    except (OSError, ValueError):
        return  # it is gone already; the watch will see that


def why(exitcode: int | None) -> str:
    """What an exit code tells of how a worker ended."""
    if exitcode is not None and exitcode < 0:
        name = signal.Signals(-exitcode).name
        if name == "SIGXCPU":
            return "one mail used up its CPU seconds"
        return f"the worker was ended by {name}"
    return f"the worker ended with exit code {exitcode}"
