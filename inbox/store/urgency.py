"""What a thread's row says of its clocks, so that lists are sorted by an index: `due_at`, when the
first of its running promises is due, and `at_risk`, whether one of them was warned of or is broken.

Whoever writes targets calls `refresh` in the same transaction; nothing else writes the two columns.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import and_, bindparam, exists, func, or_, select, update

from inbox.store.clock_tables import target_steps, targets
from inbox.store.columns import NO_CLOCK
from inbox.store.database import Conn, portions
from inbox.store.tables import threads

_RUNNING = and_(targets.c.thread_id == threads.c.id, targets.c.state == "open")
_WARNED = exists().where(
    target_steps.c.target_id == targets.c.id, target_steps.c.due_at < targets.c.due_at
)
_DUE = select(func.min(targets.c.due_at)).where(_RUNNING).correlate(threads).scalar_subquery()
_RISK = (
    select(targets.c.id)
    .where(_RUNNING, or_(targets.c.breached_at.is_not(None), _WARNED.correlate(targets)))
    .correlate(threads)
    .exists()
)
_REFRESH = (
    update(threads)
    .where(threads.c.id.in_(bindparam("ids", expanding=True)))
    .values(due_at=func.coalesce(_DUE, bindparam("none", NO_CLOCK, threads.c.due_at.type)))
    .values(at_risk=_RISK)
)


def refresh(conn: Conn, thread_ids: Collection[int]) -> None:
    """Make the rows of these threads say what their targets say."""
    for some in portions(thread_ids):
        conn.execute(_REFRESH, {"ids": some, "none": NO_CLOCK})
