"""Nodes that poll one mailbox together, each a process of its own, so that one can be frozen.

python -m tests.polling.nodes URL FOLDER COUNT LEASE    until standard input ends
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from inbox import log
from inbox.config import load
from inbox.net.imap import Remote, Waits
from inbox.poller import Poller, Pollers
from inbox.store.database import Database
from tests.polling.box import Box

REPO = Path(__file__).resolve().parents[2]
NODES = """
imap:
  poll_seconds: 1
  batch_mails: {batch}
  stalled_minutes: 60
  mailboxes:
    - name: main
      host: {box.host}
      port: {box.port}
      tls_ca: {box.tls_ca}
      username: {box.username}
      password_file: box-password
      archive_before: 2000-01-01
"""


def serve(url: str, folder: Path, node: str, lease: float) -> None:
    """Poll as a node of this name until SIGTERM."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    log.set_up("WARNING")
    settings = replace(load(folder / "aboard.yaml", {}), node=node)
    db = Database(url)
    pollers = Pollers(settings, db, lambda: None, timedelta(seconds=lease), Waits(10.0, 10.0))
    freeze_when_told(folder)
    pollers.start()
    while not ended.wait(0.2):
        if os.getppid() == 1:  # the test is gone
            break
    pollers.stop()
    db.close()


def freeze_when_told(folder: Path) -> None:
    """Stop this process when it has fetched mail and not yet accepted it, if the file `freeze` is
    there; only the first process that finds it does."""
    fetch, renew, renewing = Remote.bodies, Poller.renew, threading.Lock()

    def renewed(poller: Poller) -> None:
        with renewing:
            renew(poller)

    def then_frozen(remote: Remote, uids: Sequence[int], size: int) -> dict[int, bytes]:
        found = fetch(remote, uids, size)
        try:
            (folder / "freeze").unlink()
        except FileNotFoundError:
            return found
        with renewing:  # not within a transaction of the other thread, which would last too
            os.kill(os.getpid(), signal.SIGSTOP)
        return found

    Remote.bodies, Poller.renew = then_frozen, renewed  # type: ignore[method-assign]


def main(url: str, folder: Path, count: int, lease: float) -> None:
    """Fork that many nodes, say their process ids, end them with standard input."""
    children = []
    for number in range(count):
        child = os.fork()
        if child == 0:
            serve(url, folder, f"n{number}", lease)
            os._exit(0)
        children.append(child)
    print(*children, flush=True)
    sys.stdin.read()
    for child in children:
        os.kill(child, signal.SIGCONT)
        os.kill(child, signal.SIGTERM)
    for child in children:
        os.waitpid(child, 0)


@contextmanager
def together(box: Box, count: int, lease: float, batch: int = 2) -> Iterator[list[int]]:
    """So many nodes on this mailbox; their process ids."""
    folder = box.house.settings.folder
    (folder / "box-password").write_text(box.user.password)
    config = folder / "aboard.yaml"
    config.write_text(config.read_text() + NODES.format(box=box.polled, batch=batch))
    url = box.house.db.url.render_as_string(hide_password=False)
    words = [sys.executable, "-m", "tests.polling.nodes", url, str(folder), str(count), str(lease)]
    process = subprocess.Popen(
        words, cwd=REPO, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield [int(one) for one in process.stdout.readline().split()]
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
