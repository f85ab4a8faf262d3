"""What filing knows of earlier runs of rules on a thread, for `once-per-thread` and cool-downs.

By the time of the mails, not of their filing: a backlog, or imported history, is judged as if it
had been filed when it came. Whether a rule may run is decided by `routing.decide`.
"""

from __future__ import annotations

from datetime import datetime
from weakref import WeakKeyDictionary

from inbox.flow.deciding.unit import Unit
from inbox.store import hits, shadow
from inbox.store.threads import Thread
from routing.decide import NO_HISTORY, History
from routing.ruleset import Ruleset

_HELD: WeakKeyDictionary[Ruleset, frozenset[str]] = WeakKeyDictionary()


def held(ruleset: Ruleset) -> frozenset[str]:
    """The rules that may not run again on a thread, or not so soon."""
    found = _HELD.get(ruleset)
    if found is None:
        rules = (one for one in ruleset.rules if one.run.once or one.run.cool_down_for is not None)
        found = _HELD[ruleset] = frozenset(one.name for one in rules)
    return found


def live(unit: Unit, thread: Thread | None, at: datetime) -> History:
    """What the rules in force did on a thread, for a mail that came at `at`."""
    if thread is None or not held(unit.context.files.ruleset):
        return NO_HISTORY
    return History(hits.nearest(unit.ran(thread.id), at), at)


def in_shadow(unit: Unit, thread_id: int, at: datetime) -> History:
    """What the rules in shadow mode did, or would have done had they been in force.

    Until they were put beside the live ones, that is what the live ones did: they would have
    found just that, had they been put in force then.
    """
    files = unit.context.files
    if files.shadow is None or files.shadow_since is None or not held(files.shadow):
        return NO_HISTORY
    unit.writes.flush()
    before = shadow.ran_live(unit.conn, thread_id, files.shadow_since)
    own = shadow.ran(unit.conn, thread_id, files.shadow.hash)
    return History(hits.nearest((*before, *own), at), at)
