"""strace as a saboteur: kills or fails a process at its n-th call of one kind."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
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
    """A running program of `tests.crash.forks`, which works once per call in a fork of its own. What
    it is told, its words, is its own affair."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin and process.stdout
        self._in: IO[str] = process.stdin
        self._out: IO[str] = process.stdout

    def warm(self, *words: object) -> None:
        """Let it work in its own process, so that forks begin where it is warm."""
        self._tell("warm", *words)
        while not (line := self._out.readline()).startswith("DONE"):
            assert line, "the driver is gone"

    def run(self, words: Sequence[object], *strace: str) -> Outcome:
        """Work under strace with these options."""
        self._tell(*words)
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

    def sabotage(self, words: Sequence[object], fault: str, when: str) -> Outcome:
        """Work until the n-th call of a kind, `pwrite64:error=EIO` for instance, goes wrong."""
        call = fault.partition(":")[0]
        inject = ("-e", f"trace={call}", "-e", f"inject={fault}:when={when}")
        return self.run(words, *inject, "-o", os.devnull)

    def kill_at(self, words: Sequence[object], call: str, at: int) -> Outcome:
        """Work until it is killed at its n-th call of this kind, or came to its end before."""
        outcome = self.sabotage(words, f"{call}:signal=KILL", str(at))
        assert outcome.exitcode == -signal.SIGKILL or "DONE" in outcome.said, outcome
        return outcome

    def points(
        self, words: Sequence[object], log: Path, sample: int | None, seed: int
    ) -> list[tuple[str, int]]:
        """Every (call, n) of undisturbed work, or so many drawn of them."""
        self.run(words, "-e", f"trace={','.join(CALLS)}", "-o", str(log))
        lines = log.read_text().splitlines()
        names = (line.split("(")[0].split()[-1] for line in lines if "(" in line)
        counts = Counter(name for name in names if name in CALLS)
        every = [(call, number) for call in CALLS for number in range(1, counts[call] + 1)]
        if sample is None:
            return every
        return sorted(random.Random(seed).sample(every, min(sample, len(every))))

    def _tell(self, *words: object) -> None:
        self._in.write(f"{' '.join(map(str, words))}\n")
        self._in.flush()


@contextmanager
def driver(module: str = "tests.crash.driver") -> Iterator[Driver]:
    """A driver that ends with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", module],
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
