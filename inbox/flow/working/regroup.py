"""Merge, split, change account: what people do when threads hold the wrong mails.

Ids follow their mails, so that later answers find the right thread; the address of a merged thread
leads to the surviving one. What mail alone would join again after a person took it apart stays
apart (`flow.deciding.thread.place`). Each is a deed that can be undone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from inbox.errors import AboardError, NotFound
from inbox.flow.deciding.thread import before_merge, combined, risen, row
from inbox.flow.promises import sla
from inbox.flow.working.undoing import UNDONE, Undoing, Way, answerable
from inbox.flow.working.work import Told
from inbox.store import (
    accounts,
    assignments,
    deeds,
    handoffs,
    messages,
    people,
    promises,
    regroup,
    threads,
    timeline,
)
from inbox.store.database import Conn, Database, Within
from inbox.store.deeds import Deed
from inbox.store.people import Person
from inbox.store.regroup import Moved, Rehoused
from inbox.store.threads import Thread

MERGED, UNMERGED, SPLIT = "threads-merged", "threads-unmerged", "thread-split"
ACCOUNT_CHANGED = "account-changed"


@dataclass(frozen=True, slots=True)
class Regrouping:
    """Somebody who sorts threads. `run` is the name under which it is undone; see `undo`."""

    db: Database | Within
    by: str
    told: Told = sla.told
    run: str = ""

    def merge(self, thread_id: int, into_id: int, now: datetime) -> Thread:
        """Make one thread of two; the second survives.

        Raises `NotFound`, and `AboardError` where they are one already, are of two accounts, one
        alone is confidential, or both are on offer to a team.
        """
        with self.db.write() as conn:
            person = people.at_work(conn, self.by)
            kept, lost = threads.by_id(conn, into_id), threads.by_id(conn, thread_id)
            accounts.lock(conn, {kept.account_id, lost.account_id})
            kept, lost = threads.by_id(conn, into_id), threads.by_id(conn, thread_id)
            _refuse_merge(conn, kept, lost)
            moved = regroup.join(conn, kept.id, lost.id)
            changes = combined(kept, lost)
            threads.save(conn, kept.id, **changes)
            threads.recount(conn, kept.id)
            before = before_merge(kept, lost, moved)
            self._keep(conn, person, ("merge", kept.id), before, {"kept": changes}, now)
            data = {"absorbed": str(lost.id), "subject": lost.subject, **risen(kept, changes)}
            number = _event(conn, kept, MERGED, person, data, now)
            after = threads.by_id(conn, kept.id)
            self.told(conn, after, number)
            return after

    def split(self, thread_id: int, message_ids: Sequence[int], now: datetime) -> Thread:
        """Move some messages of a thread into a thread of their own; that thread.

        It stays with the same team and person. Raises `NotFound` for a message that is not on it,
        `AboardError` where nothing would move or nothing would stay.
        """
        with self.db.write() as conn:
            person = people.at_work(conn, self.by)
            thread = threads.by_id(conn, thread_id)
            accounts.lock(conn, [thread.account_id])
            thread = threads.by_id(conn, thread_id)
            chosen = _chosen(conn, thread, message_ids)
            fresh = threads.opened_beside(conn, thread, chosen[0].subject, _status(chosen))
            moved = regroup.part(conn, thread.id, fresh, [one.id for one in chosen])
            threads.link(conn, thread.id, fresh, regroup.PARTED, now)
            for one in (thread.id, fresh):
                threads.recount(conn, one)
            before = {"thread": row(thread), "fresh": fresh, "moved": moved.as_json()}
            self._keep(conn, person, ("split", thread.id), before, {}, now)
            made = threads.by_id(conn, fresh)
            _own(conn, made, thread, person, now)
            for here, way, there in ((thread, "into", made), (made, "from", thread)):
                data = {way: str(there.id), "messages": len(chosen), "subject": there.subject}
                number = _event(conn, here, SPLIT, person, data, now)
                self.told(conn, threads.by_id(conn, here.id), number)
            return threads.by_id(conn, fresh)

    def move(
        self, thread_id: int, account_id: int, now: datetime
    ) -> tuple[Thread, tuple[str, ...]]:
        """Give a thread to another account, with its ids; the thread, and what to know of it.

        Who wrote on this thread alone goes along as a contact. Whoever is also known from other
        threads stays a contact where they are, and what they write next goes there (DESIGN I6):
        that is said. Raises `NotFound`, `AboardError`.
        """
        with self.db.write() as conn:
            person = people.at_work(conn, self.by)
            thread = threads.by_id(conn, thread_id)
            target = accounts.by_id(conn, account_id)
            _refuse_move(conn, thread, target)
            accounts.lock(conn, {thread.account_id, target.id})
            # Somebody may have moved it there meanwhile: its ids must not make way for themselves.
            thread, target = threads.by_id(conn, thread_id), accounts.by_id(conn, account_id)
            _refuse_move(conn, thread, target)
            who = regroup.writers(conn, thread)
            along = [number for number, (_, others) in who.items() if not others]
            done = regroup.rehouse(conn, thread, target.id, along)
            for other in done.others:
                threads.link(conn, thread.id, other, "refers-to-its-mail", now)
            source = accounts.by_id(conn, thread.account_id)
            before = {"account": thread.account_id, "mail_ids": done.mail_ids}
            before |= {"others": done.others, "contacts": done.contacts}
            self._keep(conn, person, ("move", thread.id), before, {"account": target.id}, now)
            after = threads.by_id(conn, thread.id)
            data: dict[str, Any] = {"from": source.name, "to": target.name}
            data["from_id"] = str(source.id)
            if to_know := _to_know(who, source.name, done):
                data["to_know"] = list(to_know)
            number = _event(conn, after, ACCOUNT_CHANGED, person, data, now)
            self.told(conn, after, number)
            return threads.by_id(conn, thread.id), to_know

    def _keep(
        self,
        conn: Conn,
        person: Person,
        what: tuple[str, int],
        before: dict[str, Any],
        after: dict[str, Any],
        now: datetime,
    ) -> None:
        if self.run:
            kind, thread_id = what
            deeds.add(conn, Deed(self.run, kind, thread_id, person.id, now, before, after))


def _refuse_merge(conn: Conn, kept: Thread, lost: Thread) -> None:
    if kept.id == lost.id:
        raise AboardError(f"thread {lost.id} is that thread already")
    if kept.account_id != lost.account_id:
        names = [accounts.by_id(conn, one.account_id).name for one in (lost, kept)]
        raise AboardError(
            f"thread {lost.id} is of {names[0]}, thread {kept.id} of {names[1]}: mails of two"
            " companies are not put into one thread; change the thread's account first"
        )
    if kept.confidential != lost.confidential:
        secret, open_ = (kept, lost) if kept.confidential else (lost, kept)
        raise AboardError(
            f"thread {secret.id} is confidential and thread {open_.id} is not: who sees or follows"
            " one would see the other; mark both confidential, or neither, first"
        )
    if handoffs.open_of(conn, kept.id) and handoffs.open_of(conn, lost.id):
        raise AboardError("both threads are on offer to a team: withdraw one offer first")


def _chosen(conn: Conn, thread: Thread, message_ids: Sequence[int]) -> tuple[messages.Message, ...]:
    there = messages.of_thread(conn, thread.id)
    missing = sorted(set(message_ids) - {one.id for one in there})
    if missing:
        raise NotFound(f"thread {thread.id} has no message {missing[0]}")
    chosen = tuple(one for one in there if one.id in set(message_ids))
    if not chosen:
        raise AboardError("choose the messages that get a thread of their own")
    if len(chosen) == thread.messages:
        raise AboardError(f"these are all messages of thread {thread.id}: none would stay")
    return chosen


def _status(chosen: Sequence[messages.Message]) -> str:
    """Whose turn is it, by the newest of these messages?"""
    return "open" if chosen[-1].direction == "in" else "waiting"


def _refuse_move(conn: Conn, thread: Thread, target: accounts.Account) -> None:
    if thread.account_id == target.id:
        raise AboardError(f"thread {thread.id} is of {target.name} already")
    if target.merged_into_id is not None:
        raise AboardError(f"{target.name} was merged into account {target.merged_into_id}")
    if target.kind != accounts.by_id(conn, thread.account_id).kind:
        raise AboardError("threads of our own people and of customers are not exchanged")


def _to_know(who: dict[int, tuple[str, int]], account: str, done: Rehoused) -> tuple[str, ...]:
    found = [
        f"{name} is also known from other threads of {account}: what they write next goes there"
        for name, others in who.values()
        if others
    ]
    if done.others:
        listed = ", ".join(str(one) for one in done.others)
        found.append(f"it refers to mails of thread {listed} there; they are linked, not joined")
    return tuple(found)


def _own(conn: Conn, made: Thread, source: Thread, person: Person, now: datetime) -> None:
    """The new thread's decision: it is where the one was that it was split from."""
    owner = people.by_id(conn, made.accountable_id)
    why = f"split from thread {source.id} by {person.name}"
    to = made.team, made.accountable_id
    decided = assignments.by_person(source, to, person.id, now, {"reason": why})
    assignments.append(conn, replace(decided, thread_id=made.id))
    data: dict[str, Any] = {"team": made.team, "decided_by": "person"}
    data |= {"accountable": owner.handle, "owned": made.claimed_at is not None, "why": why}
    _event(conn, made, "assigned", person, data, now)


