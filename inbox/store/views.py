"""Lists of threads as people see them: the views of the house, saved ones, sorted by clock or time.

A view is a query of the search language, so whatever a list shows can be typed, saved and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, func, or_, select, tuple_, update

from inbox.errors import AboardError, NotFound
from inbox.store import threads as thread_store
from inbox.store.asking import Asked
from inbox.store.clock_tables import targets
from inbox.store.database import Conn, new_key
from inbox.store.finding import Eyes, over_threads
from inbox.store.seers import Seer
from inbox.store.tables import people, threads
from inbox.store.threads import ThreadRow
from inbox.store.view_tables import saved_views

DUE, NEWEST = "due", "newest"


@dataclass(frozen=True, slots=True)
class View:
    """A list that has a name."""

    name: str
    """What stands in an address: a word for one of the house, `v` and a number for a saved one."""
    title: str
    query: str
    sort: str = DUE
    about: str = ""
    owner_id: int | None = None
    owner: str = ""
    shared: str = ""
    team: str | None = None
    position: int = 0

    @property
    def number(self) -> int:
        """The number of a saved view."""
        return int(self.name[1:])


HOUSE = (
    View("mine", "Mine", "is:mine", about="What you have taken on."),
    View("team", "My team", "team:mine is:live", about="Everything that your teams have to do."),
    View("unclaimed", "Unclaimed", "is:unclaimed", about="Nobody has taken these on yet."),
    View("at-risk", "At risk", "is:at-risk", about="A promise was warned of, or is broken."),
    View("us", "Waiting on us", "is:open", about="The next move is ours."),
    View("customer", "Waiting on customer", "is:waiting", NEWEST, "The next move is theirs."),
    View("snoozed", "Snoozed", "is:snoozed", NEWEST, "Put aside until a day, or until they write."),
    View("all", "All", "", NEWEST, "Every thread, the closed ones too."),
)
"""The views that everybody has, in the order of the navigation."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock of a thread that runs out first, or one that stands still."""

    metric: str
    due_at: datetime | None
    """None while it is paused."""
    late: bool
    at_risk: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which part of which list."""

    asked: Asked
    eyes: Eyes
    sort: str = NEWEST
    before: tuple[datetime, int] | None = None
    """Where the last page ended: (due_at or last_message_at, thread)."""
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Lines:
    """Threads of a list, and whether there may be others (see `finding.Over.cut`)."""

    rows: tuple[ThreadRow, ...]
    cut: bool


def listing(conn: Conn, wanted: Wanted) -> Lines:
    """Threads of a list; a fixed number of statements."""
    over = over_threads(conn, wanted.asked, wanted.eyes)
    conditions = list(over.conditions)
    by_due = wanted.sort == DUE
    column = threads.c.due_at if by_due else threads.c.last_message_at
    place = tuple_(column, threads.c.id)
    if wanted.before is not None:
        end = tuple_(*wanted.before)
        conditions.append(place > end if by_due else place < end)
    order = (column, threads.c.id) if by_due else (column.desc(), threads.c.id.desc())
    return Lines(thread_store.lines(conn, conditions, order, wanted.limit), over.cut)


def numbers(conn: Conn, asked: Asked, eyes: Eyes, most: int) -> tuple[tuple[int, ...], bool]:
    """The threads that a query finds, at most so many; and `finding.Over.cut`."""
    over = over_threads(conn, asked, eyes)
    wanted = select(threads.c.id).where(*over.conditions).order_by(threads.c.id).limit(most)
    return tuple(conn.scalars(wanted)), over.cut


def place_of(row: ThreadRow, sort: str) -> tuple[datetime, int]:
    """Where a list goes on behind this line."""
    one = row.thread
    return (one.due_at if sort == DUE else one.last_message_at), one.id


def clocks(conn: Conn, thread_ids: Sequence[int], now: datetime) -> dict[int, Clock]:
    """thread -> the clock to show beside it, for those that have one."""
    if not thread_ids:
        return {}
    columns = (targets.c.thread_id, targets.c.metric, targets.c.due_at, targets.c.state)
    found = conn.execute(
        select(*columns, threads.c.at_risk)
        .join(threads, threads.c.id == targets.c.thread_id)
        .where(targets.c.thread_id.in_(thread_ids), targets.c.state.in_(("open", "paused")))
    )
    best: dict[int, Clock] = {}
    for row in found:
        due = row.due_at if row.state == "open" else None
        late = due is not None and due <= now
        one = Clock(row.metric, due, late, bool(row.at_risk) and due is not None)
        known = best.get(row.thread_id)
        if known is None or _sooner(one, known):
            best[row.thread_id] = one
    return best


def _sooner(one: Clock, other: Clock) -> bool:
    if one.due_at is None or other.due_at is None:
        return one.due_at is not None and other.due_at is None
    return (one.due_at, one.metric) < (other.due_at, other.metric)


# --- Saved views ---------------------------------------------------------------------------------

MOST_VIEWS = 200
"""Saved views of one person; the navigation shows the first of them."""


def _seen(seer: Seer) -> Any:
    mine = saved_views.c.owner_id == seer.person_id
    of_team = and_(saved_views.c.shared == "team", saved_views.c.team.in_(sorted(seer.teams)))
    return or_(mine, of_team, saved_views.c.shared == "all")


def saved(conn: Conn, seer: Seer | None) -> tuple[View, ...]:
    """The saved views that somebody has: their own in their order, then the shared ones."""
    if seer is None:
        return ()
    mine = saved_views.c.owner_id == seer.person_id
    found = conn.execute(
        select(saved_views, people.c.name.label("owner"))
        .join(people, people.c.id == saved_views.c.owner_id)
        .where(_seen(seer))
        .order_by(mine.desc(), saved_views.c.position, saved_views.c.name, saved_views.c.id)
        .limit(MOST_VIEWS)
    )
    return tuple(_view(row) for row in found)


def _view(row: Any) -> View:
    return View(
        name=f"v{row.id}",
        title=row.name,
        query=row.query,
        sort=row.sort,
        owner_id=row.owner_id,
        owner=row.owner,
        shared=row.shared,
        team=row.team,
        position=row.position,
    )


@dataclass(frozen=True, slots=True)
class Named:
    """What makes a saved view."""

    title: str
    query: str
    sort: str = DUE
    shared: str = "me"
    team: str | None = None


def save(conn: Conn, owner: Seer, new: Named, now: datetime) -> int:
    """Save a view for its owner; its number. Raises `AboardError` for a name that they use."""
    _alone(conn, owner.person_id)
    _free(conn, owner.person_id, new.title, None)
    mine = saved_views.c.owner_id == owner.person_id
    last = conn.scalar(select(func.max(saved_views.c.position)).where(mine)) or 0
    row = _values(new) | {"owner_id": owner.person_id, "position": last + 1, "created_at": now}
    return new_key(conn.execute(saved_views.insert(), row))


def change(conn: Conn, owner: Seer, view_id: int, new: Named) -> None:
    """Give one's view another name, query or audience. Raises `NotFound`, `AboardError`."""
    whose = _own(conn, owner, view_id)
    _alone(conn, whose)
    _free(conn, whose, new.title, view_id)
    conn.execute(update(saved_views).where(saved_views.c.id == view_id).values(**_values(new)))


