"""What follow-ups go by: mail just filed, events, and the automatic mail that an address had."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from inbox.store.database import Conn, portions
from inbox.store.outbox_tables import outbox, outbox_recipients
from inbox.store.tables import accounts, assignments, contacts, events, ledger, messages, threads


@dataclass(frozen=True, slots=True)
class Past:
    """An automatic mail to an address that left or is going to."""

    item_id: int
    template: str
    thread_id: int
    state: str
    phase: str | None
    created_at: datetime
    settled_at: datetime | None


def automatic_to(conn: Conn, address: str, since: datetime) -> tuple[Past, ...]:
    """Automatic mails to this address that were made or that left since then."""
    wanted = (
        select(
            outbox.c.id,
            func.coalesce(outbox.c.template, ""),
            func.coalesce(outbox.c.thread_id, 0),
            outbox.c.state,
            outbox.c.phase,
            outbox.c.created_at,
            outbox.c.settled_at,
        )
        .join(outbox_recipients, outbox_recipients.c.item_id == outbox.c.id)
        .where(outbox_recipients.c.address == address)
        .where(outbox.c.kind == "automatic")
        .where(outbox.c.state.in_(("held", "queued", "sending", "sent", "uncertain")))
        .where(func.coalesce(outbox.c.settled_at, outbox.c.created_at) > since)
        .order_by(outbox.c.id)
    )
    return tuple(Past(*row) for row in conn.execute(wanted))


def to_strangers(conn: Conn, templates: Collection[str], since: datetime) -> int:
    """How many of these were sent to accounts that nobody has confirmed, since then."""
    before = select(outbox.c.id).where(outbox.c.created_at <= since)
    last = conn.scalar(before.order_by(outbox.c.id.desc()).limit(1)) or 0
    wanted = (
        select(func.count())
        .select_from(outbox.join(accounts, accounts.c.id == outbox.c.account_id))
        .where(outbox.c.id > last, outbox.c.created_at > since)
        .where(outbox.c.template.in_(sorted(templates)), outbox.c.kind == "automatic")
        .where(outbox.c.state != "cancelled", accounts.c.provisional.is_(True))
    )
    return int(conn.scalar(wanted) or 0)


MOST_PENDING = 2000


def key_of(conn: Conn, item_id: int) -> str:
    """The unique key of an outbox item."""
    return str(conn.scalar(select(outbox.c.key).where(outbox.c.id == item_id)))


def senders_being_read(conn: Conn) -> frozenset[str] | None:
    """Reverse-paths (lower case) of mail that is accepted and not filed yet; None: too many."""
    wanted = select(func.lower(ledger.c.reverse_path)).where(ledger.c.state == "pending")
    found = conn.scalars(wanted.limit(MOST_PENDING + 1)).all()
    return None if len(found) > MOST_PENDING else frozenset(one or "" for one in found)


# --- What has happened ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FiledMail:
    """A message that was just filed, as far as follow-ups go by it."""

    id: int
    thread_id: int
    account_id: int
    direction: str
    automatic: str
    may_answer: bool
    from_name: str
    from_address: str
    verified: str
    sent_at: datetime | None
    received_at: datetime
    extras: Mapping[str, Any]
    account_kind: str
    provisional: bool
    contact_since: datetime | None


def filed_mails(conn: Conn, message_ids: Collection[int]) -> tuple[FiledMail, ...]:
    """These messages, in the order in which they were filed."""
    wanted = (
        select(
            messages.c.id,
            messages.c.thread_id,
            messages.c.account_id,
            messages.c.direction,
            messages.c.automatic,
            messages.c.may_answer,
            messages.c.from_name,
            messages.c.from_address,
            messages.c.verified,
            messages.c.sent_at,
            messages.c.received_at,
            messages.c.extras,
            accounts.c.kind,
            accounts.c.provisional,
            contacts.c.created_at,
        )
        .join(accounts, accounts.c.id == messages.c.account_id)
        .outerjoin(contacts, contacts.c.id == messages.c.contact_id)
        .order_by(messages.c.id)
    )
    found: list[Any] = []
    for some in portions(message_ids):
        found += conn.execute(wanted.where(messages.c.id.in_(some))).all()
    return tuple(FiledMail(*row) for row in found)


def open_threads(conn: Conn, account_id: int) -> tuple[int, ...]:
    """The threads of an account that are not closed."""
    wanted = (
        select(threads.c.id)
        .where(threads.c.account_id == account_id, threads.c.status != "closed")
        .where(threads.c.merged_into_id.is_(None))
        .order_by(threads.c.id)
    )
    return tuple(conn.scalars(wanted))


@dataclass(frozen=True, slots=True)
class RuleDeed:
    """What rules want done about a message beside its thread's team, tags and so on."""

    message_id: int
    event_id: int
    """The message's own event."""
    thread_id: int
    at: datetime
    rule: str
    """The first that matched, for people."""
    reply: str
    """The template that is to answer it; empty: none."""
    notify: tuple[str, ...]
    snooze_for: timedelta | None


