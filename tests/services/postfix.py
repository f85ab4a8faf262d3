"""A private Postfix: own folder, queue and port on the loopback, and nothing of the machine's own.

It accepts as a production server does: the queue file is written and synced before the 250. Limits
that would slow it down are lifted, as it is an anchor of the benchmarks too. `master` needs root.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from tests.services.dovecot import Dovecot, User
from tests.services.place import free_port, server_user, temporary_folder
from tests.services.waiting import answers, until

DAEMONS = (Path("/usr/lib/postfix/sbin"), Path("/usr/libexec/postfix"))
PLACES = "/usr/sbin:/usr/local/sbin:/usr/bin"
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
smtp unix - - n - - smtp
virtual unix - n n - - virtual
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""
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
smtpd_client_connection_count_limit = 0
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
smtpd_tls_security_level = none
smtp_dns_support_level = disabled
in_flow_delay = 0
"""
DISCARDED = """\
default_transport = discard:
relay_transport = discard:
"""
"""What comes goes through the queue and is thrown away."""
DELIVERED = """\
virtual_mailbox_domains = {ours}
virtual_mailbox_base = {mail}
virtual_mailbox_maps = inline:{{ {address}={user}/Maildir/ }}
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
transport_maps = inline:{{ {theirs}=smtp:[127.0.0.1]:{sink} }}
"""
"""It is delivered into a Dovecot, or on to a sink."""


@cache
def find() -> Path | None:
    """The `postfix` command, or None."""
    found = shutil.which("postfix", path=PLACES)
    return None if found is None else Path(found)


def source() -> str | None:
    """The load generator of the Postfix package."""
    return shutil.which("smtp-source", path=PLACES)


def missing() -> str | None:
    """Why there can be no Postfix here, or None."""
    if find() is None or source() is None or not any(place.is_dir() for place in DAEMONS):
        return "no Postfix (apt: postfix)"
    return None if os.geteuid() == 0 else "Postfix's master needs root"


@contextmanager
def running(folder: Path, delivery: str = DISCARDED) -> Iterator[int]:
    """The port of a Postfix that lives in `folder` for the length of the block."""
    port, command = free_port(), find()
    assert command is not None
    for name in ("config", "queue", "data"):
        (folder / name).mkdir(mode=0o755, parents=True)
    shutil.chown(folder / "data", "postfix")
    daemons = next(place for place in DAEMONS if place.is_dir())
    main = MAIN.format(folder=folder, commands=command.parent, daemons=daemons)
    (folder / "config" / "main.cf").write_text(main + delivery)
    (folder / "config" / "master.cf").write_text(MASTER.format(port=port))
    for path in (folder, *folder.parents):
        assert path.stat().st_mode & 0o005 == 0o005, f"{path}: Postfix's own user must get in"
    words = [str(command), "-c", str(folder / "config")]
    done = subprocess.run([*words, "start"], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"postfix did not start: {done.stderr.strip()}{done.stdout.strip()}")
    try:
        until(lambda: answers(port))
        yield port
    finally:
        subprocess.run([*words, "stop"], capture_output=True, check=False)


@contextmanager
def delivering(server: Dovecot, user: User, address: str, theirs: str, sink: int) -> Iterator[int]:
    """The port of a Postfix that delivers mail for `address` to this user, and mail for the domain
    `theirs` to the SMTP server at port `sink`."""
    owner, folder = server_user(), temporary_folder("postfix")
    folder.chmod(0o755)
    delivery = DELIVERED.format(
        mail=server.folder / "mail",
        address=address,
        ours=address.rpartition("@")[2],
        theirs=theirs,
        user=user.name,
        uid=owner.pw_uid,
        gid=owner.pw_gid,
        sink=sink,
    )
    try:
        with running(folder / "mx", delivery) as port:
            yield port
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sent(folder: Path) -> int:
    """How many mails its log says went through the queue; waits for the queue to run empty."""
    queue = [folder / "queue" / name for name in ("incoming", "active", "maildrop")]
    until(lambda: not any(path.is_file() for each in queue for path in each.rglob("*")), 60)
    # What was delivered was reported before it left the queue, and reports are written in order.
    command, mark = find(), f"mark {secrets.token_hex(8)}"
    assert command is not None
    words = [str(command.parent / "postlog"), "-c", str(folder / "config"), mark]
    subprocess.run(words, check=True, capture_output=True)
    log = folder / "log"
    until(lambda: mark in log.read_text(errors="replace"), 60)
    return log.read_text(errors="replace").count(" status=sent ")
