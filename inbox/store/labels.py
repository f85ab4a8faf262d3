"""Labels: what people said about where a mail belongs; and how the classifier's routing fared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, update

from inbox.errors import NotFound
from inbox.store.database import Conn, new_key
from inbox.store.model_tables import labels
from inbox.store.seers import ALL, Seer, whole_messages
from inbox.store.tables import assignments, attachments, messages, people, threads

CHARACTERS = 40_000
"""Characters of a message's text that are read; the classifier looks at half of them."""


@dataclass(frozen=True, slots=True)
class NewLabel:
    """A person gave a thread to a team."""

    thread_id: int
    message_id: int
    team: str
    was_team: str
    was_decided_by: str
    by_id: int
    at: datetime
    opted_out: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    """A label as the list shows it."""

    id: int
    thread_id: int
    message_id: int
    team: str
    was_team: str
    was_decided_by: str
    by: str
    at: datetime
    opted_out: bool
    undone_at: datetime | None
    subject: str


@dataclass(frozen=True, slots=True)
class LabelledMail:
    """A message as training reads it, with the team that a person or the course of things gave."""

    label_id: int
    """0 where no person labelled it: a closed thread that nobody moved."""
    message_id: int
    thread_id: int
    account_id: int
    team: str
    subject: str
    text: str
    visible_text: str
    from_address: str
    forwarded: bool
    language: str
    received_at: datetime
    labelled_at: datetime
    """When the team became known: the label's time; without one, that of the thread's last mail."""
    attachments: tuple[str, ...] = ()


def first_incoming(conn: Conn, thread_id: int) -> int | None:
    """The message that a thread's team is decided by: its first one from the customer."""
    found = conn.scalar(
        select(messages.c.id)
        .where(messages.c.thread_id == thread_id, messages.c.direction == "in")
        .order_by(messages.c.received_at, messages.c.id)
        .limit(1)
    )
    return None if found is None else int(found)


def add(conn: Conn, label: NewLabel) -> int:
    """Write a label; its number."""
    values = {name: getattr(label, name) for name in label.__slots__}
    return new_key(conn.execute(labels.insert(), values))


def undo(conn: Conn, label_id: int, now: datetime) -> Label:
    """Take a label back: nothing is learned from it any more. Raises `NotFound`."""
    done = conn.execute(
        update(labels)
        .where(labels.c.id == label_id, labels.c.undone_at.is_(None))
        .values(undone_at=now)
    )
    found = _listed(conn, labels.c.id == label_id)
    if not found:
        raise NotFound(f"there is no label {label_id} (`aboard classifier labels` lists them)")
    if not done.rowcount:
        raise NotFound(f"label {label_id} was taken back already, at {found[0].undone_at}")
    return found[0]


def listing(conn: Conn, limit: int = 100) -> tuple[Label, ...]:
    """Labels, the newest first, those taken back too."""
    return _listed(conn, limit=limit)


def _listed(conn: Conn, *conditions: Any, limit: int = 1) -> tuple[Label, ...]:
    found = conn.execute(
        select(
            labels.c.id,
            messages.c.thread_id,
            labels.c.message_id,
            labels.c.team,
            labels.c.was_team,
            labels.c.was_decided_by,
            people.c.handle.label("by"),
            labels.c.at,
            labels.c.opted_out,
            labels.c.undone_at,
            messages.c.subject,
        )
        .join(messages, messages.c.id == labels.c.message_id)
        .join(people, people.c.id == labels.c.by_id)
        .where(*conditions)
        .order_by(labels.c.id.desc())
        .limit(limit)
    )
    return tuple(Label(**row._mapping) for row in found)


def _counts(at: Any = labels) -> ColumnElement[bool]:
    return and_(at.c.opted_out.is_(False), at.c.undone_at.is_(None))


_LATEST = select(func.max(labels.c.id)).where(_counts()).group_by(labels.c.message_id)
"""Of several labels of one mail the last that counts; taking it back revives the one before."""


def _mail(characters: int) -> tuple[ColumnElement[Any], ...]:
    """The columns of a message that are read, its texts no longer than `characters`."""
    return (
        messages.c.id.label("message_id"),
        messages.c.thread_id,
        messages.c.account_id,
        messages.c.subject,
        func.substr(messages.c.text, 1, characters).label("text"),
        func.substr(messages.c.visible_text, 1, characters).label("visible_text"),
        messages.c.from_address,
        messages.c.extras,
        messages.c.language,
        messages.c.received_at,
    )


def state(conn: Conn) -> tuple[int, int]:
    """(the newest label that counts, how many count): together they change with every change."""
    row = conn.execute(
        select(func.coalesce(func.max(labels.c.id), 0), func.count()).where(_counts())
    ).one()
    return int(row[0]), int(row[1])


@dataclass(frozen=True, slots=True)
class LabelOf:
    """A label that counts, and which mail it is of."""

    label_id: int
    message_id: int
    received_at: datetime
    team: str


