"""A private Postfix for the tests: it delivers into the tests' Dovecot and to a sink, on the loopback.

Its own folder, queue and port; nothing of the machine's Postfix is touched. `master` needs root.
"""

from __future__ import annotations

import os
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
PLACES = "/usr/sbin:/usr/local/sbin"
MASTER = """\
127.0.0.1:{port} inet n - n - 20 smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
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
myhostname = mx.ours.test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
alias_database =
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
smtpd_tls_security_level = none
smtp_dns_support_level = disabled
virtual_mailbox_domains = {ours}
virtual_mailbox_base = {mail}
virtual_mailbox_maps = inline:{{ {address}={user}/Maildir/ }}
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
transport_maps = inline:{{ {theirs}=smtp:[127.0.0.1]:{sink} }}
"""


@cache
def find() -> Path | None:
    """The `postfix` command, or None."""
    found = shutil.which("postfix", path=PLACES)
    return None if found is None else Path(found)


def missing() -> str | None:
    """Why tests cannot have Postfix here, or None when they can."""
    if find() is None or not any(place.is_dir() for place in DAEMONS):
        return "no Postfix (apt: postfix)"
    return None if os.geteuid() == 0 else "Postfix's master needs root"


def describe() -> str:
    """What there is, for the closing line."""
    return "Postfix none" if find() is None else "Postfix"


@contextmanager
def running(server: Dovecot, user: User, address: str, theirs: str, sink: int) -> Iterator[int]:
    """The port of a Postfix that delivers mail for `address` to this user, and mail for the domain
    `theirs` to the SMTP server at port `sink`."""
    folder = temporary_folder("postfix")
    folder.chmod(0o755)
    port, owner, command = free_port(), server_user(), find()
    assert command is not None
    for name in ("config", "queue", "data"):
        (folder / name).mkdir(mode=0o755)
    shutil.chown(folder / "data", "postfix")
    main = MAIN.format(
        folder=folder,
        commands=command.parent,
        daemons=next(place for place in DAEMONS if place.is_dir()),
        mail=server.folder / "mail",
        address=address,
        ours=address.rpartition("@")[2],
        theirs=theirs,
        user=user.name,
        uid=owner.pw_uid,
        gid=owner.pw_gid,
        sink=sink,
    )
    (folder / "config" / "main.cf").write_text(main)
    (folder / "config" / "master.cf").write_text(MASTER.format(port=port))
    words = [str(command), "-c", str(folder / "config")]
    done = subprocess.run([*words, "start"], capture_output=True, text=True)
    try:
        if done.returncode != 0:
            raise RuntimeError(f"postfix did not start: {done.stderr}{done.stdout}")
        until(lambda: answers(port))
        yield port
    finally:
        subprocess.run([*words, "stop"], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)
