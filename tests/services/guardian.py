"""Run one server and end it with the test process that asked for it; not a way to talk to it.

The guardian's standard input is a pipe whose other end only the test process holds. When that
process ends, by kill -9 too, the pipe reaches its end, and the guardian stops the server and
removes its folder. It is also the one that keeps the server's output away from our own: whoever
reads the output of a test run waits until its last writer is gone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Guarded:
    """A server that runs under a guardian."""

    process: subprocess.Popen[bytes]
    log: Path

    def ended(self) -> bool:
        """Whether the server ended by itself, which is always an error."""
        return self.process.poll() is not None

    def said(self) -> str:
        """The last lines of the server's output."""
        return self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""

    def stop(self) -> None:
        """Stop the server and wait until it is gone. Its folder stays."""
        assert self.process.stdin is not None
        if self.process.poll() is None:
            self.process.stdin.write(b"keep\n")
        self.process.stdin.close()
        self.process.wait()


def start(command: list[str], log: Path, remove: Path) -> Guarded:
    """Start `command` with its output in `log`; `remove` goes when this process does."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.services.guardian", str(log), str(remove), *command],
        cwd=REPO,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    return Guarded(process, log)


def _guard(log: Path, remove: Path, command: list[str]) -> None:
    with log.open("ab") as output:
        server = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/"
        )
    stopping = threading.Event()

    def end_with_server() -> None:
        server.wait()
        if not stopping.is_set():
            os._exit(1)

    watcher = threading.Thread(target=end_with_server)
    watcher.start()
    last_word = sys.stdin.read()
    stopping.set()
    server.terminate()
    watcher.join(10)
    if watcher.is_alive():
        server.kill()
    if not last_word:
        shutil.rmtree(remove, ignore_errors=True)


if __name__ == "__main__":
    _guard(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
