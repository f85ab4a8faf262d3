"""What a list says of a thread: with whom it is, what was said last, and whose turn it is.

An acknowledgement or a reminder of ours is no answer and says nothing new: a list that showed it
would read the same in every row. So it is passed over wherever somebody else has said something.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ScalarSelect, func, or_, select

from inbox.store.database import Conn
from inbox.store.tables import attachments, messages, threads


@dataclass(frozen=True, slots=True)
class LastWords:
    """Of one thread; all of it empty where it holds no message."""

    from_name: str = ""
    from_address: str = ""
    preview: str = ""
    ours: bool = False
    """Was that said by us?"""
    with_name: str = ""
    with_address: str = ""
    """Who of the other side wrote last, as far as anybody did."""
    theirs: bool = False
    """Of what people wrote, is the newest theirs? Then it is our turn."""
    attachments: int = 0
    """Files of all its messages."""


def _newest(*conditions: Any) -> ScalarSelect[int]:
    """The number of the newest such message of the row of `threads` in the query around it."""
    one = messages.alias()
    return (
        select(one.c.id)
        .where(one.c.thread_id == threads.c.id, *(condition(one.c) for condition in conditions))
        .order_by(one.c.received_at.desc(), one.c.id.desc())
        .limit(1)
        .correlate(threads)
        .scalar_subquery()
    )


def _incoming(column: Any) -> Any:
    return column.direction == "in"


def _by_a_person(column: Any) -> Any:
    return column.automatic == "none"


def _tells(column: Any) -> Any:
    return or_(_incoming(column), _by_a_person(column))


def of_threads(conn: Conn, thread_ids: Sequence[int]) -> dict[int, LastWords]:
    """thread -> its last words, in one statement."""
    if not thread_ids:
        return {}
    said, they, person = messages.alias("said"), messages.alias("they"), messages.alias("person")
    one = messages.alias("one")
    files = (
        select(func.count())
        .select_from(attachments.join(one, one.c.id == attachments.c.message_id))
        .where(one.c.thread_id == threads.c.id, attachments.c.inline.is_(False))
        .correlate(threads)
        .scalar_subquery()
    )
    any_other = _newest()
    of_them = func.coalesce(_newest(_incoming, _by_a_person), _newest(_incoming), any_other)
    source = (
        threads.join(said, said.c.id == func.coalesce(_newest(_tells), any_other))
        .join(they, they.c.id == of_them)
        .outerjoin(person, person.c.id == _newest(_by_a_person))
    )
    statement = (
        select(
            threads.c.id,
            said.c.from_name,
            said.c.from_address,
            func.substr(said.c.visible_text, 1, 240).label("preview"),
            said.c.direction,
            they.c.from_name.label("with_name"),
            they.c.from_address.label("with_address"),
            person.c.direction.label("turn"),
            files.label("attachments"),
        )
        .select_from(source)
        .where(threads.c.id.in_(thread_ids))
    )
    return {
        row.id: LastWords(
            from_name=row.from_name,
            from_address=row.from_address,
            preview=row.preview,
            ours=row.direction == "out",
            with_name=row.with_name,
            with_address=row.with_address,
            theirs=row.turn == "in",
            attachments=row.attachments,
        )
        for row in conn.execute(statement)
    }
