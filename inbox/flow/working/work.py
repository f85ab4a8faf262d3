"""What people do on one thread besides deciding its team: claim, release, note, tag, status.

Every deed is an event; the thread's row is the state that they add up to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from inbox.errors import AboardError, NotFound
from inbox.flow.people import mentions
from inbox.flow.people.ownership import OWNER_CHANGED
from inbox.flow.promises import sla
from inbox.store import absences, accounts, deeds, handoffs, people, promises, threads, timeline
from inbox.store.database import Conn, Database, Within
from inbox.store.deeds import Deed
from inbox.store.people import Person
from inbox.store.threads import Thread
from routing.ownership import answerable
from routing.reader import did_you_mean

STATUS_CHANGED, TAGGED, NOTE = "status-changed", "tagged", "note"
PRIORITY_CHANGED = "priority-changed"
PRIORITIES = ("low", "normal", "high", "urgent")
MOST_TAG = 60
"""Letters of a tag."""

Told = Callable[[Conn, Thread, int], None]
"""Called in the transaction of a deed with the thread as it is then and the event's number."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Somebody of ours at work. `told` is how clocks hear of what they do."""

    db: Database | Within
    by: str
    """Handle of the person."""
    told: Told = sla.told
    run: str = ""
    """What is done under one name is undone together (`undo`); without one nothing is kept
    for it. A page gives a random one for each form."""

    def claim(self, thread_id: int, now: datetime) -> Thread:
        """Take a thread on: it is theirs and they answer for it. Raises `NotFound`, `AboardError`
        for one that is closed or that somebody else owns."""
        with self.db.write() as conn:
            thread, person = self._open(conn, thread_id)
            if thread.status == "closed":
                raise AboardError(f"thread {thread.id} is closed; reopen it to take it on")
            if thread.claimed_at is not None and thread.accountable_id != person.id:
                owner = people.by_id(conn, thread.accountable_id)
                raise AboardError(
                    f"thread {thread.id} is {owner.name}'s; they release it, or a lead does"
                )
            data: dict[str, Any] = {"to": person.handle, "from": self._handle(conn, thread)}
            data |= {"owned": True, "why": "claimed it"}
            changes = {"accountable_id": person.id, "claimed_at": now}
            return self._done(conn, thread, changes, (OWNER_CHANGED, data), now)

    def release(self, thread_id: int, now: datetime) -> Thread:
        """Give a thread back to its team: who is on duty answers for it.

        Its owner, leads and admins may. Raises `NotFound`, `AboardError`.
        """
        with self.db.write() as conn:
            thread, person = self._open(conn, thread_id)
            if thread.claimed_at is None:
                raise AboardError(f"nobody has taken thread {thread.id} on")
            if thread.accountable_id != person.id and not person.leads:
                owner = people.by_id(conn, thread.accountable_id)
                raise AboardError(
                    f"thread {thread.id} is {owner.name}'s; they or a lead release it"
                )
            to = on_duty(conn, thread.team, now)
            data: dict[str, Any] = {"to": to.handle, "from": self._handle(conn, thread)}
            data |= {"owned": False, "why": "released it"}
            changes = {"accountable_id": to.id, "claimed_at": None}
            return self._done(conn, thread, changes, (OWNER_CHANGED, data), now)

    def give(self, thread_id: int, to: str, now: datetime) -> Thread:
        """Make a thread somebody else's of its team; leads and admins may have any.

        Its owner, whoever is of the team where nobody owns it, leads and admins may. Raises
        `NotFound`, `AboardError`.
        """
        with self.db.write() as conn:
            thread, person = self._open(conn, thread_id)
            receiver = people.by_handle(conn, to)
            self._refuse_giving(conn, thread, person, receiver, now)
            data: dict[str, Any] = {"to": receiver.handle, "from": self._handle(conn, thread)}
            why = "claimed it" if receiver.id == person.id else f"given by {person.name}"
            data |= {"owned": True, "why": why}
            changes = {"accountable_id": receiver.id, "claimed_at": now}
            return self._done(conn, thread, changes, (OWNER_CHANGED, data), now)

    def _refuse_giving(
        self, conn: Conn, thread: Thread, person: Person, receiver: Person, now: datetime
    ) -> None:
        if thread.status == "closed":
            raise AboardError(f"thread {thread.id} is closed; reopen it first")
        members = people.members(conn, thread.team)
        mine = thread.claimed_at is None or thread.accountable_id == person.id
        if not person.leads and not mine:
            owner = people.by_id(conn, thread.accountable_id)
            raise AboardError(f"thread {thread.id} is {owner.name}'s; they or a lead give it away")
        if receiver.handle not in members and not receiver.leads:
            raise AboardError(
                f"{receiver.name} is not in {thread.team}: hand the thread off to their team"
            )
        if receiver.handle in absences.away(conn, now):
            raise AboardError(f"{receiver.name} is noted as away")

    def prioritise(self, thread_id: int, priority: str, now: datetime) -> Thread:
        """Say how urgent a thread is. Raises `NotFound`, `AboardError`."""
        if priority not in PRIORITIES:
            raise AboardError(f"priority {priority!r}: it is one of {', '.join(PRIORITIES)}")
        with self.db.write() as conn:
            thread, _ = self._open(conn, thread_id)
            if thread.priority == priority:
                return thread
            data = {"priority": priority, "from": thread.priority}
            return self._done(conn, thread, {"priority": priority}, (PRIORITY_CHANGED, data), now)

    def note(self, thread_id: int, text: str, now: datetime) -> Thread:
        """Write something down that only our own people see; whom it names with an @ is told, and
        follows the thread. Raises `NotFound`, `AboardError`."""
        written = text.strip()
        if not written:
            raise AboardError("the note is empty")
        with self.db.write() as conn:
            thread, person = self._open(conn, thread_id)
            found = mentions.names_in(conn, written)
            data: dict[str, Any] = {"text": written}
            named = sorted(one.handle for one in found.people)
            if named or found.teams:
                data["mentions"] = [*named, *found.teams]
            after = self._done(conn, thread, {}, (NOTE, data), now)
            event_id = timeline.newest(conn, thread.id)
            mentions.note(conn, thread.id, event_id, found, person, now)
            return after

    def tag(
        self, thread_id: int, add: Sequence[str], remove: Sequence[str], now: datetime
    ) -> Thread:
        """Add and take off tags. Raises `NotFound`, `AboardError` for what cannot be a tag."""
        added = [_tag(one) for one in add]
        removed = {_tag(one) for one in remove}
        with self.db.write() as conn:
            thread, _ = self._open(conn, thread_id)
            kept = [one for one in thread.tags if one not in removed]
            tags = list(dict.fromkeys([*kept, *added]))
            if tags == list(thread.tags):
                return thread
            data = {
                "added": [one for one in tags if one not in thread.tags],
                "removed": [one for one in thread.tags if one not in tags],
            }
            return self._done(conn, thread, {"tags": tags}, (TAGGED, data), now)

    def close(self, thread_id: int, now: datetime) -> Thread:
        """Nothing is left to do. A human mail from the customer opens it again."""
        return self._status(thread_id, "closed", None, now)

    def reopen(self, thread_id: int, now: datetime) -> Thread:
        """There is something to do after all."""
        return self._status(thread_id, "open", None, now)

    def wait(self, thread_id: int, now: datetime) -> Thread:
        """It is the customer's turn."""
        return self._status(thread_id, "waiting", None, now)

    def snooze(self, thread_id: int, until: datetime | None, now: datetime) -> Thread:
        """Put aside until an instant, or until the customer writes; without an instant only the
        latter. Raises `AboardError` where that instant has passed."""
        if until is not None and until <= now:
            raise AboardError(f"{until:%Y-%m-%d %H:%M} UTC has passed; give an instant to come")
        return self._status(thread_id, "snoozed", until, now)

    def _status(self, thread_id: int, status: str, until: datetime | None, now: datetime) -> Thread:
        with self.db.write() as conn:
            thread, person = self._open(conn, thread_id)
            if thread.status == status and status != "snoozed":
                return thread
            if status == "closed":
                _withdraw(conn, thread, person, now)
            data: dict[str, Any] = {"status": status, "from": thread.status}
            if until is not None:
                data["until"] = until.isoformat()
            changes = {"status": status, "snoozed_until": until}
            return self._done(conn, thread, changes, (STATUS_CHANGED, data), now)

    def _open(self, conn: Conn, thread_id: int) -> tuple[Thread, Person]:
        person = people.at_work(conn, self.by)
        thread = threads.by_id(conn, thread_id)
        accounts.lock(conn, [thread.account_id])
        return threads.by_id(conn, thread.id), person

    def _handle(self, conn: Conn, thread: Thread) -> str:
        return people.by_id(conn, thread.accountable_id).handle

    def _done(
        self,
        conn: Conn,
        thread: Thread,
        changes: dict[str, Any],
        happened: tuple[str, dict[str, Any]],
        now: datetime,
    ) -> Thread:
        kind, data = happened
        kept = promises.of_threads(conn, [thread.id]) if self.run and changes else []
        if changes:
            threads.save(conn, thread.id, **changes)
        event = timeline.Event(
            thread.account_id, thread.id, None, now, kind, f"person:{self.by}", data
        )
        number = timeline.add(conn, event)
        if self.run and changes:
            person = people.at_work(conn, self.by)
            keep_changes(conn, thread, changes, (self.run, person, number, kept), now)
        after = threads.by_id(conn, thread.id)
        self.told(conn, after, number)
        return after