def _event(
    conn: Conn, thread: Thread, kind: str, person: Person, data: dict[str, Any], now: datetime
) -> int:
    actor = f"person:{person.handle}"
    return timeline.add(
        conn, timeline.Event(thread.account_id, thread.id, None, now, kind, actor, data)
    )


# --- Undo --------------------------------------------------------------------------------------


def _unmerge(undoing: Undoing, done: Deed) -> str:
    conn, before = undoing.conn, done.before
    moved = Moved(**before["moved"])
    kept_id, lost_id = int(done.thread_id or 0), int(before["absorbed"])
    kept = threads.by_id(conn, kept_id)
    lost = threads.by_ids(conn, [lost_id]).get(lost_id)
    if kept.id != kept_id or lost is None or lost.merged_into_id != kept_id:
        return f"thread {kept_id} stays merged: it has been merged on since"
    if kept.account_id != before["lost"]["account_id"]:
        return f"thread {kept_id} stays merged: it was given to another account since"
    came, others = regroup.mails_on(conn, kept_id, moved)
    none_lost = not came and bool(moved.rows["messages"])
    if none_lost or (not others and before["kept"]["messages"]):  # a thread without a mail
        whose = lost_id if none_lost else kept_id
        return f"thread {kept_id} stays merged: no mail that was thread {whose}'s is on it any more"
    arrived = kept.messages != before["kept"]["messages"] + before["lost"]["messages"]
    regroup.unjoin(conn, kept_id, lost_id, moved)
    changes = {name: before["kept"][name] for name in done.after["kept"]}
    _restore(conn, kept_id, changes, done.after["kept"])
    again = answerable(conn, before["lost"], before["lost"]["team"])
    # What was marked confidential meanwhile was marked with all that was in it.
    again["confidential"] = bool(again["confidential"] or kept.confidential)
    threads.save(conn, lost_id, **again)
    promises.put_back(conn, moved.promises, (kept_id, lost_id))
    if arrived:  # what came meanwhile may refer to both: it must not join them again
        threads.link(conn, kept_id, lost_id, regroup.PARTED, undoing.now)
    for one, other in ((kept_id, lost_id), (lost_id, kept_id)):
        _tell(undoing, one, UNMERGED, {"other": str(other), "why": UNDONE})
    return ""


