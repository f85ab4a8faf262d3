"""Password hashes, one-time tokens, and how often signing in failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, func, or_, select, update

from inbox.store.access_tables import credentials, failures, one_time_tokens
from inbox.store.database import Conn, for_update, insert_or_ignore, upsert
from inbox.store.people import Person
from inbox.store.tables import people


def find(conn: Conn, typed: str) -> tuple[Person, str | None] | None:
    """The active person with this handle or mail address, and their password's hash if any."""
    wanted = typed.strip().lower()
    row = conn.execute(
        select(people, credentials.c.password)
        .outerjoin(credentials, credentials.c.person_id == people.c.id)
        .where(or_(func.lower(people.c.handle) == wanted, people.c.address == wanted))
        .where(people.c.active)
        .order_by(people.c.id)
        .limit(1)
    ).first()
    if row is None:
        return None
    return Person(row.id, row.handle, row.name, row.address, row.role, row.active), row.password


def password_of(conn: Conn, person_id: int) -> str | None:
    """The hash of somebody's password; None for who has none."""
    return conn.scalar(select(credentials.c.password).where(credentials.c.person_id == person_id))


def keep(conn: Conn, person_id: int, hashed: str, now: datetime) -> None:
    """Give somebody a password."""
    values = {"password": hashed, "changed_at": now}
    upsert(conn, credentials, {"person_id": person_id} | values, key=("person_id",), set_=values)


def forget(conn: Conn, person_id: int) -> None:
    """Take somebody's password away: only a one-time token lets them in again."""
    conn.execute(delete(credentials).where(credentials.c.person_id == person_id))


def holders(conn: Conn) -> dict[int, datetime]:
    """person -> when their password was set, of everybody who has one."""
    return {row.person_id: row.changed_at for row in conn.execute(select(credentials))}


def add_token(conn: Conn, person_id: int, digest: str, now: datetime, expires_at: datetime) -> None:
    """Give somebody a one-time token; one that they had before opens nothing any more."""
    withdraw_tokens(conn, person_id, now)
    row = {"hash": digest, "person_id": person_id, "created_at": now, "expires_at": expires_at}
    conn.execute(one_time_tokens.insert(), row)


def withdraw_tokens(conn: Conn, person_id: int, now: datetime) -> None:
    """Whatever tokens somebody has open nothing any more."""
    open_ = (one_time_tokens.c.person_id == person_id) & one_time_tokens.c.used_at.is_(None)
    conn.execute(update(one_time_tokens).where(open_).values(used_at=now))


def token_holder(conn: Conn, digest: str, now: datetime) -> int | None:
    """Whose token it is; None where it is unknown, used or expired."""
    return conn.scalar(
        select(one_time_tokens.c.person_id)
        .join(people, people.c.id == one_time_tokens.c.person_id)
        .where(one_time_tokens.c.hash == digest, one_time_tokens.c.used_at.is_(None))
        .where(one_time_tokens.c.expires_at > now, people.c.active)
    )


def use_token(conn: Conn, digest: str, now: datetime) -> bool:
    """Use a token up; False where somebody else did so just before."""
    unused = (one_time_tokens.c.hash == digest) & one_time_tokens.c.used_at.is_(None)
    return conn.execute(update(one_time_tokens).where(unused).values(used_at=now)).rowcount == 1


def failed(conn: Conn, keys: Sequence[str], now: datetime) -> dict[str, tuple[int, datetime]]:
    """key -> (how often signing in failed under it, when last); held until the transaction ends,
    so that of many attempts at once each sees those before it."""
    insert_or_ignore(conn, failures, [{"key": key, "count": 0, "last_at": now} for key in keys])
    columns = (failures.c.key, failures.c["count"], failures.c.last_at)
    statement = select(*columns).where(failures.c.key.in_(keys)).order_by(failures.c.key)
    found = conn.execute(for_update(conn, statement))
    return {key: (count, last_at) for key, count, last_at in found}


def note_failures(conn: Conn, counts: Mapping[str, int], now: datetime) -> None:
    """Write down how often signing in failed under each key by now."""
    for key, count in counts.items():
        row = failures.c.key == key
        conn.execute(update(failures).where(row).values(count=count, last_at=now))


def take_back(conn: Conn, keys: Sequence[str], forgotten_before: datetime) -> None:
    """An attempt was right: under the first key, the account's, all is forgotten, under the others
    this one; and whatever is long past."""
    mine, *others = keys
    conn.execute(
        update(failures)
        .where(failures.c.key.in_(others), failures.c["count"] > 0)
        .values(count=failures.c["count"] - 1)
    )
    gone = (failures.c.key == mine) | (failures.c.last_at <= forgotten_before)
    conn.execute(delete(failures).where(gone))