def remove(conn: Conn, owner: Seer, view_id: int) -> None:
    """Delete one's view; no thread is touched. Raises `NotFound`."""
    _own(conn, owner, view_id)
    conn.execute(delete(saved_views).where(saved_views.c.id == view_id))


def move(conn: Conn, owner: Seer, view_id: int, up: bool) -> None:
    """Put one's view before the one above it, or behind the one below. Raises `NotFound`."""
    _alone(conn, owner.person_id)
    mine = select(saved_views.c.id).where(saved_views.c.owner_id == owner.person_id)
    order = list(conn.scalars(mine.order_by(saved_views.c.position, saved_views.c.id)))
    if view_id not in order:
        raise NotFound(f"there is no view {view_id} of yours")
    at = order.index(view_id)
    to = max(at - 1, 0) if up else min(at + 1, len(order) - 1)
    order.insert(to, order.pop(at))
    for position, number in enumerate(order, start=1):
        conn.execute(
            update(saved_views).where(saved_views.c.id == number).values(position=position)
        )


def _values(new: Named) -> dict[str, Any]:
    title = " ".join(new.title.split())
    if not title or len(title) > 60:
        raise AboardError("a view needs a name of at most 60 letters")
    if new.shared == "team" and not new.team:
        raise AboardError("say which team the view is shared with")
    team = new.team if new.shared == "team" else None
    return {
        "name": title,
        "query": new.query.strip(),
        "sort": new.sort,
        "shared": new.shared,
        "team": team,
    }


def _own(conn: Conn, owner: Seer, view_id: int) -> int:
    """Whose view it is. Only who made one changes it; leads and admins also what is shared."""
    mine = saved_views.c.owner_id == owner.person_id
    allowed = or_(mine, saved_views.c.shared != "me") if owner.sees_all else mine
    wanted = select(saved_views.c.owner_id).where(saved_views.c.id == view_id, allowed)
    whose = conn.scalar(wanted)
    if whose is None:
        raise NotFound(f"there is no view {view_id} of yours")
    return int(whose)


def _alone(conn: Conn, person_id: int) -> None:
    """One transaction at a time names and orders the views of a person, so that two of the same
    name, or at the same place, are noticed. Who only refers to the person does not wait."""
    row = select(people.c.id).where(people.c.id == person_id)
    conn.execute(row.with_for_update(key_share=True))


def _free(conn: Conn, owner_id: int, title: str, but: int | None) -> None:
    taken = select(saved_views.c.id).where(
        saved_views.c.owner_id == owner_id, saved_views.c.name == " ".join(title.split())
    )
    found = conn.scalar(taken)
    if found is not None and found != but:
        raise AboardError(f"there is a view called {title!r} already")
