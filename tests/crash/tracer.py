"""strace as a saboteur: kills or fails a process at its n-th call of one kind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

REPO = Path(__file__).resolve().parents[2]
CALLS = (
    "pwrite64",
    "write",
    "writev",
    "fdatasync",
    "fsync",
    "ftruncate",
    "unlink",
    "sendto",
    "sendmsg",
)
"""The calls through which anything leaves a process that accepts or files a mail."""


def missing() -> str | None:
    """Why there can be no sabotage here, or None."""
    if sys.platform != "linux":
        return "strace is there on Linux only"
    if shutil.which("strace") is None:
        return "no strace (apt: strace)"
    done = subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True)
    return f"strace may not trace here: {done.stderr[-200:]!r}" if done.returncode else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the driver said before it ended, and how it ended."""

    said: tuple[str, ...]
    exitcode: int

    @property
    def acknowledged(self) -> str | None:
        """The SHA-256 of the mail that was acknowledged."""
        return next((one.split()[1] for one in self.said if one.startswith("ACK")), None)


class Driver:
    """A running `tests.crash.driver`, which handles one mail per call in a fork of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin and process.stdout
        self._in: IO[str] = process.stdin
        self._out: IO[str] = process.stdout

    def warm(self, url: str, folder: Path, number: int) -> None:
        """Let the driver handle a mail in its own process, so that forks begin where it is warm."""
        self._tell(f"warm {url} {folder} {number}")
        while not (line := self._out.readline()).startswith("DONE"):
            assert line, "the driver is gone"

    def run(self, url: str, folder: Path, number: int, *strace: str) -> Outcome:
        """Handle mail `number` under strace with these options."""
        self._tell(f"{url} {folder} {number}")
        pid = self._out.readline().split()[1]
        tracer = subprocess.Popen(
            ["strace", "-f", "-p", pid, *strace], stderr=subprocess.PIPE, text=True
        )
        assert tracer.stderr is not None
        first = tracer.stderr.readline()
        assert "attached" in first, first
        self._tell("go")
        said: list[str] = []
        while not (line := self._out.readline()).startswith("END"):
            assert line, "the driver is gone"
            said.append(line.strip())
        tracer.communicate(timeout=20)
        return Outcome(tuple(said), int(line.split()[1]))

    def count(self, url: str, folder: Path, number: int, log: Path) -> Counter[str]:
        """How often an undisturbed mail makes each of the calls."""
        self.run(url, folder, number, "-e", f"trace={','.join(CALLS)}", "-o", str(log))
        lines = log.read_text().splitlines()
        names = (line.split("(")[0].split()[-1] for line in lines if "(" in line)
        return Counter(name for name in names if name in CALLS)

    def _tell(self, line: str) -> None:
        self._in.write(f"{line}\n")
        self._in.flush()


@contextmanager
def driver() -> Iterator[Driver]:
    """A driver that ends with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.driver"],
        cwd=REPO,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPO)},
    )
    assert process.stdin and process.stdout
    try:
        yield Driver(process)
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(20)
