"""Loops are bounded whatever the other side's headers say: who mails a mailbox automatically too
often within an hour is stopped. Their mail is filed as ever; nothing automatic leaves to them until
a person releases the pair.

Counted are automatic replies and reports, and whatever answers an automatic mail of ours, as it
names its id or its signed address: a responder that hides what it is does that too. What its domain
disowns (DMARC) is not counted: else six forged mails would cost a customer all automatic mail.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from inbox.errors import AboardError
from inbox.flow.deciding import verify
from inbox.flow.deciding.enforce import Mail
from inbox.flow.deciding.unit import Unit
from inbox.mail.letter import AutomaticKind
from inbox.store import loops, people, threads, timeline
from inbox.store.database import Database
from inbox.store.loops import Loop
from inbox.store.threads import Thread
from routing.floods import Pair, counted

STOPPED, RELEASED = "loop-stopped", "loop-released"
MOST_IDS = 50
"""References of a mail that are looked at, the last ones."""
_ANSWERS = frozenset({AutomaticKind.AUTO_REPLY, AutomaticKind.OUT_OF_OFFICE, AutomaticKind.BOUNCE})


def note(unit: Unit, mail: Mail, thread: Thread) -> None:
    """Count an automatic mail that came in; stop its pair where it is one too many."""
    address = mail.there.author.address.lower()
    if mail.there.direction != "in" or mail.claim.dated or not _is_automatic(unit, mail):
        return
    mailbox = _mailbox(unit, mail)
    if (
        not mailbox
        or not verify.may_join(mail.verdict, mail.letter)
        or unit.context.own.is_ours(mail.there.author)
    ):
        return
    there = loops.of_pair(unit.conn, mailbox, address)
    before = None
    if there is not None:
        before = Pair(there.hour_at, there.count, there.stopped_at is not None)
    after = counted(before, mail.at, unit.context.most_automatic)
    row: dict[str, Any] = {"mailbox": mailbox, "address": address, "thread_id": thread.id}
    row |= {"hour_at": after.hour_at, "count": after.count, "released_at": None}
    row["stopped_at"] = (there and there.stopped_at) or (mail.at if after.stopped else None)
    unit.writes.flush()  # the thread may be new
    loops.save(unit.conn, row)
    if after.stopped and not (before and before.stopped):
        data = {"mailbox": mailbox, "address": address, "count": after.count}
        data["pair"] = str(_number(unit, mailbox, address))
        happened = timeline.Event(
            mail.there.account_id, thread.id, mail.message_id, mail.at, STOPPED, "aboard", data
        )
        unit.event(happened)


def _is_automatic(unit: Unit, mail: Mail) -> bool:
    kind = mail.letter.automatic.kind
    if kind in _ANSWERS:
        return True
    if kind is not AutomaticKind.NONE:
        return False  # newsletters and lists answer nothing
    named = (*mail.letter.references, *mail.letter.in_reply_to)[-MOST_IDS:]
    domains = {one.rpartition("@")[2] for one in unit.context.mailboxes}
    ours = [one for one in named if one.rpartition("@")[2] in domains]
    return loops.answers_automatic(unit.conn, [*ours, *unit.answered_ids(mail.claim)])


def _mailbox(unit: Unit, mail: Mail) -> str:
    """Which of our mailboxes it came to; empty where none is named."""
    named = [
        *mail.claim.forward_paths,
        *(one.address for one in (*mail.letter.to, *mail.letter.cc)),
    ]
    for one in named:
        local, _, domain = one.lower().rpartition("@")
        base = f"{local.partition('+')[0]}@{domain}"
        if base in unit.context.mailboxes:
            return base
    return ""


def _number(unit: Unit, mailbox: str, address: str) -> int:
    there = loops.of_pair(unit.conn, mailbox, address)
    assert there is not None  # it was saved a moment ago
    return there.id


def release(db: Database, loop_id: int, by: str, now: datetime) -> Loop:
    """Let automatic mail leave to a stopped address again; the pair as it was.

    Raises `NotFound`, and `AboardError` where it is not stopped.
    """
    with db.write() as conn:
        person = people.at_work(conn, by)
        found = loops.by_id(conn, loop_id)
        if not loops.release(conn, loop_id, now):
            raise AboardError(f"{found.address} is not stopped at {found.mailbox}")
        thread = threads.by_id(conn, found.thread_id)
        data = {"mailbox": found.mailbox, "address": found.address, "pair": str(found.id)}
        event = timeline.Event(
            thread.account_id, thread.id, None, now, RELEASED, f"person:{person.handle}", data
        )
        timeline.append(conn, [event])
    return found
