"""Whose mail a message counts as: the columns that say so, read and changed together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import update

from inbox.store.database import Conn, insert_or_ignore
from inbox.store.messages import Message
from inbox.store.tables import messages, thread_ids


def of_message(message: Message) -> dict[str, Any]:
    """The author and account of a forward as they stand, and whether it counts as the original
    sender's mail."""
    return {
        "from_name": message.from_name,
        "from_address": message.from_address,
        "contact_id": message.contact_id,
        "account_id": message.account_id,
        "treated": bool(message.extras["forwarded_by"]["treated"]),
    }


def save(conn: Conn, message: Message, values: Mapping[str, Any]) -> None:
    """Write an author as `of_message` gives it; the account is written with the thread."""
    by = {**message.extras["forwarded_by"], "treated": values["treated"]}
    changed = {name: values[name] for name in ("from_name", "from_address", "contact_id")}
    # No machine answers a person who did not write to us.
    changed["may_answer"] = message.may_answer and not values["treated"]
    changed["extras"] = {**message.extras, "forwarded_by": by}
    conn.execute(update(messages).where(messages.c.id == message.id).values(**changed))


def use_ids(conn: Conn, account_id: int, thread_id: int, ids: Sequence[str]) -> None:
    """Tie mail ids to a thread where no other thread of the account uses them."""
    rows = [{"account_id": account_id, "mail_id": one, "thread_id": thread_id} for one in ids]
    if rows:
        insert_or_ignore(conn, thread_ids, rows)
