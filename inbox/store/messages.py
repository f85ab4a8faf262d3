"""Messages and their attachments: what was read out of raw mail, one row each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, union_all, update

from inbox.errors import NotFound
from inbox.store.database import Conn
from inbox.store.seers import ALL, Seer, attachments_seen, messages_seen, whole_messages
from inbox.store.tables import attachments, messages


@dataclass(frozen=True, slots=True)
class Message:
    """One mail on a thread."""

    id: int
    thread_id: int
    account_id: int
    contact_id: int | None
    raw_id: int
    direction: str
    mail_id: str | None
    content_hash: str
    parents: tuple[str, ...]
    subject: str
    from_name: str
    from_address: str
    recipients: Mapping[str, list[list[str]]]
    """Field name (`to`, `cc`, `reply_to`) -> [[display name, address], ...]."""
    sent_at: datetime | None
    received_at: datetime
    size: int
    text: str
    visible_text: str
    has_html: bool
    language: str | None
    automatic: str
    may_answer: bool
    verified: str
    extras: Mapping[str, Any]
    defects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoredAttachment:
    """Where in the raw mail of a message a file is, and what it is called."""

    id: int
    message_id: int
    path: str
    name: str
    content_type: str
    size: int
    sha256: str
    inline: bool
    content_id: str | None
    confidential: bool = False


def _message(row: Any) -> Message:
    values = dict(row._mapping)
    values["parents"] = tuple(row.parents)
    values["defects"] = tuple(row.defects)
    return Message(**values)


def _attachment(row: Any) -> StoredAttachment:
    return StoredAttachment(**row._mapping)


@dataclass(frozen=True, slots=True)
class Known:
    """A message that is filed already, as far as it tells whether another mail is the same."""

    id: int
    raw_id: int
    mail_id: str | None
    content_hash: str


_COLUMNS = (messages.c.id, messages.c.raw_id, messages.c.mail_id, messages.c.content_hash)
_ALIKE = union_all(
    select(*_COLUMNS).where(messages.c.raw_id.in_(bindparam("raw_ids", expanding=True))),
    select(*_COLUMNS).where(messages.c.mail_id.in_(bindparam("mail_ids", expanding=True))),
)


def alike(conn: Conn, raw_ids: Sequence[int], mail_ids: Sequence[str]) -> tuple[Known, ...]:
    """Messages with any of these raw mails or Message-IDs."""
    found = conn.execute(_ALIKE, {"raw_ids": list(raw_ids), "mail_ids": list(mail_ids)})
    return tuple({row.id: Known(*row) for row in found}.values())


def by_id(conn: Conn, message_id: int, seer: Seer | None = ALL, *, whole: bool = False) -> Message:
    """One message; where it has to be `whole`, only if its every attachment is seen, too.

    Raises `NotFound`, also for what the seer does not see.
    """
    sees = whole_messages(seer) if whole else messages_seen(seer)
    row = conn.execute(select(messages).where(messages.c.id == message_id, sees)).first()
    if row is None:
        raise NotFound(f"there is no message {message_id}")
    return _message(row)


def by_mail_id(conn: Conn, mail_id: str) -> tuple[Message, ...]:
    """All messages with this Message-ID (given without brackets), first received first."""
    found = conn.execute(
        select(messages).where(messages.c.mail_id == mail_id).order_by(messages.c.id)
    )
    return tuple(_message(row) for row in found)


def newest(conn: Conn, thread_id: int) -> int | None:
    """The message of a thread that was filed last, or None."""
    found = conn.scalar(select(func.max(messages.c.id)).where(messages.c.thread_id == thread_id))
    return None if found is None else int(found)


def of_thread(conn: Conn, thread_id: int, *, limit: int = 2000) -> tuple[Message, ...]:
    """The messages of a thread, first received first."""
    found = conn.execute(
        select(messages)
        .where(messages.c.thread_id == thread_id)
        .order_by(messages.c.received_at, messages.c.id)
        .limit(limit)
    )
    return tuple(_message(row) for row in found)


def last_received(conn: Conn, thread_id: int) -> int | None:
    """The message of a thread that was received last, or None."""
    found = conn.scalar(
        select(messages.c.id)
        .where(messages.c.thread_id == thread_id)
        .order_by(messages.c.received_at.desc(), messages.c.id.desc())
        .limit(1)
    )
    return None if found is None else int(found)


def attachments_of(
    conn: Conn, message_ids: Sequence[int], seer: Seer | None = ALL
) -> dict[int, tuple[StoredAttachment, ...]]:
    """message -> its attachments, in the order of the mail."""
    found: dict[int, list[StoredAttachment]] = {}
    for row in conn.execute(
        select(attachments)
        .where(attachments.c.message_id.in_(message_ids), attachments_seen(seer))
        .order_by(attachments.c.id)
    ):
        found.setdefault(row.message_id, []).append(_attachment(row))
    return {message_id: tuple(files) for message_id, files in found.items()}


def mark_attachment(conn: Conn, attachment_id: int, *, confidential: bool) -> None:
    """Say whether only those who see what is confidential on its thread see an attachment."""
    one = attachments.c.id == attachment_id
    conn.execute(update(attachments).where(one).values(confidential=confidential))


def attachment(conn: Conn, attachment_id: int, seer: Seer | None = ALL) -> StoredAttachment:
    """One attachment. Raises `NotFound`, also for one that the seer does not see."""
    row = conn.execute(
        select(attachments).where(attachments.c.id == attachment_id, attachments_seen(seer))
    ).first()
    if row is None:
        raise NotFound(f"there is no attachment {attachment_id}")
    return _attachment(row)