def rule_deeds(conn: Conn, message_ids: Collection[int]) -> tuple[RuleDeed, ...]:
    """What rules want done about these messages, in the order in which they were filed."""
    found: list[RuleDeed] = []
    for some in portions(message_ids):
        wanted = (
            select(
                assignments.c.message_id,
                assignments.c.decision,
                events.c.id,
                events.c.thread_id,
                events.c.at,
            )
            .join(events, events.c.message_id == assignments.c.message_id)
            .where(assignments.c.message_id.in_(some), events.c.kind == "mail-in")
            .order_by(assignments.c.id)
        )
        for row in conn.execute(wanted):
            said = row.decision
            seconds = said.get("snooze_seconds")
            if not (said.get("reply") or said.get("notify") or seconds):
                continue
            found.append(
                RuleDeed(
                    message_id=row.message_id,
                    event_id=row.id,
                    thread_id=row.thread_id,
                    at=row.at,
                    rule=next(iter(said.get("matched", ())), ""),
                    reply=said.get("reply") or "",
                    notify=tuple(said.get("notify", ())),
                    snooze_for=timedelta(seconds=seconds) if seconds else None,
                )
            )
    return tuple(found)


def envelope_of(conn: Conn, message_id: int) -> tuple[str | None, str]:
    """(reverse-path, source) under which a message came first."""
    row = conn.execute(
        select(ledger.c.reverse_path, ledger.c.source)
        .where(ledger.c.message_id == message_id)
        .order_by(ledger.c.id)
        .limit(1)
    ).first()
    return (None, "") if row is None else (row.reverse_path, row.source)


@dataclass(frozen=True, slots=True)
class Start:
    """An event that starts or ends sequences."""

    id: int
    account_id: int
    thread_id: int | None
    message_id: int | None
    at: datetime
    kind: str
    data: Mapping[str, Any]


_EVENT = select(
    events.c.id,
    events.c.account_id,
    events.c.thread_id,
    events.c.message_id,
    events.c.at,
    events.c.kind,
    events.c.data,
)


def event(conn: Conn, event_id: int) -> Start | None:
    """One event of the timeline."""
    row = conn.execute(_EVENT.where(events.c.id == event_id)).first()
    return None if row is None else Start(*row)


def stage_changes(conn: Conn, message_ids: Collection[int]) -> tuple[Start, ...]:
    """Accounts that these messages moved to another stage."""
    wanted = _EVENT.where(events.c.kind == "stage-changed").order_by(events.c.id)
    return tuple(
        Start(*row)
        for some in portions(message_ids)
        for row in conn.execute(wanted.where(events.c.message_id.in_(some)))
    )


def wrote_since(conn: Conn, account_id: int, cycle: int, since: datetime) -> bool:
    """Has a person of the account written to us after the event `cycle`, which was at `since`?
    Whoever was asked aside is none."""
    wanted = (
        select(events.c.id, events.c.at, events.c.data)
        .where(events.c.account_id == account_id, events.c.kind == "mail-in")
        .where(events.c.at >= since)
        .order_by(events.c.at, events.c.id)
    )
    for row in conn.execute(wanted):
        human = row.data.get("automatic", "none") in ("none", "list")
        if human and "side" not in row.data and (row.at > since or row.id > cycle):
            return True
    return False
