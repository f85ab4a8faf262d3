"""Wait for something that another process or thread does; not for time to pass."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], within: float = 10.0) -> T:
    """Ask `condition` every 5 ms until it is true and return its answer.

    Raises AssertionError after `within` seconds, naming the condition.
    """
    pause = threading.Event()
    end = time.monotonic() + within
    while not (answer := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"still not so after {within} s: {condition}")
        pause.wait(0.005)
    return answer


def answers(port: int) -> bool:
    """Whether somebody listens on this port of the loopback."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
