"""The outbox: what is to leave, put in once per key, claimed by lease and fence, settled once.

`phase` is committed before each part of the SMTP dialogue. Whoever claims an item, and whoever
takes it away from its courier, raises its fence: a courier that comes back late changes nothing.
Looking at items, and what people do with them, is in `outbox_desk.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, or_, select, update

from inbox.mail.outgoing import CONNECT, WAITING, RecipientOutcome
from inbox.store.database import Conn, Keys, insert_or_ignore, skip_locked
from inbox.store.intake import Packed, unpack
from inbox.store.outbox_tables import outbox, outbox_recipients
from inbox.store.tables import raw_mail


class ItemLost(Exception):
    """The item is no longer this courier's: its lease ran out, or somebody cancelled it."""


@dataclass(frozen=True, slots=True)
class NewItem:
    """A mail that is to leave; its bytes never change again."""

    key: str
    kind: str
    """`automatic`, `reply` or `notice`."""
    mail_id: str
    raw: Packed
    subject: str
    reverse_path: str
    recipients: tuple[tuple[str, str], ...]
    """(address, `to`, `cc` or `bcc`)."""
    created_at: datetime
    run_after: datetime
    expires_at: datetime
    held: bool
    """Nobody carries mail: a person has to release it."""
    thread_id: int | None = None
    account_id: int | None = None
    template: str | None = None
    by_id: int | None = None
    answers_id: int | None = None
    cancel_if_answered: bool = False


@dataclass(frozen=True, slots=True)
class Enqueued:
    """An item, and whether it is new or was there under its key already."""

    item_id: int
    fresh: bool


@dataclass(frozen=True, slots=True)
class Lease:
    """One claim of one item."""

    item_id: int
    fence: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """An item that one courier holds, with what it needs to carry it."""

    lease: Lease
    kind: str
    thread_id: int | None
    account_id: int | None
    by_id: int | None
    template: str | None
    answers_id: int | None
    mail_id: str
    subject: str
    reverse_path: str
    recipients: tuple[str, ...]
    """Those that nobody has accepted or refused yet."""
    raw_id: int
    packing: str
    content: bytes
    attempts: int
    """This one included."""
    created_at: datetime
    expires_at: datetime
    cancel_if_answered: bool
    message_id: int | None
    """As it is on the timeline already, where an earlier attempt reached somebody."""
    phase: str
    """How far the claim got; a claim just made is at `connect`."""

    @property
    def raw(self) -> bytes:
        """The bytes to send."""
        return unpack(self.packing, self.content)


def enqueue(conn: Conn, new: NewItem) -> Enqueued:
    """Put an item in, unless its key is there: then that item stays as it is and is named.

    Two transactions with one key: the second waits for the first and finds its item.
    """
    there = conn.scalar(select(outbox.c.id).where(outbox.c.key == new.key))
    if there is not None:
        return Enqueued(there, fresh=False)
    raw_id = _store_raw(conn, new)
    item_id = Keys(conn, outbox, 1).take()
    if insert_or_ignore(conn, outbox, _values(new, item_id, raw_id)) == 0:
        conn.execute(raw_mail.delete().where(raw_mail.c.id == raw_id))
        there = conn.scalar(select(outbox.c.id).where(outbox.c.key == new.key))
        assert there is not None, f"Message-ID {new.mail_id} is in use under another key"
        return Enqueued(there, fresh=False)
    rows = [
        {"item_id": item_id, "address": address, "field": field, "state": "pending"}
        for address, field in dict(reversed(new.recipients)).items()
    ]
    conn.execute(outbox_recipients.insert(), rows)
    return Enqueued(item_id, fresh=True)


def _store_raw(conn: Conn, new: NewItem) -> int:
    raw = new.raw
    row = {
        "sha256": raw.sha256,
        "size": raw.size,
        "packing": raw.packing,
        "content": raw.content,
        "stored_at": new.created_at,
    }
    insert_or_ignore(conn, raw_mail, row)
    return int(
        conn.execute(select(raw_mail.c.id).where(raw_mail.c.sha256 == raw.sha256)).scalar_one()
    )


def _values(new: NewItem, item_id: int, raw_id: int) -> dict[str, Any]:
    same = (
        "key", "kind", "template", "thread_id", "account_id", "by_id", "answers_id", "mail_id",
        "subject", "reverse_path", "cancel_if_answered", "created_at", "run_after", "expires_at",
    )  # fmt: skip
    state = "held" if new.held else "queued"
    return {name: getattr(new, name) for name in same} | {
        "id": item_id,
        "raw_id": raw_id,
        "state": state,
    }


# --- Claiming --------------------------------------------------------------------------------

_DUE = (
    select(outbox.c.id)
    .where(outbox.c.state == "queued")
    .where(outbox.c.run_after <= bindparam("now"))
    .order_by(outbox.c.run_after, outbox.c.id)
)


def any_due(conn: Conn, now: datetime) -> bool:
    """Is there anything for a courier? Asked before a claim, which takes the write lock."""
    statement = (
        select(outbox.c.id)
        .where(outbox.c.state.in_(("queued", "sending")), outbox.c.run_after <= now)
        .where(or_(outbox.c.leased_until.is_(None), outbox.c.leased_until < now))
        .limit(1)
    )
    return conn.scalar(statement) is not None


def claim(
    conn: Conn, *, owner: str, limit: int, now: datetime, lease_for: timedelta
) -> tuple[Claimed, ...]:
    """Take up to `limit` due items; the attempt is counted by this very write."""
    ids = conn.scalars(skip_locked(conn, _DUE.limit(limit)), {"now": now}).all()
    if not ids:
        return ()
    conn.execute(
        update(outbox)
        .where(outbox.c.id.in_(ids))
        .values(
            state="sending",
            phase=CONNECT,
            attempts=outbox.c.attempts + 1,
            fence=outbox.c.fence + 1,
            leased_by=owner,
            leased_until=now + lease_for,
        )
    )
    return held(conn, ids)


