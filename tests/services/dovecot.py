"""A private Dovecot for the tests: IMAP on the loopback with users of our own; no SMTP, no POP3.

It has its own configuration in a temporary folder and knows nothing of the machine's. It runs as
the user who runs the tests; as root, everything but its master process runs as `nobody`.
"""

from __future__ import annotations

import grp
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path

from tests.services import guardian
from tests.services.place import (
    free_port,
    owned_folder,
    self_signed,
    server_user,
    temporary_folder,
)
from tests.services.tokens import Issuer
from tests.services.waiting import answers, until

CONFIGURATION = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
instance_name = {folder}
protocols = imap
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
mail_location = maildir:~/Maildir
mail_fsync = never
# Every test logs in a few times, often within one second, and sometimes wrongly on purpose.
mail_max_userip_connections = 200
auth_failure_delay = 0
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2 oauthbearer
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
# A file of users would be read again once a second only, later than a test needs its new user.
passdb {{
  driver = static
  mechanisms = plain login
  args = password=secret-of-%u
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {tokens}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
# Only root may chroot, and the penalty would slow down who tests a wrong password.
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""


@cache
def find() -> Path | None:
    """The Dovecot master program, or None."""
    places = ("/usr/sbin/dovecot", "/usr/local/sbin/dovecot", "/opt/homebrew/sbin/dovecot")
    return next((Path(place) for place in places if Path(place).exists()), None)


@cache
def version() -> str:
    """The number of `dovecot --version`, for instance `2.3.19.1`, or the empty text."""
    program = find()
    if program is None:
        return ""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.split()[0]


def missing() -> str | None:
    """Why tests cannot have Dovecot here, or None when they can."""
    if find() is None:
        return "no Dovecot (apt: dovecot-imapd)"
    if [int(part) for part in re.findall(r"\d+", version())[:2]] >= [2, 4]:
        return f"Dovecot {version()} is configured in another way than 2.3, which the tests know"
    if shutil.which("openssl") is None:
        return "no openssl to make Dovecot's certificate with"
    return None


def describe() -> str:
    """Name, version and place, for the closing line."""
    return f"Dovecot {version()}" if find() else "Dovecot none"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with a mailbox."""

    name: str
    password: str


class Dovecot:
    """A running server. Mailboxes live in `mail_folder(user)` as Maildir."""

    host = "localhost"

    def __init__(self, folder: Path) -> None:
        """Write a configuration into `folder`, which must be reachable for `server_user`."""
        self.folder = folder
        self.port, self.tls_port = free_port(), free_port()
        self.certificate, key = self_signed(folder)
        self.issuer = Issuer(folder)
        self._numbers = count(1)
        self._running: guardian.Guarded | None = None
        user = server_user()
        owned_folder(folder / "mail")
        (folder / "dovecot.conf").write_text(
            CONFIGURATION.format(
                folder=folder,
                user=user.pw_name,
                group=grp.getgrgid(user.pw_gid).gr_name,
                uid=user.pw_uid,
                gid=user.pw_gid,
                certificate=self.certificate,
                key=key,
                tokens=self.issuer.configuration,
                port=self.port,
                tls_port=self.tls_port,
            )
        )

    def start(self) -> None:
        """Start it, on the same ports as before. Raises RuntimeError with its log if it ends."""
        if self._running is not None:
            return
        program, config = str(find()), str(self.folder / "dovecot.conf")
        output = self.folder / "output"
        running = guardian.start([program, "-F", "-c", config], output, self.folder)
        until(lambda: running.ended() or (answers(self.port) and answers(self.tls_port)))
        if running.ended():
            log = self.folder / "log"
            told = log.read_text() if log.exists() else ""
            raise RuntimeError(f"Dovecot did not start: {running.said()}{told}")
        self._running = running

    def stop(self) -> None:
        """Stop it, as an outage does: connections are cut, mailboxes stay."""
        if self._running is not None:
            self._running.stop()
            self._running = None

    def new_user(self) -> User:
        """A user whose mailbox is empty, and whom no other test has."""
        name = f"user{next(self._numbers)}"
        return User(name, f"secret-of-{name}")

    def tls(self) -> ssl.SSLContext:
        """A context that trusts this server's certificate and checks its name."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def mail_folder(self, user: User, folder: str = "INBOX") -> Path:
        """Where the mails of a folder are."""
        root = self.folder / "mail" / user.name / "Maildir"
        return root if folder == "INBOX" else root / f".{folder}"

    def delete_index(self, user: User, folder: str = "INBOX") -> None:
        """Make the server forget the UIDs of a folder: a new UIDVALIDITY, the mails stay.

        The file `dovecot-uidvalidity` stays too. Without it the number would be the current second,
        and a test that takes less than one would get the old number again.
        """
        place = self.mail_folder(user, folder)
        for file in (*place.glob("dovecot.index*"), *place.glob("dovecot-uidlist*")):
            file.unlink()


@contextmanager
def running() -> Iterator[Dovecot]:
    """A Dovecot that is stopped and removed at the end, however the test process ends."""
    folder = temporary_folder("imap")
    server = Dovecot(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
