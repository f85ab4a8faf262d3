"""What every program that is killed has in common: it works in forks that wait to be traced.

The fork saves the second that Python needs to start.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Sequence

PR_SET_PTRACER, ANY = 0x59616D61, ctypes.c_ulong(-1)


def say(line: str) -> None:
    """Write a line at once; an acknowledgement must be seen however the process ends."""
    os.write(1, f"{line}\n".encode())


def read_line() -> str:
    """A line from standard input, byte by byte, so that nothing is read ahead for another."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            break
        line += byte
    return line.decode()


def serve(work: Callable[[Sequence[str]], None]) -> None:
    """For each line fork a child that waits for another line, lets a tracer attach, and then does
    `work` on the words of the first; `DONE` is said when it comes to its end.

    The line `warm ...` works in this very process: its children need not compile every statement
    again.
    """
    while words := read_line().split():
        if words[0] == "warm":
            work(words[1:])
            say("DONE")
            continue
        child = os.fork()
        if child == 0:
            # Where only parents may trace, this lets the test's tracer in.
            ctypes.CDLL(None).prctl(PR_SET_PTRACER, ANY, 0, 0, 0)
            say(f"PID {os.getpid()}")
            read_line()
            try:
                work(words)
                say("DONE")
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        say(f"END {os.waitstatus_to_exitcode(status)}")
