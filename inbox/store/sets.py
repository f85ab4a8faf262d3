"""What admins own, as it was activated: rules, teams, policies, by content hash.

Nodes and starts use the active hash, so a bad file never replaces a good set (DESIGN I8).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from inbox.store.database import Conn, insert_or_ignore, upsert
from inbox.store.tables import active_sets, config_sets


@dataclass(frozen=True, slots=True)
class ActiveSet:
    """The set of one kind in force, and what was wrong with newer files that were refused."""

    kind: str
    hash: str
    files: Mapping[str, str]
    """File name -> text, in name order."""
    activated_at: datetime
    problems: tuple[Mapping[str, Any], ...]


_ACTIVE = (
    select(active_sets, config_sets.c.files)
    .join(
        config_sets,
        (config_sets.c.kind == active_sets.c.kind) & (config_sets.c.hash == active_sets.c.hash),
    )
    .order_by(active_sets.c.kind)
)


def active(conn: Conn, kind: str) -> ActiveSet | None:
    """The set in force, or None before the first activation."""
    return next((one for one in everything_active(conn) if one.kind == kind), None)


def everything_active(conn: Conn) -> tuple[ActiveSet, ...]:
    """All sets in force, in one statement, so that they belong together."""
    return tuple(
        ActiveSet(row.kind, row.hash, row.files, row.activated_at, tuple(row.problems))
        for row in conn.execute(_ACTIVE)
    )


def by_hash(conn: Conn, kind: str, set_hash: str) -> Mapping[str, str] | None:
    """The files of a set that was active once, or None."""
    found = conn.scalar(
        select(config_sets.c.files).where(
            config_sets.c.kind == kind, config_sets.c.hash == set_hash
        )
    )
    return found if found is None else dict(found)


def activate(conn: Conn, kind: str, set_hash: str, files: Mapping[str, str], now: datetime) -> bool:
    """Put a set in force; False where it already was."""
    current = conn.scalar(select(active_sets.c.hash).where(active_sets.c.kind == kind))
    insert_or_ignore(
        conn,
        config_sets,
        {"kind": kind, "hash": set_hash, "files": dict(files), "first_active_at": now},
    )
    values = {"hash": set_hash, "activated_at": now, "problems": []}
    if current == set_hash:
        values.pop("activated_at")
    upsert(
        conn,
        active_sets,
        {"kind": kind, "activated_at": now, **values},
        key=("kind",),
        set_=values,
    )
    return bool(current != set_hash)


def refuse(conn: Conn, kind: str, problems: Sequence[Mapping[str, Any]]) -> None:
    """Note why the newest files of a kind were refused; the set in force stays."""
    conn.execute(
        active_sets.update()
        .where(active_sets.c.kind == kind)
        .values(problems=[dict(problem) for problem in problems])
    )


def withdraw(conn: Conn, kind: str) -> None:
    """Take a set of this kind out of force; what it held stays known by its hash."""
    conn.execute(active_sets.delete().where(active_sets.c.kind == kind))


_HASHES = select(active_sets.c.kind, active_sets.c.hash)


def active_hashes(conn: Conn) -> dict[str, str]:
    """kind -> hash of every set in force."""
    return {row.kind: row.hash for row in conn.execute(_HASHES)}
