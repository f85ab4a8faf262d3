"""What people decide about mail that proves nothing: whose a forward is, which threads belong
together. Each gets a name under which it is undone; pages and commands go through here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from inbox.flow.working import undo as undo_flow
from inbox.flow.working.linked import join_linked
from inbox.flow.working.reattribute import Forwards
from inbox.store.database import Database


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it: the thread to look at now, and the name under which it is undone."""

    thread_id: int
    run: str


@dataclass(frozen=True, slots=True)
class Decisions:
    """Everything of that kind that a page offers."""

    db: Database
    forwards: Forwards

    def correct(self, message_id: int, sender: str, by: str, now: datetime) -> Done:
        """Make a forward the mail of `sender`, or with an empty one the colleague's own.

        Raises as `Forwards.correct`.
        """
        run = _run()
        return Done(self.forwards.correct(message_id, sender, by, now, run), run)

    def join(self, thread_id: int, other_id: int, by: str, now: datetime) -> Done:
        """Join two linked threads. Raises as `join_linked`."""
        run = _run()
        return Done(join_linked(self.db, thread_id, other_id, by, now, run).id, run)

    def undo(self, run: str, by: str, now: datetime) -> tuple[str, ...]:
        """Take it back; what stays and why, as sentences. Raises as `flow.working.undo.undo`."""
        return undo_flow.undo(self.db, run, by, now).left


def _run() -> str:
    return secrets.token_hex(8)