def latest(conn: Conn) -> tuple[LabelOf, ...]:
    """The labels that count, one a mail, in their order; without any text."""
    found = conn.execute(
        select(labels.c.id, labels.c.message_id, messages.c.received_at, labels.c.team)
        .join(messages, messages.c.id == labels.c.message_id)
        .where(labels.c.id.in_(_LATEST))
        .order_by(labels.c.id)
    )
    return tuple(LabelOf(*row) for row in found)


def labelled(conn: Conn, only: Sequence[int] | None = None) -> tuple[LabelledMail, ...]:
    """The mails that people labelled, in the order of the labels; `only` those of these labels."""
    wanted = _LATEST if only is None else list(only)
    found = conn.execute(
        select(
            labels.c.id.label("label_id"),
            labels.c.team,
            labels.c.at.label("labelled_at"),
            *_mail(CHARACTERS),
        )
        .join(messages, messages.c.id == labels.c.message_id)
        .where(labels.c.id.in_(wanted))
        .order_by(labels.c.id)
    ).all()
    return _mails(conn, found)


def settled(conn: Conn, limit: int = 5_000) -> tuple[LabelledMail, ...]:
    """The first mails of closed threads that a rule or the classifier routed and nobody moved."""
    first = (
        select(func.min(messages.c.id))
        .where(messages.c.thread_id == threads.c.id, messages.c.direction == "in")
        .correlate(threads)
        .scalar_subquery()
    )
    told = select(labels.c.message_id)
    found = conn.execute(
        select(threads.c.team, threads.c.last_message_at.label("labelled_at"), *_mail(CHARACTERS))
        .select_from(threads.join(messages, messages.c.id == first))
        .where(
            threads.c.status == "closed",
            threads.c.merged_into_id.is_(None),
            threads.c.decided_by.in_(("rule", "classifier")),
            messages.c.id.not_in(told),
        )
        .order_by(threads.c.id.desc())
        .limit(limit)
    ).all()
    return _mails(conn, list(reversed(found)))


def of_messages(
    conn: Conn,
    message_ids: Sequence[int],
    characters: int = CHARACTERS,
    seer: Seer | None = ALL,
    *,
    received: bool = False,
) -> tuple[LabelledMail, ...]:
    """Messages with the team that their thread is with now, in the order of their numbers; those
    that the seer sees whole. With `received` only what came in: an acknowledgement of ours says
    nothing of what its thread is about."""
    came = [messages.c.direction == "in"] if received else []
    found = conn.execute(
        select(threads.c.team, *_mail(characters))
        .select_from(messages.join(threads, threads.c.id == messages.c.thread_id))
        .where(messages.c.id.in_(list(message_ids)), whole_messages(seer), *came)
        .order_by(messages.c.id)
    ).all()
    return _mails(conn, found)


def _mails(conn: Conn, rows: Sequence[Any]) -> tuple[LabelledMail, ...]:
    files: dict[int, list[str]] = {}
    ids = [row.message_id for row in rows]
    for start in range(0, len(ids), 5_000):
        for message_id, name in conn.execute(
            select(attachments.c.message_id, attachments.c.name)
            .where(
                attachments.c.message_id.in_(ids[start : start + 5_000]),
                attachments.c.inline.is_(False),
            )
            .order_by(attachments.c.id)
        ):
            files.setdefault(message_id, []).append(name)
    return tuple(
        LabelledMail(
            label_id=getattr(row, "label_id", 0),
            message_id=row.message_id,
            thread_id=row.thread_id,
            account_id=row.account_id,
            team=row.team,
            subject=row.subject,
            text=row.text,
            visible_text=row.visible_text,
            from_address=row.from_address,
            forwarded="forwarded" in row.extras,
            language=row.language or "",
            received_at=row.received_at,
            labelled_at=getattr(row, "labelled_at", row.received_at),
            attachments=tuple(files.get(row.message_id, ())),
        )
        for row in rows
    )


def moved_of_routed(conn: Conn, model_id: str, newest: int, since: datetime) -> tuple[bool, ...]:
    """Of the `newest` threads that a model routed by itself since then: did a person move it?

    The last one first. What the model said with corrections on top counts as its own.
    """
    routed = and_(
        assignments.c.decided_by == "classifier",
        assignments.c.at >= since,
        or_(
            assignments.c.model == model_id,
            assignments.c.model.startswith(f"{model_id}+", autoescape=True),
        ),
    )
    moved = (
        select(labels.c.id)
        .join(messages, messages.c.id == labels.c.message_id)
        .where(
            messages.c.thread_id == assignments.c.thread_id,
            labels.c.team != assignments.c.team,
            _counts(),
        )
        .exists()
    )
    found = conn.scalars(
        select(moved).where(routed).order_by(assignments.c.id.desc()).limit(newest)
    )
    return tuple(bool(one) for one in found)
