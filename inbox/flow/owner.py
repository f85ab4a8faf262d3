"""Who holds a lease: one process on one host, named so that another can tell whether it lives.

The name is NODE/PID/TOKEN/RANDOM. The token stands for the boot and the instant in it at which
the process started, so that a process that got the number of a dead one is not taken for it.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from datetime import datetime
from pathlib import Path

from inbox.store import leases
from inbox.store.database import Database

MOST_LETTERS = 80
"""Letters that the store has for an owner."""

FEW_ATTEMPTS = 10
"""Times `most_attempts` after which a mail is no longer tried that nobody was left to judge."""

_NODE_LETTERS = 46
_UNKNOWN = "0"
_PROC = Path("/proc")


def new_owner(node: str) -> str:
    """A name for this process as an owner of leases, at most 80 letters; another at each call."""
    pid = os.getpid()
    return f"{_short(node)}/{pid}/{_token(pid)}/{secrets.token_hex(4)}"


def is_gone(owner: str, node: str) -> bool:
    """Did this owner belong to `node`, and is its process no more?

    Only a process of the same host can be asked for, and a node is on one host. A bare node name
    tells of no process that could be alive.
    """
    if owner == node:
        return True
    parts = owner.rsplit("/", 3)
    if len(parts) != 4 or parts[0] != _short(node) or not parts[1].isdecimal():
        return False
    return not _lives(int(parts[1]), parts[2])


def recover(db: Database, node: str, most_attempts: int, now: datetime) -> int:
    """Give back what dead processes of `node` held, as it starts again; how many mails.

    Leases of living processes of the same node are left alone; those that ran out need nothing.
    A mail that was attempted again and again, and never judged, because it brings the whole node
    down, goes to quarantine. Raises `StoreError`.
    """
    most = FEW_ATTEMPTS * most_attempts
    detail = (
        f"its worker or the whole node ended at each of {most} attempts or more;"
        " `aboard mail quarantine retry` tries it again"
    )
    with db.write() as conn:
        gone = [owner for owner in leases.owners(conn) if is_gone(owner, node)]
        count = leases.release_owners(conn, gone, now)
        leases.quarantine_repeated(conn, attempts=most, now=now, detail=detail)
    return count


def _short(node: str) -> str:
    """The node's name, or where it is too long its beginning and a hash of all of it."""
    if len(node) <= _NODE_LETTERS:
        return node
    return f"{node[: _NODE_LETTERS - 13]}-{hashlib.sha256(node.encode()).hexdigest()[:12]}"


def _lives(pid: int, token: str) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # it is somebody else's; the token tells whether it can be the one
    current = _token(pid)
    return _UNKNOWN in (token, current) or token == current


def _token(pid: int) -> str:
    """Stands for boot and start of a process (proc(5), field 22); `0` where it is not told."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text()
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (OSError, UnicodeDecodeError):
        return _UNKNOWN
    if fields[0] in ("Z", "X"):
        return "dead"  # a zombie holds its number but will not file any more
    return hashlib.sha256(f"{boot}{fields[19]}".encode()).hexdigest()[:12]
