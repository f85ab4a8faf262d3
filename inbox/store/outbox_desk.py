"""The outbox as people see it: lists, one item's story, and what they may do with an item."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import ColumnElement, and_, func, or_, select, text, true, update

from inbox.errors import AboardError, NotFound
from inbox.mail.outgoing import CONNECT, ENVELOPE
from inbox.store.database import Conn, for_update
from inbox.store.outbox_tables import ITEM_STATES, outbox, outbox_recipients
from inbox.store.seers import ALL, Seer, hidden_threads
from inbox.store.tables import contact_addresses, messages, people


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient of an item, and what was said about them."""

    address: str
    field: str
    state: str
    code: int | None
    status: str | None
    reply: str | None
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Item:
    """An item without its bytes."""

    id: int
    key: str
    kind: str
    template: str | None
    thread_id: int | None
    account_id: int | None
    by: str | None
    by_id: int | None
    answers_id: int | None
    message_id: int | None
    raw_id: int
    mail_id: str
    subject: str
    reverse_path: str
    state: str
    phase: str | None
    cancel_if_answered: bool
    created_at: datetime
    run_after: datetime
    expires_at: datetime
    settled_at: datetime | None
    attempts: int
    cause: str | None
    detail: str | None
    recipients: tuple[Recipient, ...]


_COLUMNS = tuple(
    name
    for name in Item.__slots__
    if name not in ("by", "recipients")
)  # fmt: skip
_SELECT = select(*(outbox.c[name] for name in _COLUMNS), people.c.handle).outerjoin(
    people, people.c.id == outbox.c.by_id
)


def _items(conn: Conn, statement: Any) -> tuple[Item, ...]:
    rows = conn.execute(statement).all()
    listed: dict[int, list[Recipient]] = {}
    found = conn.execute(
        select(outbox_recipients)
        .where(outbox_recipients.c.item_id.in_([row.id for row in rows]))
        .order_by(
            outbox_recipients.c.item_id,
            outbox_recipients.c.field.desc(),
            outbox_recipients.c.address,
        )
    )
    for row in found:
        one = Recipient(row.address, row.field, row.state, row.code, row.status, row.reply, row.at)
        listed.setdefault(row.item_id, []).append(one)
    return tuple(
        Item(
            **{name: getattr(row, name) for name in _COLUMNS},
            by=row.handle,
            recipients=tuple(listed.get(row.id, ())),
        )
        for row in rows
    )


def by_id(conn: Conn, item_id: int) -> Item:
    """One item. Raises `NotFound`."""
    found = _items(conn, _SELECT.where(outbox.c.id == item_id))
    if not found:
        raise NotFound(f"there is no outbox item {item_id} (`aboard outbox list` lists them)")
    return found[0]


def counts(conn: Conn) -> dict[str, int]:
    """state -> how many items are in it."""
    wanted = select(outbox.c.state, func.count()).group_by(outbox.c.state)
    return {state: int(number) for state, number in conn.execute(wanted)}


def by_key(conn: Conn, key: str) -> Item | None:
    """The item under this key, or None."""
    found = _items(conn, _SELECT.where(outbox.c.key == key))
    return found[0] if found else None


def by_mail_id(conn: Conn, mail_id: str) -> Item | None:
    """The item with this Message-ID (without brackets), or None."""
    found = _items(conn, _SELECT.where(outbox.c.mail_id == mail_id))
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Page:
    """Which items a list shows."""

    state: str | None = None
    thread_id: int | None = None
    account_id: int | None = None
    before: int | None = None
    """Item number: only older ones."""
    limit: int = 50


def _seen(seer: Seer | None) -> ColumnElement[bool]:
    """Items that are on no thread, or on one that is seen; a notice is seen by all who run it."""
    if seer is ALL or seer.sees_all:
        return true()
    hidden = hidden_threads(seer)
    return or_(outbox.c.thread_id.is_(None), outbox.c.thread_id.not_in(hidden))


def seen(conn: Conn, item_id: int, seer: Seer | None) -> None:
    """Raises `NotFound` for an item that somebody does not see."""
    if conn.scalar(select(outbox.c.id).where(outbox.c.id == item_id, _seen(seer))) is None:
        raise NotFound(f"there is no outbox item {item_id}")


def open_counts(conn: Conn, seer: Seer | None = ALL) -> dict[str, int]:
    """state -> how many items that are seen wait for a person: held, failed, uncertain ones."""
    waits = text("outbox.state IN ('held', 'failed', 'uncertain')")
    counted = select(outbox.c.state, func.count()).where(waits).group_by(outbox.c.state)
    if seer is not ALL:
        counted = counted.where(_seen(seer))
    return {row[0]: row[1] for row in conn.execute(counted)}


def listing(conn: Conn, page: Page, seer: Seer | None = ALL) -> tuple[Item, ...]:
    """Items, newest first. Raises `AboardError` for a state that no item can be in."""
    if page.state is not None and page.state not in ITEM_STATES:
        raise AboardError(f"state {page.state!r}: the states are {', '.join(ITEM_STATES)}")
    statement = _SELECT
    for column in ("state", "thread_id", "account_id"):
        value = getattr(page, column)
        if value is not None:
            statement = statement.where(outbox.c[column] == value)
    if page.before is not None:
        statement = statement.where(outbox.c.id < page.before)
    if seer is not ALL:
        statement = statement.where(_seen(seer))
    return _items(conn, statement.order_by(outbox.c.id.desc()).limit(page.limit))


