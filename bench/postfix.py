"""A private Postfix for the bench: own folder, queue and port; mail is discarded after the queue.

It accepts as a production server does (queue file written and synced before the 250), and nothing
of the machine's own Postfix is touched. It needs root, because `master` does.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services.place import free_port
from tests.services.waiting import answers, until

DAEMONS = (Path("/usr/lib/postfix/sbin"), Path("/usr/libexec/postfix"))
MASTER = """\
127.0.0.1:{port} inet n - n - 100 smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""
# Limits that would slow Postfix down under this load are lifted: the anchor is at its best.
MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = {commands}
daemon_directory = {daemons}
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = mx.ours.example
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
default_transport = discard:
relay_transport = discard:
smtpd_client_connection_count_limit = 0
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
smtpd_tls_security_level = none
in_flow_delay = 0
"""


def missing() -> str | None:
    """Why the anchor cannot run here, or None."""
    if shutil.which("postfix", path="/usr/sbin:/usr/local/sbin") is None:
        return "Postfix is not installed"
    if source() is None:
        return "smtp-source (of the postfix package) is not installed"
    return None if os.geteuid() == 0 else "Postfix's master needs root"


def source() -> str | None:
    """The load generator of the Postfix package."""
    return shutil.which("smtp-source", path="/usr/sbin:/usr/local/sbin:/usr/bin")


@contextmanager
def running(folder: Path) -> Iterator[int]:
    """The port of a Postfix that lives in `folder` for the length of the block."""
    port = free_port()
    daemons = next(place for place in DAEMONS if place.is_dir())
    postfix = Path(shutil.which("postfix", path="/usr/sbin:/usr/local/sbin") or "")
    config = folder / "config"
    for name in ("config", "queue", "data"):
        (folder / name).mkdir(parents=True)
    shutil.chown(folder / "data", "postfix")
    main = MAIN.format(folder=folder, commands=postfix.parent, daemons=daemons)
    (config / "main.cf").write_text(main)
    (config / "master.cf").write_text(MASTER.format(port=port))
    for path in (folder, *folder.parents):
        assert path.stat().st_mode & 0o005 == 0o005, f"{path}: Postfix's own user must get in"
    command = [str(postfix), "-c", str(config)]
    done = subprocess.run([*command, "start"], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"postfix did not start: {done.stderr.strip() or done.stdout.strip()}")
    try:
        until(lambda: answers(port))
        yield port
    finally:
        subprocess.run([*command, "stop"], capture_output=True, check=False)


def sent(folder: Path) -> int:
    """How many mails its log says went through the queue; waits for the queue to run empty."""
    queue = [folder / "queue" / name for name in ("incoming", "active", "maildrop")]
    until(lambda: not any(path.is_file() for each in queue for path in each.rglob("*")), 60)
    log = folder / "log"
    wait = threading.Event()
    wait.wait(0.5)  # postlogd writes a moment after the queue manager is done
    return log.read_text(errors="replace").count(" status=sent ")
