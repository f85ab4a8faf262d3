"""A real `aboard serve` that is killed, and the mail server on the other side that keeps trying."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from inbox.clock import monotonic
from inbox.config import load
from inbox.store.database import Database
from tests.crash.driver import raw_mail
from tests.crash.tracer import REPO
from tests.flow.house import CONFIG, write_files

OURS = "hello@aboard.example"
READY_WITHIN = 3.0
"""Seconds from exec to a greeting at the SMTP port and an answer of `/healthz`."""
PATIENCE = 60.0
BATCH = 20
"""Mails that a sender gives over one connection."""


def working_folder(folder: Path) -> None:
    """The files of a node that listens on free ports of the loopback."""
    write_files(folder, **{"aboard.yaml": CONFIG + "database: sqlite:///aboard.db\n"})


def environment(folder: Path) -> dict[str, str]:
    """What a command on that folder is run with: as installed, with its compiled modules at hand."""
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {
        **inherited,
        "PYTHONPYCACHEPREFIX": str(folder.parent / "bytecode"),
        "PYTHONPATH": str(REPO),
        "ABOARD_CONFIG": str(folder / "aboard.yaml"),
        "ABOARD_SMTP__LISTEN": "127.0.0.1:0",
        "ABOARD_WEB__LISTEN": "127.0.0.1:0",
        # One peer sends all of it here.
        "ABOARD_SMTP__MAILS_PER_MINUTE_PER_SENDER": "1000000",
    }


def opened(folder: Path) -> Database:
    """The folder's database."""
    return Database(load(folder / "aboard.yaml", {}).database_url())


def aboard(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "inbox", *words],
        cwd=REPO,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@dataclass(slots=True)
class Served:
    """A running node: its process, the head of a process group, and where it listens."""

    process: subprocess.Popen[str]
    smtp: int
    ready_after: float
    """Seconds from exec until it answered at every port it has."""
    web: int = 0
    """0 where it has no web inbox."""

    @property
    def pid(self) -> int:
        return self.process.pid

    def kill(self) -> None:
        """`kill -9` of everything that belongs to it."""
        os.killpg(self.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)
        self._close()

    def kill_head(self) -> None:
        """`kill -9` of the node's own process alone; its other processes are left without it."""
        os.kill(self.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)
        self._close()

    def ended(self) -> int:
        """Wait until it has ended; the exit code. What it left behind is killed."""
        code = self.process.wait(PATIENCE)
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._close()
        return code

    def _close(self) -> None:
        assert self.process.stdout
        self.process.stdout.close()

    def others(self) -> list[int]:
        """Its other processes: workers, what they are forked from, and Python's own helper."""
        told = subprocess.run(
            ["ps", "-eo", "pid=,pgid=,stat="], capture_output=True, text=True, check=True
        )
        rows = (line.split() for line in told.stdout.splitlines())
        return [
            int(pid)
            for pid, group, state in rows
            if int(group) == self.pid != int(pid) and state[0] not in "ZX"
        ]


def serve(folder: Path, only: str = "smtp,file,web") -> Served:
    """Start a node and wait until it is ready."""
    began = monotonic()
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "inbox", "serve", "--only", only],
            cwd=REPO,
            env=environment(folder),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    assert process.stdout is not None
    wanted = {"smtp": "smtp", "web": "inbox"}
    ports: dict[str, int] = {}
    while len(ports) < len(set(wanted) & set(only.split(","))):
        line = process.stdout.readline()
        assert line, (folder / "log").read_text()[-2000:]
        if found := re.search(r"(inbox|smtp).*:(\d+)", line):
            ports[found[1]] = int(found[2])
    if "inbox" in ports:
        with urllib.request.urlopen(f"http://127.0.0.1:{ports['inbox']}/healthz") as page:
            assert page.read() == b"ok\n"
    with socket.create_connection(("127.0.0.1", ports["smtp"]), timeout=PATIENCE) as line_:
        assert line_.recv(512).startswith(b"220")
    return Served(process, ports["smtp"], monotonic() - began, ports.get("inbox", 0))


