"""Undo: what people did under one name is taken back together, as far as it still stands.

A deed is undone only where nobody has changed the same thing since: somebody else's work stays. An
undo is a deed of its own on the timeline, and clocks follow it as they followed the deed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from inbox.errors import AboardError, NotFound
from inbox.flow.people.ownership import OWNER_CHANGED
from inbox.flow.promises import sla
from inbox.flow.working import (
    desk,
    drafts,
    following,
    merging,
    participants,
    reattribute,
    regroup,
    sending,
)
from inbox.flow.working.undoing import UNDONE, Undoing, Way, answerable
from inbox.flow.working.work import PRIORITY_CHANGED, STATUS_CHANGED, TAGGED, Told
from inbox.store import (
    accounts,
    assignments,
    deeds,
    labels,
    pages,
    people,
    promises,
    threads,
    timeline,
)
from inbox.store.database import Conn, Database
from inbox.store.deeds import Deed
from inbox.store.hits import TAKES_BACK
from inbox.store.people import Person
from inbox.store.threads import Thread
from routing.ownership import Choice


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo did."""

    threads: tuple[int, ...]
    """On which something was taken back."""
    left: tuple[str, ...]
    """What stays, and why, as sentences."""


def undo(db: Database, run: str, by: str, now: datetime, told: Told = sla.told) -> Undone:
    """Take back everything of a run, the last deed first, in one transaction.

    Raises `NotFound` for a run that is not there, `AboardError` where it is somebody else's (leads
    and admins may) or was undone already.
    """
    while True:
        with db.write() as conn:
            undone = _undone(conn, run, by, now, told)
        if undone is not None:
            return undone


def _undone(conn: Conn, run: str, by: str, now: datetime, told: Told) -> Undone | None:
    """None where a thread went to another account while we waited for its own: nothing is done."""
    person = people.at_work(conn, by)
    found = deeds.of_run(conn, run) if run else ()
    _refuse(found, person)
    touched = {one.thread_id for one in found if one.thread_id is not None}
    held = _homes(conn, touched)
    accounts.lock(conn, held)
    if not _homes(conn, touched) <= held:
        return None
    _refuse(deeds.of_run(conn, run), person)  # another may have undone it meanwhile
    undoing = Undoing(conn, person, now, told)
    done: list[int] = []
    left: list[str] = []
    for one in found:
        if not deeds.note_undone(conn, one.id, person.id, now):
            continue
        said = WAYS[one.kind](undoing, one)
        if said:
            left.append(said)
        elif one.thread_id is not None:
            done.append(one.thread_id)
    return Undone(tuple(sorted(set(done))), tuple(dict.fromkeys(left)))


def _homes(conn: Conn, thread_ids: Collection[int]) -> set[int]:
    """The accounts of these threads, as they are now."""
    return {threads.by_id(conn, one).account_id for one in sorted(thread_ids)}


def _refuse(found: tuple[Deed, ...], person: Person) -> None:
    if not found:
        raise NotFound("there is nothing to undo under this name")
    if all(one.undone_at is not None for one in found):
        raise AboardError(f"it was undone already, at {found[0].undone_at:%Y-%m-%d %H:%M} UTC")
    if not person.leads and any(one.by_id != person.id for one in found):
        raise AboardError("only who did it, a lead or an admin can undo it")


# --- Columns of one thread ---------------------------------------------------------------------


def _columns(undoing: Undoing, done: Deed) -> str:
    assert done.thread_id is not None
    thread = threads.by_id(undoing.conn, done.thread_id)
    changed = done.after["columns"]
    if not all(_same(getattr(thread, name), value) for name, value in changed.items()):
        return f"thread {thread.id} stays as it is: somebody has changed it since"
    columns = done.before["columns"]
    before = answerable(undoing.conn, columns, columns.get("team", thread.team))
    threads.save(undoing.conn, thread.id, **before)
    # To clocks neither the deed nor its undoing ever was: promises that it ended are open again.
    promises.put_back(undoing.conn, done.before["promises"], ())
    for kind, data in _told(undoing, thread, before):
        if kind == "assigned":
            number = _assigned(undoing, thread, done, before)
        else:
            data[sla.UNDOES] = str(done.after["event"])
            number = _event(undoing, thread, kind, data)
        undoing.told(undoing.conn, threads.by_id(undoing.conn, thread.id), number)
    return ""


def _same(now: Any, then: Any) -> bool:
    return bool(deeds.packed(now) == deeds.packed(then))


def _told(
    undoing: Undoing, thread: Thread, before: Mapping[str, Any]
) -> list[tuple[str, dict[str, Any]]]:
    """The events that say what is as before again."""
    found: list[tuple[str, dict[str, Any]]] = []
    if "team" in before:
        found.append(("assigned", {}))
    elif "accountable_id" in before:
        to, now = (
            people.by_id(undoing.conn, one).handle
            for one in (before["accountable_id"], thread.accountable_id)
        )
        owned = before.get("claimed_at") is not None
        found.append((OWNER_CHANGED, {"to": to, "from": now, "owned": owned, "why": UNDONE}))
    if "status" in before:
        data = {"status": before["status"], "from": thread.status, "why": UNDONE}
        if before.get("snoozed_until") is not None:
            data["until"] = before["snoozed_until"].isoformat()
        found.append((STATUS_CHANGED, data))
    if "tags" in before:
        added = [one for one in before["tags"] if one not in thread.tags]
        removed = [one for one in thread.tags if one not in before["tags"]]
        found.append((TAGGED, {"added": added, "removed": removed, "why": UNDONE}))
    if "priority" in before:
        data = {"priority": before["priority"], "from": thread.priority, "why": UNDONE}
        found.append((PRIORITY_CHANGED, data))
    return found


def _event(undoing: Undoing, thread: Thread, kind: str, data: dict[str, Any]) -> int:
    actor = f"person:{undoing.by.handle}"
    event = timeline.Event(thread.account_id, thread.id, None, undoing.now, kind, actor, data)
    return timeline.add(undoing.conn, event)


def _assigned(undoing: Undoing, thread: Thread, done: Deed, before: Mapping[str, Any]) -> int:
    """A decision about the team is taken back: its label teaches nothing any more."""
    conn = undoing.conn
    label = pages.label_at(conn, thread.id, done.at)
    if label is not None:
        labels.undo(conn, label, undoing.now)
    made = [one for one in assignments.of_thread(conn, thread.id) if one.at == done.at]
    reason: dict[str, Any] = {"reason": f"{undoing.by.name} took the decision back"}
    if made:
        reason[TAKES_BACK] = made[-1].id
    owner = people.by_id(conn, before["accountable_id"]).handle
    choice = Choice(owner, before["claimed_at"] is not None, (UNDONE,))
    decided = desk.Decided(before["team"], before["accountable_id"], reason, choice)
    event = int(done.after["event"])
    return desk.take_back(conn, thread, undoing.by, decided, event, undoing.now)


WAYS: dict[str, Way] = {
    "thread": _columns,
    **regroup.WAYS,
    **merging.WAYS,
    reattribute.DEED: reattribute.undo,
    participants.KIND: participants.undo,
    **drafts.WAYS,
    **sending.WAYS,
    **following.WAYS,
}
"""Kind of deed -> how it is taken back."""
