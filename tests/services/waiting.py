"""Wait for something that another process or thread does; not for time to pass."""

from __future__ import annotations

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
