"""What an undo of one deed needs, whatever its kind: who undoes, and how clocks hear of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from inbox.flow.working.work import Told
from inbox.store import people
from inbox.store.database import Conn
from inbox.store.deeds import Deed
from inbox.store.people import Person

UNDONE = "undone"
"""Why, in the events of an undo."""


@dataclass(frozen=True, slots=True)
class Undoing:
    """One undo, in its transaction."""

    conn: Conn
    by: Person
    now: datetime
    told: Told


Way = Callable[[Undoing, Deed], str]
"""Takes one deed back; a sentence where it stays, else nothing."""


def answerable(conn: Conn, before: Mapping[str, Any], team: str) -> dict[str, Any]:
    """What was before of a thread of this team; but who has left since answers for nothing: the
    one on duty does."""
    values = dict(before)
    owner = values.get("accountable_id")
    if owner is not None and not people.by_id(conn, owner).active:
        duty = people.duty_holder(conn, team)
        values |= {"accountable_id": duty.id, "claimed_at": None}
    return values