def held(conn: Conn, ids: Sequence[int]) -> tuple[Claimed, ...]:
    """Items as their couriers hold them."""
    waiting: dict[int, list[str]] = {}
    for row in conn.execute(
        select(outbox_recipients.c.item_id, outbox_recipients.c.address)
        .where(outbox_recipients.c.item_id.in_(ids), outbox_recipients.c.state == "pending")
        .order_by(outbox_recipients.c.item_id, outbox_recipients.c.address)
    ):
        waiting.setdefault(row.item_id, []).append(row.address)
    rows = conn.execute(
        select(outbox, raw_mail.c.packing, raw_mail.c.content)
        .join(raw_mail, raw_mail.c.id == outbox.c.raw_id)
        .where(outbox.c.id.in_(ids))
        .order_by(outbox.c.run_after, outbox.c.id)
    )
    return tuple(_claimed(row, tuple(waiting.get(row.id, ()))) for row in rows)


def _claimed(row: Any, recipients: tuple[str, ...]) -> Claimed:
    same = (
        "kind", "thread_id", "account_id", "by_id", "template", "answers_id", "mail_id", "subject",
        "reverse_path", "raw_id", "packing", "content", "attempts", "created_at", "expires_at",
        "cancel_if_answered", "message_id",
    )  # fmt: skip
    values = {name: getattr(row, name) for name in same}
    lease = Lease(row.id, row.fence)
    return Claimed(lease=lease, recipients=recipients, phase=row.phase or "", **values)


def owners(conn: Conn) -> tuple[str, ...]:
    """Everybody who holds an item."""
    found = conn.scalars(select(outbox.c.leased_by).where(outbox.c.state == "sending").distinct())
    return tuple(one for one in found if one is not None)


def abandoned(
    conn: Conn, *, gone: Iterable[str], now: datetime, limit: int = 100
) -> tuple[Claimed, ...]:
    """Items whose lease ran out or whose courier is gone, taken away from it by a higher fence."""
    statement = (
        select(outbox.c.id)
        .where(outbox.c.state == "sending")
        .where(or_(outbox.c.leased_until < now, outbox.c.leased_by.in_(tuple(gone))))
        .order_by(outbox.c.id)
        .limit(limit)
    )
    ids = conn.scalars(skip_locked(conn, statement)).all()
    if not ids:
        return ()
    conn.execute(update(outbox).where(outbox.c.id.in_(ids)).values(fence=outbox.c.fence + 1))
    return held(conn, ids)


# --- On the way ------------------------------------------------------------------------------

_MINE = (
    update(outbox)
    .where(outbox.c.id == bindparam("the_id"), outbox.c.fence == bindparam("the_fence"))
    .where(outbox.c.state == "sending")
)
_PHASE = _MINE.values(phase=bindparam("new_phase"), leased_until=bindparam("until"))
_COUNTED = {"preserve_rowcount": True}


def note_phase(conn: Conn, lease: Lease, phase: str, until: datetime) -> None:
    """Write down that this phase is about to begin. Raises `ItemLost`."""
    how = {"the_id": lease.item_id, "the_fence": lease.fence, "new_phase": phase, "until": until}
    if conn.execute(_PHASE, how, execution_options=_COUNTED).rowcount != 1:
        raise ItemLost(f"outbox item {lease.item_id} was taken away or cancelled")


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of one attempt."""

    state: str
    """`sent`, `queued` (again), `failed`, `uncertain`, `cancelled` or `expired`."""
    cause: str | None = None
    detail: str | None = None
    run_after: datetime | None = None
    """When it is tried again, where it is."""
    by_recipient: tuple[RecipientOutcome, ...] = ()


def settle(conn: Conn, lease: Lease, done: Settlement, now: datetime) -> None:
    """Write the outcome of an attempt and give the item back. Raises `ItemLost`."""
    again = done.state == "queued"
    values: dict[str, Any] = {
        "state": done.state,
        "cause": done.cause,
        "detail": None if done.detail is None else done.detail[:4_000],
        "leased_by": None,
        "leased_until": None,
        "settled_at": None if again else now,
    }
    if done.state != "uncertain":
        values["phase"] = None
    if done.run_after is not None:
        values["run_after"] = done.run_after
    mine = {"the_id": lease.item_id, "the_fence": lease.fence}
    statement = _MINE.values(**values)
    if conn.execute(statement, mine, execution_options=_COUNTED).rowcount != 1:
        raise ItemLost(f"outbox item {lease.item_id} was taken away or cancelled")
    for one in done.by_recipient:
        _note_outcome(conn, lease.item_id, one, now)


def _note_outcome(conn: Conn, item_id: int, one: RecipientOutcome, now: datetime) -> None:
    answer = one.answer
    conn.execute(
        update(outbox_recipients)
        .where(outbox_recipients.c.item_id == item_id, outbox_recipients.c.address == one.address)
        .where(outbox_recipients.c.state == "pending")
        .values(
            state="pending" if one.state == WAITING else one.state,
            code=None if answer is None else answer.code,
            status=None if answer is None else answer.status[:12] or None,
            reply=None if answer is None else answer.text[:500],
            at=now,
        )
    )


def note_message(conn: Conn, item_id: int, message_id: int) -> None:
    """Say which message on the timeline the item is."""
    conn.execute(update(outbox).where(outbox.c.id == item_id).values(message_id=message_id))
