"""What one process may use, set from inside it. Linux and macOS; where a limit is not there, the
supervisor's wall clock still is."""

from __future__ import annotations

import resource
from pathlib import Path

MIB = 1024 * 1024


def address_space() -> int:
    """Bytes of address space in use; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def cap_memory(above_idle_mib: int) -> int:
    """Allow this many MiB above what is in use now; further allocations raise MemoryError.

    Gives the cap in bytes, 0 where none could be set.
    """
    idle = address_space()
    if not idle:
        return 0
    cap = idle + above_idle_mib * MIB
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (cap, hard))
    return cap


def cap_cpu(seconds: int) -> None:
    """Allow this many more seconds of CPU from now; then the system ends this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = int(usage.ru_utime + usage.ru_stime)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (used + 1 + seconds, hard))


def lift_cpu() -> None:
    """No more CPU cap: between two mails a worker waits and looks for work as long as it takes."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))
