"""The secrets behind reply addresses and reverse-paths: the newest signs, all of them verify."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from inbox.store.database import Conn, only_one
from inbox.store.outbox_tables import signing_keys


def everything(conn: Conn) -> tuple[bytes, ...]:
    """All secrets, the newest first."""
    newest_first = select(signing_keys.c.secret).order_by(signing_keys.c.id.desc())
    return tuple(bytes(one) for one in conn.scalars(newest_first))


def add(conn: Conn, secret: bytes, now: datetime) -> None:
    """Sign with this one from now on."""
    conn.execute(signing_keys.insert().values(secret=secret, created_at=now))


def ensure(conn: Conn, secret: bytes, now: datetime) -> None:
    """Add `secret` where there is none yet; two nodes that start together keep one."""
    only_one(conn)
    if conn.scalar(select(signing_keys.c.id).limit(1)) is None:
        add(conn, secret, now)
