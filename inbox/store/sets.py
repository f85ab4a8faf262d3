"""What admins own, as it was activated: rules, teams, policies, by content hash.

Nodes and starts use the active hash, so a bad file never replaces a good set (DESIGN I8).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from inbox.store.database import Conn, insert_or_ignore, upsert
from inbox.store.set_tables import active_sets, config_sets
from routing.problems import Problem


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
        ActiveSet(
            row.kind,
            row.hash,
            row.files,
            row.activated_at,
            tuple({k: v for k, v in one.items() if k != _REFUSED_AT} for one in row.problems),
        )
        for row in conn.execute(_ACTIVE)
    )


_REFUSED_AT = "refused_at"
"""In a stored problem: when its file was refused, in ISO 8601."""


def by_hash(conn: Conn, kind: str, set_hash: str) -> Mapping[str, str] | None:
    """The files of a set that was active once, or None."""
    found = conn.scalar(
        select(config_sets.c.files).where(
            config_sets.c.kind == kind, config_sets.c.hash == set_hash
        )
    )
    return found if found is None else dict(found)


def activate(conn: Conn, kind: str, set_hash: str, files: Mapping[str, str], now: datetime) -> bool:
    """Put a set in force; False where it already was. Also mends what is stored of it."""
    current = conn.scalar(select(active_sets.c.hash).where(active_sets.c.kind == kind))
    upsert(
        conn,
        config_sets,
        {"kind": kind, "hash": set_hash, "files": dict(files), "first_active_at": now},
        key=("hash", "kind"),
        set_={"files": dict(files)},
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


def keep(conn: Conn, kind: str, set_hash: str, files: Mapping[str, str], now: datetime) -> None:
    """Make a set known by its hash without putting it in force; nothing where it is known."""
    row = {"kind": kind, "hash": set_hash, "files": dict(files), "first_active_at": now}
    insert_or_ignore(conn, config_sets, row)


def earlier(
    conn: Conn, kind: str, but: str, *, limit: int = 20
) -> Iterator[tuple[str, Mapping[str, str]]]:
    """(hash, files) of the other sets of a kind, the newest first, read one by one."""
    found = conn.scalars(
        select(config_sets.c.hash)
        .where(config_sets.c.kind == kind, config_sets.c.hash != but)
        .order_by(config_sets.c.first_active_at.desc(), config_sets.c.hash)
        .limit(limit)
    ).all()
    for one in found:
        files = by_hash(conn, kind, one)
        if files is not None:
            yield one, files


def known_hashes(conn: Conn) -> tuple[str, ...]:
    """The hashes of all sets that were ever in force or stood in."""
    return tuple(conn.scalars(select(config_sets.c.hash).order_by(config_sets.c.hash)))


NONE_IN_FORCE = ""
"""The hash of a kind whose only files so far were refused."""


def refuse(
    conn: Conn, kind: str, problems: Sequence[Mapping[str, Any]], now: datetime | None = None
) -> None:
    """Note why the newest files of a kind were refused, and when; the set in force stays.

    Where none is in force yet that is noted only with `now`.
    """
    when = {} if now is None else {_REFUSED_AT: now.isoformat()}
    told = [{**problem, **when} for problem in problems]
    done = conn.execute(
        active_sets.update().where(active_sets.c.kind == kind).values(problems=told)
    )
    if not done.rowcount and told and now is not None:
        row = {"kind": kind, "hash": NONE_IN_FORCE, "activated_at": now, "problems": told}
        conn.execute(active_sets.insert(), row)


def refused(conn: Conn, kind: str = "") -> tuple[Problem, ...]:
    """Why newer files of this kind, or any, were refused, or what is in force cannot be used."""
    wanted = select(active_sets.c.problems).order_by(active_sets.c.kind)
    found = conn.scalars(wanted.where(active_sets.c.kind == kind) if kind else wanted)
    made = (_problem(one) for problems in found for one in problems)
    return tuple(dict.fromkeys(made))


def refused_at(conn: Conn, kind: str) -> datetime | None:
    """When files of this kind were refused last; None where the newest ones were not."""
    found = conn.scalar(select(active_sets.c.problems).where(active_sets.c.kind == kind)) or ()
    times = [datetime.fromisoformat(one[_REFUSED_AT]) for one in found if _REFUSED_AT in one]
    return max(times, default=None)


def _problem(stored: Mapping[str, Any]) -> Problem:
    return Problem(
        file=str(stored.get("file", "")),
        line=int(stored.get("line", 0)),
        column=int(stored.get("column", 0)),
        code=str(stored.get("code", "")),
        message=str(stored.get("message", "")),
        hint=str(stored.get("hint", "")),
        severity=str(stored.get("severity", "error")),
    )


def withdraw(conn: Conn, kind: str) -> None:
    """Take a set of this kind out of force; what it held stays known by its hash."""
    conn.execute(active_sets.delete().where(active_sets.c.kind == kind))


_HASHES = select(active_sets.c.kind, active_sets.c.hash)


def active_hashes(conn: Conn) -> dict[str, str]:
    """kind -> hash of every set in force."""
    return {row.kind: row.hash for row in conn.execute(_HASHES)}
