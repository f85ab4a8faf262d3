"""Effects for tests over several processes: what was asked for is a row in the database."""

from __future__ import annotations

from inbox.flow.promises.climb import Fired
from inbox.store import timeline
from inbox.store.database import Conn


class Told:
    """A follow-up is one event, written in the step's transaction as an outbox row would be."""

    def notify(self, conn: Conn, fired: Fired, handles: tuple[str, ...]) -> None:
        """The step's event names them."""

    def follow_up(self, conn: Conn, fired: Fired, template: str) -> str:
        """Leave a trace."""
        due = fired.due
        data = {"template": template}
        event = timeline.Event(
            due.account_id, due.target.thread_id, None, fired.now, "told", "aboard", data
        )
        timeline.add(conn, event)
        return "queued"
