"""What our own people are told by mail: written as it happens; `flow.leaving.agent_post` tells."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import distinct, func, select, update

from inbox.store.agent_tables import MOST_KEY, agent_choices, agent_notices
from inbox.store.columns import fitting
from inbox.store.database import Conn, insert_or_ignore, upsert

PENDING, SENT, SKIPPED = "pending", "sent", "skipped"


@dataclass(frozen=True, slots=True)
class NewNotice:
    """One thing that one person is to be told."""

    key: str
    """What happened and whom it is told."""
    person_id: int
    thread_id: int
    kind: str
    at: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice as it is stored."""

    id: int
    person_id: int
    thread_id: int
    kind: str
    data: Mapping[str, Any]
    at: datetime
    state: str
    item_id: int | None
    seen_id: int | None


_COLUMNS = tuple(agent_notices.c[name] for name in Notice.__slots__)


def add(conn: Conn, notices: Sequence[NewNotice]) -> None:
    """Write those that are not there under their key yet."""
    rows = [
        {
            "key": fitting(one.key, MOST_KEY),
            "person_id": one.person_id,
            "thread_id": one.thread_id,
            "kind": one.kind,
            "data": dict(one.data),
            "at": one.at,
            "state": PENDING,
        }
        for one in notices
    ]
    if rows:
        insert_or_ignore(conn, agent_notices, rows)


def any_pending(conn: Conn) -> bool:
    """Has anybody to be told anything? Reads one index entry."""
    wanted = select(agent_notices.c.id).where(agent_notices.c.state == PENDING).limit(1)
    return conn.scalar(wanted) is not None


def pending(conn: Conn, limit: int) -> tuple[Notice, ...]:
    """What has to be told, person by person, oldest first."""
    wanted = (
        select(*_COLUMNS)
        .where(agent_notices.c.state == PENDING)
        .order_by(agent_notices.c.person_id, agent_notices.c.id)
        .limit(limit)
    )
    return tuple(Notice(*row) for row in conn.execute(wanted))


def told_since(conn: Conn, person_id: int, since: datetime) -> int:
    """How many mails told this person something since then."""
    wanted = (
        select(func.count(distinct(agent_notices.c.item_id)))
        .where(agent_notices.c.person_id == person_id, agent_notices.c.state == SENT)
        .where(agent_notices.c.settled_at > since)
    )
    return int(conn.scalar(wanted) or 0)


def settle(
    conn: Conn,
    ids: Collection[int],
    state: str,
    now: datetime,
    *,
    item_id: int | None = None,
    seen_id: int | None = None,
    why: str = "",
) -> None:
    """These notices were told by an item, or are not going to be."""
    conn.execute(
        update(agent_notices)
        .where(agent_notices.c.id.in_(ids), agent_notices.c.state == PENDING)
        .values(state=state, settled_at=now, item_id=item_id, seen_id=seen_id, why=why or None)
    )


def of_item(conn: Conn, item_id: int) -> tuple[Notice, ...]:
    """What a mail told, oldest first; empty for an item that is no notice."""
    wanted = select(*_COLUMNS).where(agent_notices.c.item_id == item_id)
    return tuple(Notice(*row) for row in conn.execute(wanted.order_by(agent_notices.c.id)))


def want_none(conn: Conn) -> frozenset[int]:
    """Who wants no notices by mail."""
    off = select(agent_choices.c.person_id).where(agent_choices.c.by_mail.is_(False))
    return frozenset(conn.scalars(off))


def by_mail(conn: Conn, person_id: int) -> bool:
    """Does this person get notices by mail? Everybody does who has not said no."""
    chosen = select(agent_choices.c.by_mail).where(agent_choices.c.person_id == person_id)
    return conn.scalar(chosen) is not False


def choose(conn: Conn, person_id: int, by_mail: bool, now: datetime) -> None:
    """Whether a person wants notices by mail from now on."""
    values = {"by_mail": by_mail, "changed_at": now}
    upsert(conn, agent_choices, {"person_id": person_id, **values}, key=("person_id",), set_=values)
