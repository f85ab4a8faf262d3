"""What our own people answer by mail: a row from filing on, settled once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update

from inbox.store.agent_tables import agent_mails
from inbox.store.database import Conn, for_update, insert_or_ignore

PENDING, HELD, DONE, REFUSED, IGNORED = "pending", "held", "done", "refused", "ignored"


@dataclass(frozen=True, slots=True)
class AgentMail:
    """A mail that came to the signed address of a notice."""

    message_id: int
    person_id: int
    item_id: int
    """The mail of ours that it answers."""
    thread_id: int | None
    """The customer's thread; None where that mail was about several."""
    seen_id: int | None
    at: datetime
    state: str
    steps_done: Sequence[str]
    why: str | None = None


_COLUMNS = tuple(agent_mails.c[name] for name in AgentMail.__slots__)


def add(conn: Conn, made: AgentMail) -> None:
    """Write one; a mail that is there already stays as it is."""
    row = {name: getattr(made, name) for name in AgentMail.__slots__}
    insert_or_ignore(conn, agent_mails, row | {"steps_done": list(made.steps_done)})


def pending(conn: Conn, limit: int) -> tuple[AgentMail, ...]:
    """Those that nothing has been done about, oldest first."""
    wanted = (
        select(*_COLUMNS)
        .where(agent_mails.c.state == PENDING)
        .order_by(agent_mails.c.message_id)
        .limit(limit)
    )
    return tuple(AgentMail(*row) for row in conn.execute(wanted))


def take(conn: Conn, message_id: int, now: datetime, lease: timedelta) -> bool:
    """Begin with a mail that waits; False where another node has, and is not long overdue."""
    free = or_(agent_mails.c.begun_at.is_(None), agent_mails.c.begun_at < now - lease)
    taken = conn.execute(
        update(agent_mails)
        .where(agent_mails.c.message_id == message_id, agent_mails.c.state == PENDING, free)
        .values(begun_at=now)
    )
    return bool(taken.rowcount)


def hold(conn: Conn, message_id: int, begun_at: datetime) -> AgentMail | None:
    """The mail that was begun with at this instant, held until the transaction ends; None where it
    is settled, or another node has begun with it again."""
    mine = select(*_COLUMNS).where(agent_mails.c.message_id == message_id)
    mine = mine.where(agent_mails.c.state == PENDING, agent_mails.c.begun_at == begun_at)
    row = conn.execute(for_update(conn, mine)).first()
    return None if row is None else AgentMail(*row)


def by_message(conn: Conn, message_id: int) -> AgentMail | None:
    """The one that this message is, or None."""
    row = conn.execute(select(*_COLUMNS).where(agent_mails.c.message_id == message_id)).first()
    return None if row is None else AgentMail(*row)


def save(conn: Conn, message_id: int, **values: Any) -> None:
    """Change `state`, `begun_at`, `steps_done`, `seen_id`, `settled_at` or `why`."""
    conn.execute(update(agent_mails).where(agent_mails.c.message_id == message_id).values(**values))
