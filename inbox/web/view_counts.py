"""The views of somebody with their counts, for the navigation: counted at most once in a while."""

from __future__ import annotations

from dataclasses import dataclass, field

from inbox.clock import monotonic
from inbox.store import asking, finding, views
from inbox.store.asking import Asked, Known
from inbox.store.database import Conn
from inbox.store.finding import MOST_COUNTED, Eyes
from inbox.store.views import View

STAND_FOR = 2.0
"""Seconds for which counts are not counted again."""
MOST_SAVED = 20
"""Saved views that the navigation shows; the others are on the page of views."""
MOST_PEOPLE = 500
"""People whose counts are kept."""
UNCOUNTED = frozenset({"all", "customer", "snoozed"})
"""Lists from which nothing presses: a number beside them would only be noise."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A view and how many threads it holds; None where it is not counted."""

    view: View
    count: int | None

    @property
    def said(self) -> str:
        """The count as a page shows it."""
        if self.count is None:
            return ""
        return f"{MOST_COUNTED - 1}+" if self.count >= MOST_COUNTED else str(self.count)


@dataclass
class ViewCounts:
    """Everybody's counts of this process."""

    _kept: dict[int, tuple[float, tuple[Counted, ...]]] = field(default_factory=dict)

    def of(self, conn: Conn, eyes: Eyes) -> tuple[Counted, ...]:
        """The views of the house and the saved ones of this person; not older than `STAND_FOR`."""
        assert eyes.seer is not None
        kept, at = self._kept.get(eyes.seer.person_id), monotonic()
        if kept is not None and at - kept[0] <= STAND_FOR:
            return kept[1]
        if len(self._kept) > MOST_PEOPLE:
            self._kept = {}
        found = _count(conn, eyes)
        self._kept[eyes.seer.person_id] = (at, found)
        return found

    def forget(self) -> None:
        """Count again for the next page."""
        self._kept = {}


def _count(conn: Conn, eyes: Eyes) -> tuple[Counted, ...]:
    listed = (*views.HOUSE, *views.saved(conn, eyes.seer)[:MOST_SAVED])
    asked = [
        asking.read(one.query, Known(zone=eyes.zone)) for one in listed if one.name not in UNCOUNTED
    ]
    numbers = iter(_numbers(conn, asked, eyes))
    return tuple(Counted(one, None if one.name in UNCOUNTED else next(numbers)) for one in listed)


def _numbers(conn: Conn, listed: list[Asked], eyes: Eyes) -> list[int | None]:
    """The counts in one statement. Where a query cannot be asked it has none, and the others are
    counted one by one: nobody's saved view takes the pages of everybody."""
    try:
        return [*finding.how_many(conn, listed, eyes)]
    except (ValueError, OverflowError):
        if len(listed) == 1:
            return [None]
        return [number for one in listed for number in _numbers(conn, [one], eyes)]