def open_of_thread(conn: Conn, thread_id: int) -> tuple[Item, ...]:
    """What a person is about to send on a thread and has not left yet, oldest first."""
    states = ("held", "queued", "sending")
    statement = _SELECT.where(
        outbox.c.thread_id == thread_id, outbox.c.state.in_(states), outbox.c.kind == "reply"
    )
    return _items(conn, statement.order_by(outbox.c.id))


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long an item is tried before it is given up, by its kind."""

    automatic: timedelta
    reply: timedelta

    def of(self, kind: str) -> timedelta:
        """What holds for this kind."""
        return self.reply if kind == "reply" else self.automatic


# --- What people do ----------------------------------------------------------------------------

_AGAIN = {"settled_at": None, "phase": None, "leased_by": None, "leased_until": None}


def _locked(conn: Conn, item_id: int) -> Any:
    row = conn.execute(for_update(conn, select(outbox).where(outbox.c.id == item_id))).first()
    if row is None:
        raise NotFound(f"there is no outbox item {item_id} (`aboard outbox list` lists them)")
    return row


def release(conn: Conn, item_id: int, now: datetime, lifetimes: Lifetimes) -> None:
    """Let a held item leave. Raises `NotFound`, and `AboardError` for one that is not held."""
    row = _locked(conn, item_id)
    if row.state != "held":
        raise AboardError(f"outbox item {item_id} is {row.state}, not held: nothing to release")
    _queue(conn, row, now, lifetimes)


def retry(conn: Conn, item_id: int, now: datetime, lifetimes: Lifetimes) -> None:
    """Try an item again whose sending failed or ended uncertain, with the same bytes.

    Only recipients whom nobody accepted or refused are tried; of a failed item also those that
    were refused. Raises `NotFound`, and `AboardError` for an item in another state.
    """
    row = _locked(conn, item_id)
    if row.state not in ("failed", "uncertain", "expired", "queued"):
        raise AboardError(f"outbox item {item_id} is {row.state}: there is nothing to try again")
    if row.state == "failed":
        conn.execute(
            update(outbox_recipients)
            .where(outbox_recipients.c.item_id == item_id, outbox_recipients.c.state == "refused")
            .values(state="pending")
        )
    _queue(conn, row, now, lifetimes)


def _queue(conn: Conn, row: Any, now: datetime, lifetimes: Lifetimes) -> None:
    """Whoever sends by hand gives the item its whole time again."""
    conn.execute(
        update(outbox)
        .where(outbox.c.id == row.id)
        .values(state="queued", run_after=now, expires_at=now + lifetimes.of(row.kind), **_AGAIN)
    )


def cancel(conn: Conn, item_id: int, now: datetime, why: str) -> None:
    """Keep an item from leaving; possible until its courier has begun the mail itself.

    Raises `NotFound`, and `AboardError` where it is too late.
    """
    row = _locked(conn, item_id)
    begun = row.state == "sending" and row.phase not in (CONNECT, ENVELOPE)
    if begun or row.state not in ("held", "queued", "sending", "failed"):
        what = "on its way already" if begun else row.state
        raise AboardError(f"outbox item {item_id} is {what}: it cannot be cancelled")
    values = _AGAIN | {"state": "cancelled", "settled_at": now, "cause": why}
    conn.execute(
        update(outbox).where(outbox.c.id == item_id).values(fence=outbox.c.fence + 1, **values)
    )


def cancel_answered(conn: Conn, thread_id: int, now: datetime) -> tuple[int, ...]:
    """Cancel what was to be sent later unless the customer wrote first; the items' numbers."""
    waits = and_(
        outbox.c.thread_id == thread_id,
        outbox.c.cancel_if_answered.is_(True),
        or_(
            outbox.c.state.in_(("held", "queued")),
            and_(outbox.c.state == "sending", outbox.c.phase.in_((CONNECT, ENVELOPE))),
        ),
    )
    ids = tuple(conn.scalars(select(outbox.c.id).where(waits).order_by(outbox.c.id)))
    if ids:
        values = _AGAIN | {"state": "cancelled", "settled_at": now, "cause": "answered"}
        conn.execute(
            update(outbox).where(outbox.c.id.in_(ids)).values(fence=outbox.c.fence + 1, **values)
        )
    return ids


def answered_since(conn: Conn, thread_id: int, since: datetime) -> bool:
    """Did a person write to us on this thread after `since`? Whoever was asked aside is none."""
    statement = (
        select(messages.c.extras)
        .where(messages.c.thread_id == thread_id, messages.c.direction == "in")
        .where(messages.c.received_at > since, messages.c.automatic.in_(("none", "list")))
    )
    return any("side" not in found for found in conn.scalars(statement))


class Undelivered(Protocol):
    """What a delivery report says about one recipient."""

    @property
    def address(self) -> str:
        """Of the item's recipient, in lower case."""

    @property
    def status(self) -> str:
        """Enhanced status code; may be empty."""

    @property
    def reason(self) -> str:
        """What the other system said."""


def note_bounce(conn: Conn, item_id: int, failure: Undelivered, at: datetime) -> None:
    """Mark a recipient of an item as bounced."""
    conn.execute(
        update(outbox_recipients)
        .where(outbox_recipients.c.item_id == item_id)
        .where(outbox_recipients.c.address == failure.address)
        .values(
            state="bounced",
            status=failure.status[:12] or None,
            reply=failure.reason[:500],
            at=at,
        )
    )


def note_dead_address(conn: Conn, address: str, status: str, at: datetime) -> None:
    """Note on a contact's address that mail to it comes back for good."""
    conn.execute(
        update(contact_addresses)
        .where(contact_addresses.c.address == address)
        .values(bounced_at=at, bounce_status=status[:12] or None)
    )