@contextmanager
def serving(folder: Path, only: str = "smtp,file,web") -> Iterator[Served]:
    """A node that is killed at the end of the block, if it still runs."""
    node = serve(folder, only)
    try:
        yield node
    finally:
        if node.process.poll() is None:
            node.kill()
        node.ended()


def deliver(port: int, numbers: Sequence[int], told: set[str]) -> int:
    """Send these mails over one connection until it breaks; how many were acknowledged.

    The SHA-256 of each goes to `told` as soon as its 250 is read.
    """
    done = 0
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as line:
            answers = line.makefile("rb")
            if not _said(answers.readline(), b"220"):
                return 0
            for number in numbers:
                if not _one(line, answers, raw_mail(number), first=not done):
                    return done
                told.add(sha256(number))
                done += 1
            line.sendall(b"QUIT\r\n")
            answers.readline()
    except OSError:
        pass  # it was killed; what was not acknowledged is sent again
    return done


def sha256(number: int) -> str:
    """What the store calls mail `number`."""
    return hashlib.sha256(_sent(raw_mail(number))).hexdigest()


def _sent(raw: bytes) -> bytes:
    """As it goes over the wire, with CRLF (RFC 5321 section 2.3.8)."""
    return raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _one(line: socket.socket, answers: object, raw: bytes, *, first: bool) -> bool:
    read = answers.readline  # type: ignore[attr-defined]
    if first:
        line.sendall(b"EHLO peer.example\r\n")
        while (answer := read()).startswith(b"250-"):
            pass
        if not _said(answer, b"250"):
            return False
    for command, wanted in (
        (b"MAIL FROM:<ada@peer.example>", b"250"),
        (f"RCPT TO:<{OURS}>".encode(), b"250"),
        (b"DATA", b"354"),
    ):
        line.sendall(command + b"\r\n")
        if not _said(read(), wanted):
            return False
    line.sendall(_sent(raw) + b".\r\n")
    return _said(read(), b"250")


def _said(answer: bytes, wanted: bytes) -> bool:
    # Cut off in the middle it is no answer; a client that took it for one would lose mail by itself.
    return answer.startswith(wanted) and answer.endswith(b"\n")


@dataclass(slots=True)
class Sender:
    """A customer's mail server: it tries its mails again until they are acknowledged."""

    place: int
    of: int
    told: set[str] = field(default_factory=set)
    """SHA-256 of what was acknowledged."""
    tried: int = 0
    """Mails that it began to send at least once."""
    _queue: list[int] = field(default_factory=list)

    def send(self, port: int, until: threading.Event) -> None:
        """Send to a node until the event is set or the node is gone."""
        while not until.is_set():
            while len(self._queue) < BATCH:
                self._queue.append(self.place + self.of * self.tried)
                self.tried += 1
            done = deliver(port, self._queue, self.told)
            del self._queue[:done]
            if done < BATCH:
                return

    def rest(self, port: int) -> None:
        """Send what is still to be sent, to a node that nobody kills."""
        done = deliver(port, self._queue, self.told)
        assert done == len(self._queue), "a node at rest did not take a mail"
        self._queue.clear()

    def numbers(self) -> range:
        """All its mails."""
        return range(self.place, self.place + self.of * self.tried, self.of)


def judged(seconds: Sequence[float]) -> str:
    """Median and worst of start times, the machine's load, and whether the goal was met."""
    worst = max(seconds)
    verdict = "met" if worst < READY_WITHIN else "NOT met"
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return (
        f"ready again after {statistics.median(seconds):.2f} s (median), {worst:.2f} s (worst)"
        f" of {len(seconds)} starts; goal {READY_WITHIN:g} s: {verdict}"
        f" (load {load} on {os.cpu_count()} cores)"
    )
