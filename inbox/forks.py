"""Where filing workers are forked from: a process that has loaded what they need. Starts no worker.

Loading takes longer than anything else of a start, so it is begun first and goes on beside
whatever the node itself loads and opens meanwhile.
"""

from __future__ import annotations

import multiprocessing
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext

LOADED = ["inbox.flow.warm", "inbox.worker"]
"""Modules that a worker finds loaded, in this order."""


def context() -> ForkServerContext:
    """Makes processes that are forked from it; what a node makes its workers with."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(LOADED)
    return made


def begin() -> None:
    """Let it load in the background; returns at once, and does nothing where it runs already."""
    context()
    forkserver.ensure_running()