def _unsplit(undoing: Undoing, done: Deed) -> str:
    conn, before = undoing.conn, done.before
    thread_id, fresh_id = int(done.thread_id or 0), int(before["fresh"])
    moved = Moved(**before["moved"])
    fresh = threads.by_ids(conn, [fresh_id])[fresh_id]
    thread = threads.by_id(conn, thread_id)
    if fresh.merged_into_id is not None or thread.id != thread_id:
        return f"thread {fresh_id} stays: it has been merged since"
    if fresh.account_id != thread.account_id:
        return f"thread {fresh_id} stays: it was given to another account since"
    regroup.join(conn, thread_id, fresh_id)
    promises.put_back(conn, moved.promises, (thread_id,))
    if fresh.tags != tuple(before["thread"]["tags"]):
        threads.save(conn, thread_id, tags=sorted({*thread.tags, *fresh.tags}))
    arrived = fresh.messages > len(moved.rows["messages"])
    if arrived and fresh.status == "open" and thread.status != "open":
        threads.save(conn, thread_id, status="open")
    threads.recount(conn, thread_id)
    _tell(undoing, thread_id, MERGED, {"absorbed": str(fresh_id), "why": UNDONE})
    return ""


def _move_back(undoing: Undoing, done: Deed) -> str:
    conn, before = undoing.conn, done.before
    thread = threads.by_id(conn, int(done.thread_id or 0))
    if thread.account_id != done.after["account"]:
        return f"thread {thread.id} stays: it has gone to yet another account since"
    source, target = (
        accounts.by_id(conn, one) for one in (before["account"], done.after["account"])
    )
    if source.merged_into_id is not None:
        return f"thread {thread.id} stays: {source.name} was merged into another account since"
    accounts.lock(conn, {source.id, target.id})
    rehoused = Rehoused(before["mail_ids"], before["others"], before["contacts"])
    regroup.rehouse_back(conn, thread, source.id, rehoused)
    for other in rehoused.others:
        regroup.unlink(conn, thread.id, other, done.at)
    data = {"from": target.name, "to": source.name, "from_id": str(target.id), "why": UNDONE}
    _tell(undoing, thread.id, ACCOUNT_CHANGED, data)
    return ""


def _restore(conn: Conn, thread_id: int, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Put back what the deed changed, where nobody has changed it since; and count anew."""
    thread = threads.by_id(conn, thread_id)
    same = {
        name: value
        for name, value in before.items()
        if deeds.packed(getattr(thread, name)) == deeds.packed(after[name])
    }
    threads.save(conn, thread_id, **answerable(conn, same, same.get("team", thread.team)))
    threads.recount(conn, thread_id)


def _tell(undoing: Undoing, thread_id: int, kind: str, data: dict[str, Any]) -> None:
    thread = threads.by_id(undoing.conn, thread_id)
    number = _event(undoing.conn, thread, kind, undoing.by, data, undoing.now)
    undoing.told(undoing.conn, thread, number)


WAYS: dict[str, Way] = {"merge": _unmerge, "split": _unsplit, "move": _move_back}
