"""Where filing workers are forked from: a process that has loaded what they need. Starts no worker.

Loading takes longer than anything else of a start, so it is begun first and goes on beside
whatever the node itself loads and opens meanwhile.
"""

from __future__ import annotations

import multiprocessing
import signal
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import ForkServerContext

LOADED = ["inbox.flow.warm", "inbox.worker"]
"""Modules that a worker finds loaded, in this order."""


def context() -> ForkServerContext:
    """Makes processes that are forked from it; what a node makes its workers with."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(LOADED)
    return made


def begin() -> None:
    """See that it runs: lets it load in the background, or does nothing where it runs already.

    It never takes SIGTERM, which whoever stops a service sends to all of its processes: a worker
    whose forker is gone counts as dead while it still files. It ends when the node does. What is
    forked inherits the block, see `take_sigterm`.
    """
    context()
    resource_tracker.ensure_running()  # it would lift the block below after it has started
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def take_sigterm() -> None:
    """In a worker that has set its handler: one that came since it was forked is handled now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
