"""A delivery report that came to a signed reverse-path: which recipient of which item it speaks of.

Only a report that came to such an address proves that a mail of ours was meant; any other report
is filed and marks nobody (a forged one costs nobody their address).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from inbox.flow.deciding.enforce import Mail
from inbox.flow.deciding.unit import Unit
from inbox.mail.letter import Bounce, BouncedRecipient
from inbox.mail.outgoing import Unsendable, wire_address
from inbox.store import outbox_desk, people
from inbox.store.outbox_desk import Item
from inbox.store.threads import Thread
from inbox.store.timeline import Event

_FAILED = frozenset({"failed", ""})
"""Actions of a report (RFC 3464 section 2.3.3) that may say that nobody tries any more."""

_NOBODY = BouncedRecipient("", "", "", "")
"""What a report says about that names no recipient."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One recipient of an item who was not reached."""

    address: str
    status: str
    reason: str
    permanent: bool


def note(unit: Unit, mail: Mail) -> None:
    """Mark what a report to a signed reverse-path says, and tell the thread's owner."""
    bounce = mail.letter.bounce
    if bounce is None:
        return
    for mail_id in unit.bounced_ids(mail.claim):
        item = outbox_desk.by_mail_id(unit.conn, mail_id)
        if item is not None:
            found = failures(item, bounce)
            for failure in found:
                _mark(unit, mail, item, failure)
            if not found and _says_failed(bounce):
                _tell_of_one(unit, mail, item, bounce)
            return


def complaint(unit: Unit, mail: Mail, thread: Thread) -> None:
    """Link an abuse report to the thread of the mail that somebody complains about, and say so
    there. It may be anybody's: nothing else follows."""
    reported = mail.letter.reported_id
    if reported is None:
        return
    for other_id in unit.using(reported):
        if other_id == thread.id:
            continue
        unit.link(thread.id, other_id, "abuse-report")
        about = unit.thread(other_id)
        data = {"thread": str(thread.id), "from": mail.there.author.address.lower()}
        _tell(unit, mail, about.account_id, about.id, "abuse-reported", data)


def failures(item: Item, bounce: Bounce) -> tuple[Failure, ...]:
    """Whom of the item's recipients the report names; delays are not failures.

    It may name them by the address that we wrote to, or by what forwarding made of it. One that
    names nobody of them is about the one recipient of an item that had only one.
    """
    sent_to = {one.address for one in item.recipients}
    found = []
    for one in bounce.recipients:
        named = [_plain(name) for name in (one.original, one.address) if name]
        address = next((name for name in named if name in sent_to), None)
        if address is None and len(sent_to) == 1:
            (address,) = sent_to
        if address is not None and one.action in _FAILED:
            found.append(_failure(address, one))
    return tuple(found)


def _says_failed(bounce: Bounce) -> bool:
    return any(one.action in _FAILED for one in bounce.recipients or (_NOBODY,))


def _tell_of_one(unit: Unit, mail: Mail, item: Item, bounce: Bounce) -> None:
    """Somebody did not get it, and the report does not say who: the owner is told, and nobody is
    marked. A report that names nobody at all may only be a delay."""
    if item.thread_id is None:
        return
    thread = unit.surviving(item.thread_id)
    unit.account(thread.account_id)  # held from here on
    sent_to = [one.address for one in item.recipients]
    only = sent_to[0] if len(sent_to) == 1 else ""
    data = _event_data(unit, item, thread, _failure(only, next(iter(bounce.recipients), _NOBODY)))
    if not only:
        data["of"] = sent_to
    _tell(unit, mail, thread.account_id, thread.id, "mail-bounced", data)


def _failure(address: str, one: BouncedRecipient) -> Failure:
    permanent = one.status.startswith("5") or (one.action == "failed" and one.status[:1] != "4")
    return Failure(address, one.status, one.diagnostic, permanent)


def _plain(address: str) -> str:
    try:
        return wire_address(address).lower()
    except Unsendable:
        return address.lower()


def _mark(unit: Unit, mail: Mail, item: Item, failure: Failure) -> None:
    outbox_desk.note_bounce(unit.conn, item.id, failure, mail.at)
    if failure.permanent:
        outbox_desk.note_dead_address(unit.conn, failure.address, failure.status, mail.at)
    if item.thread_id is None:
        return
    thread = unit.surviving(item.thread_id)
    unit.account(thread.account_id)  # held from here on
    data = _event_data(unit, item, thread, failure)
    _tell(unit, mail, thread.account_id, thread.id, "mail-bounced", data)
    if failure.permanent and thread.status == "waiting" and not _somebody_got_it(item, failure):
        # Nobody is going to answer a mail that nobody got: it is our turn again.
        unit.change_thread(thread.id, status="open")
        changed = {"status": "open", "from": "waiting"}
        _tell(unit, mail, thread.account_id, thread.id, "status-changed", changed)
        if item.message_id is not None:
            unit.also_moved.append(item.message_id)


def _event_data(unit: Unit, item: Item, thread: Thread, failure: Failure) -> dict[str, object]:
    return {
        "item": str(item.id),
        "address": failure.address,
        "status": failure.status,
        "permanent": failure.permanent,
        "reason": failure.reason[:500],
        "owner": people.by_id(unit.conn, thread.accountable_id).handle,
    }


def _somebody_got_it(item: Item, failure: Failure) -> bool:
    return any(
        one.state == "accepted" and one.address != failure.address for one in item.recipients
    )


def _tell(
    unit: Unit, mail: Mail, account_id: int, thread_id: int, kind: str, data: Mapping[str, object]
) -> None:
    event = Event(
        account_id=account_id,
        thread_id=thread_id,
        message_id=mail.message_id,
        at=mail.at,
        kind=kind,
        actor="aboard",
        data=data,
    )
    unit.event(event)
