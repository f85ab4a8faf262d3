"""Marking a thread or an attachment confidential, and lifting it; both are on record.

Who may: leads, admins, and whoever answers for the thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from inbox.errors import AboardError
from inbox.store import audit_log, messages, people, threads, timeline
from inbox.store.audit_log import Entry
from inbox.store.database import Conn, Database
from inbox.store.people import Person
from inbox.store.seers import seer_of
from inbox.store.threads import Thread
from inbox.store.timeline import Event


class NotAllowed(AboardError):
    """Somebody tried what only leads, admins and who answers for the thread may do."""


@dataclass(frozen=True, slots=True)
class Confidential:
    """Marks what not everybody may see."""

    db: Database

    def thread(self, thread_id: int, by: str, on: bool, address: str, now: datetime) -> int:
        """Mark a thread confidential, or lift it, as the person `by`; the thread's number.

        Raises `NotFound` for what the person does not see, `NotAllowed`.
        """
        with self.db.write() as conn:
            person = people.by_handle(conn, by)
            thread = threads.by_id(conn, thread_id, seer_of(conn, person))
            _refuse(person, thread)
            if thread.confidential != on:
                threads.save(conn, thread.id, confidential=on)
                _note(conn, person, thread, {"what": "thread", "on": on}, address, now)
            return thread.id

    def attachment(self, attachment_id: int, by: str, on: bool, address: str, now: datetime) -> int:
        """The same for one attachment; the number of its thread. Its name is not on the timeline,
        which more people see."""
        with self.db.write() as conn:
            person = people.by_handle(conn, by)
            seer = seer_of(conn, person)
            stored = messages.attachment(conn, attachment_id, seer)
            message = messages.by_id(conn, stored.message_id, seer)
            thread = threads.by_id(conn, message.thread_id, seer)
            _refuse(person, thread)
            if stored.confidential != on:
                messages.mark_attachment(conn, stored.id, confidential=on)
                data = {"what": "attachment", "on": on, "attachment": str(stored.id)}
                _note(conn, person, thread, data, address, now, message.id)
            return thread.id


def may_mark(person: Person, thread: Thread) -> bool:
    """May this person say what is confidential on this thread?"""
    return person.leads or (person.changes and thread.accountable_id == person.id)


def _refuse(person: Person, thread: Thread) -> None:
    if not may_mark(person, thread):
        raise NotAllowed("Only who answers for the thread, a lead or an admin can do this.")


def _note(
    conn: Conn,
    person: Person,
    thread: Thread,
    data: dict[str, object],
    address: str,
    now: datetime,
    message_id: int | None = None,
) -> None:
    kind = "confidential-set" if data["on"] else "confidential-lifted"
    said = {name: value for name, value in data.items() if name != "on"}
    actor = f"person:{person.handle}"
    event = Event(thread.account_id, thread.id, message_id, now, kind, actor, said)
    timeline.append(conn, [event])
    subject = f"thread {thread.id}"
    if "attachment" in said:
        subject = f"attachment {said['attachment']} of {subject}"
    audit_log.add(conn, Entry(now, kind, actor, subject, person.id, address))
