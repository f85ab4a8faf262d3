"""What an undo of one deed needs, whatever its kind: who undoes, and how clocks hear of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from inbox.flow.work import Told
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
