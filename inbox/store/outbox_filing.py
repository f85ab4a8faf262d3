"""What left, as a message on the timeline: the rows that settling an item writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from inbox.store import search, threads
from inbox.store.database import Conn, insert_or_ignore, new_key
from inbox.store.outbox_tables import outbox_recipients
from inbox.store.tables import attachments, messages, thread_ids
from inbox.store.threads import Thread


def tie(conn: Conn, account_id: int, thread_id: int, mail_id: str) -> None:
    """Let a mail id of ours belong to a thread, before anybody can refer to it."""
    row = {"account_id": account_id, "mail_id": mail_id, "thread_id": thread_id}
    insert_or_ignore(conn, thread_ids, row)


@dataclass(frozen=True, slots=True)
class SentMessage:
    """An outgoing message about to be written."""

    row: Mapping[str, Any]
    files: Sequence[Mapping[str, Any]]
    words: str
    written_to: Sequence[str]
    """Outside addresses, which belong to the thread from now on."""


def already(conn: Conn, raw_id: int) -> int | None:
    """The message that holds this raw mail: a copy of it may have come in by another way."""
    found = conn.scalar(select(messages.c.id).where(messages.c.raw_id == raw_id))
    return None if found is None else int(found)


def file_sent(conn: Conn, thread: Thread, sent: SentMessage, at: datetime) -> int:
    """Write the message onto its thread as of `at`, when it was put into the outbox; its number."""
    message_id = new_key(conn.execute(messages.insert().values(**sent.row)))
    if sent.files:
        conn.execute(
            attachments.insert(), [{**one, "message_id": message_id} for one in sent.files]
        )
    search.add_words(conn, [(message_id, sent.words)])
    threads.add_participants(conn, thread.id, sent.written_to)
    last_out = max(at, thread.last_out_at) if thread.last_out_at else at
    threads.save(
        conn,
        thread.id,
        messages=thread.messages + 1,
        last_message_at=max(at, thread.last_message_at),
        last_out_at=last_out,
    )
    return message_id


def accepted_before(conn: Conn, item_id: int) -> bool:
    """Did an earlier attempt reach any of the item's recipients?"""
    statement = (
        select(func.count())
        .select_from(outbox_recipients)
        .where(outbox_recipients.c.item_id == item_id)
        .where(outbox_recipients.c.state.in_(("accepted", "bounced")))
    )
    return bool(conn.scalar(statement))