def keep_changes(
    conn: Conn,
    before: Thread,
    changes: Mapping[str, Any],
    deed: tuple[str, Person, int, Sequence[Mapping[str, Any]]],
    now: datetime,
) -> None:
    """Keep what a deed (run, person, event, promises before it) changed of a thread, so that it
    can be undone."""
    run, person, event, targets = deed
    was = {name: getattr(before, name) for name in changes}
    after = {"columns": dict(changes), "event": event}
    kept = {"columns": was, "promises": list(targets)}
    deeds.add(conn, Deed(run, "thread", before.id, person.id, now, kept, after))


def on_duty(conn: Conn, team: str, now: datetime) -> Person:
    """Who answers for what nobody of a team owns, as `routing.ownership` says. `NotFound`."""
    directory = people.directory(conn)
    found = next((one for one in directory.teams if one.name == team), None)
    if found is None:
        names = tuple(one.name for one in directory.teams)
        raise NotFound(f"there is no team {team!r} ({did_you_mean(team, names)})")
    choice = answerable(directory, found, absences.away(conn, now))
    return people.by_handle(conn, choice.handle)


def _withdraw(conn: Conn, thread: Thread, person: Person, now: datetime) -> None:
    """What is closed is on offer to nobody."""
    offered = handoffs.open_of(conn, thread.id)
    if offered is not None:
        handoffs.settle(conn, offered.id, "withdrawn", person.id, "the thread was closed", now)


def _tag(written: str) -> str:
    tag = written.strip().lstrip("#").lower()
    if not tag or len(tag) > MOST_TAG or any(not c.isprintable() or c in " ," for c in tag):
        raise AboardError(
            f"{written!r} is no tag: one word of at most {MOST_TAG} letters, without blanks"
        )
    return tag
