"""Threads that mail alone keeps apart: a person joins a stranger's thread to the one it speaks of.

Whoever answers with a token or a reference of somebody else's thread opens a thread of their own,
linked to it (DESIGN I6). Only a person decides that they belong together. Who wrote on the
stranger's thread alone goes along as a contact, and one undo takes all of it back.
"""

from __future__ import annotations

from datetime import datetime

from inbox.errors import AboardError
from inbox.flow.promises import sla
from inbox.flow.working.regroup import Regrouping
from inbox.flow.working.work import Told
from inbox.store import accounts, threads
from inbox.store.database import Database, Within
from inbox.store.threads import Thread


def join_linked(
    db: Database, one: int, other: int, by: str, now: datetime, run: str, told: Told = sla.told
) -> Thread:
    """Join two linked threads; the older one survives, with its account.

    `run` is the name under which `flow.working.undo.undo` takes it back. Raises `NotFound`, and
    `AboardError` where they are not linked, or cannot be joined; then nothing has changed.
    """
    with db.write() as conn:
        kept_id, young_id = sorted((threads.by_id(conn, one).id, threads.by_id(conn, other).id))
        kept, young = threads.by_id(conn, kept_id), threads.by_id(conn, young_id)
        # Both accounts in one order, before the move and the merge lock theirs.
        accounts.lock(conn, {kept.account_id, young.account_id})
        if kept.id not in {number for number, _ in threads.linked(conn, young.id)}:
            raise AboardError(f"threads {young.id} and {kept.id} are not linked")
        sorting = Regrouping(Within(conn), by, told, run)
        if young.account_id != kept.account_id:
            sorting.move(young.id, kept.account_id, now)
        return sorting.merge(young.id, kept.id, now)
