"""One letter onto its account, its thread and its team; a step of `intake.file`, never alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from inbox.flow import extras
from inbox.flow.admin import hours_fact
from inbox.flow.deciding import account as account_flow
from inbox.flow.deciding import agents, assign, enforce, forwards, run_policy, verify
from inbox.flow.deciding import thread as thread_flow
from inbox.flow.deciding.account import Belonging
from inbox.flow.deciding.enforce import Mail, Reasons
from inbox.flow.deciding.prepare import Prepared
from inbox.flow.deciding.unit import Unit
from inbox.flow.intake import bounces, invitations, loops
from inbox.flow.leaving import outbox_deeds
from inbox.flow.working import participants
from inbox.mail.joining import ids_of
from inbox.mail.letter import AutomaticKind, Letter
from inbox.mail.verification import asks_to_verify
from inbox.store.threads import Thread
from routing.decide import decide
from routing.facts import Facts

STRANGER = "stranger"
"""Tag of a thread that was opened at the signed reply address of somebody else's thread. Services
that are made to mail such an address (the ticket trick) end there, and nothing answers them."""
VERIFICATION = "address-verification"
"""Tag beside it where the mail asks to confirm an address, or brings the code for that."""


def file_letter(unit: Unit, ready: Prepared) -> int:
    """Write the message and everything that follows from it; its number."""
    letter = ready.letter
    answered = unit.answered_ids(ready.claim)
    ids = tuple(dict.fromkeys((*ready.ids, *answered)))
    there = _belonging(unit, ready, ids)
    find = thread_flow.place if there.joins else thread_flow.beside
    place = find(unit, there.account_id, ids)
    number = unit.writes.key("messages")
    mail = Mail(
        ready.claim,
        letter,
        there,
        ready.at,
        number,
        ready.verdict,
        ready.forward,
        stranger=bool(answered) and place.thread is None and there.direction == "in",
    )
    facts = Facts(
        {
            **ready.facts,
            **assign.account_facts(unit.account(there.account_id)),
            **assign.thread_facts(place.thread),
            **assign.contact_facts(
                unit.contact(there.author.address.lower()), internal=there.internal
            ),
            hours_fact.NAME: _in_hours(unit, place.thread, ready.at),
        }
    )
    event = assign.event_of(letter, place.thread)
    history = run_policy.live(unit, place.thread, ready.at)
    rules = unit.context.files.ruleset
    if (there.direction == "out" or there.side) and place.thread is not None:
        rules = replace(rules, rules=())  # what we wrote ourselves moves no thread
    decision = decide(rules, facts, event=event, history=history)
    reasons = Reasons(decision, facts, ready.guess, is_new=place.thread is None)
    thread = place.thread or _open(unit, mail, reasons)
    _insert(unit, mail, thread, facts)
    unit.writes.index(mail.message_id, ready.words)
    if there.side:
        unit.aside.add(mail.message_id)
    _join(unit, mail, thread, ids, place)
    _note(unit, mail, thread, joined=place.thread is not None)
    forwards.note(unit, mail, thread)
    invitations.note(unit, mail, thread)
    enforce.put_in_force(unit, mail, thread, reasons)
    _advance(unit, mail, thread.id)
    bounces.note(unit, mail)
    bounces.complaint(unit, mail, thread)
    loops.note(unit, mail, thread)
    agents.note(unit, mail, thread)
    return mail.message_id


def _in_hours(unit: Unit, thread: Thread | None, at: datetime) -> bool:
    """Did the mail arrive while its team works?"""
    files = unit.context.files
    team = "" if thread is None else thread.team
    return hours_fact.is_open(files.directory, files.sla, files.ruleset.fallback.team, team, at)


def _belonging(unit: Unit, ready: Prepared, ids: tuple[str, ...]) -> Belonging:
    author = ready.author
    if ready.forward is not None and ready.forward.trusted:
        return account_flow.forwarded(unit, author, ids, ready.at)
    if ready.claim.sent and author.address.lower() in unit.context.own.addresses:
        return account_flow.outgoing(unit, ready.letter, author, ready.at)
    if not verify.may_join(ready.verdict, ready.letter):
        # Its own domain disowns it, or nobody knows whose it is: it names threads in vain.
        there = account_flow.belonging(unit, ready.letter, author, (), ready.at)
        return replace(there, joins=False)
    aside = unit.side_thread(ready.letter, author, ids)
    if aside is not None:
        return account_flow.answering_side_mail(unit, author, aside)
    return account_flow.belonging(unit, ready.letter, author, ids, ready.at)


def _open(unit: Unit, mail: Mail, reasons: Reasons) -> Thread:
    decision, owner = reasons.decision, enforce.owner_of(unit, mail, reasons)
    opened = Thread(
        id=unit.writes.key("threads"),
        account_id=mail.there.account_id,
        subject=mail.letter.subject,
        status="open",
        team=decision.team,
        accountable_id=unit.owners.number(owner.handle),
        claimed_at=mail.at if owner.owned else None,
        decided_by=decision.decided_by,
        priority=decision.priority or "normal",
        policy=decision.policy or None,
        tags=tuple(dict.fromkeys((*decision.tags, *_tags(mail)))),
        opened_at=mail.at,
        last_message_at=mail.at,
        last_in_at=None,
        last_out_at=None,
        messages=0,
        merged_into_id=None,
        version=1,
    )
    unit.open_thread(opened)
    return opened


def _tags(mail: Mail) -> tuple[str, ...]:
    if not mail.stranger:
        return ()
    asks = asks_to_verify(mail.letter.subject, mail.letter.visible_text)
    return (STRANGER, VERIFICATION) if asks else (STRANGER,)


def _insert(unit: Unit, mail: Mail, thread: Thread, facts: Facts) -> None:
    letter, there = mail.letter, mail.there
    defects = list(letter.defects)
    if unit.id_in_use(letter):
        defects.append("message-id-in-use")
    ids = ids_of(letter)
    language = facts.text("language")
    row: dict[str, Any] = {
        "id": mail.message_id,
        "thread_id": thread.id,
        "account_id": there.account_id,
        "contact_id": there.contact_id,
        "raw_id": mail.claim.raw_id,
        "direction": there.direction,
        "mail_id": letter.message_id,
        "content_hash": letter.content_hash,
        "parents": list(ids[1:] if letter.message_id else ids),
        "subject": letter.subject,
        "from_name": there.author.name,
        "from_address": there.author.address.lower()[:520],
        "recipients": _recipients(letter),
        "sent_at": letter.date,
        "received_at": mail.at,
        "size": mail.claim.size,
        "text": letter.text,
        "visible_text": letter.visible_text,
        "has_html": letter.html is not None,
        "language": language or None,
        "automatic": letter.automatic.kind.value,
        "may_answer": _may_answer(mail),
        "verified": mail.verdict.result,
        "extras": ({extras.SIDE: True} if there.side else {})
        | extras.of_letter(letter)
        | extras.of_verdict(mail.verdict)
        | forwards.extra(mail.forward),
        "defects": defects,
    }
    unit.add_message(row, extras.files_of(letter))


def _may_answer(mail: Mail) -> bool:
    """May a machine answer it? Not where its domain disowns it: whoever it names did not write."""
    believed = verify.may_join(mail.verdict, mail.letter)
    return believed and mail.letter.automatic.may_answer and not mail.stranger


def _join(
    unit: Unit, mail: Mail, thread: Thread, ids: tuple[str, ...], place: thread_flow.Place
) -> None:
    own = ids[:1] if mail.letter.message_id else ()
    unit.use_ids(mail.there.account_id, thread.id, ids if mail.there.joins else own)
    for other in place.related:
        unit.link(thread.id, other, "refers-to-its-mail")
    bounce = mail.letter.bounce
    if bounce is not None and bounce.original_message_id and place.thread is None:
        original = unit.joined(mail.there.account_id, [bounce.original_message_id])
        for other in original.values():
            unit.link(thread.id, other, "delivery-report")
    if mail.there.direction == "out":
        written_to = {one.address.lower() for one in (*mail.letter.to, *mail.letter.cc)}
        for address in sorted(written_to - unit.context.own.addresses):
            unit.writes.add("thread_participants", {"thread_id": thread.id, "address": address})


def _note(unit: Unit, mail: Mail, thread: Thread, joined: bool) -> None:
    there, letter = mail.there, mail.letter
    if there.created:
        made = {"from": there.author.address.lower()}
        unit.event(mail.event(thread.id, "account-created", made))
    kind = "mail-in" if there.direction == "in" else "mail-out"
    data: dict[str, Any] = {
        "automatic": letter.automatic.kind.value,
        "verified": mail.verdict.result,
    }
    if there.side:
        data["side"] = "yes"
    if joined and there.direction == "in" and not verify.fact(mail.verdict):
        data["joined"] = "unverified"
    arrived = joined and there.direction == "in"
    ignored = participants.strangers(unit, mail, thread) if arrived else ()
    if ignored:
        data["cc_ignored"] = list(ignored)
    unit.event(mail.event(thread.id, kind, data))
    participants.propose(unit, mail, thread, ignored)


def _advance(unit: Unit, mail: Mail, thread_id: int) -> None:
    """Count the message in; human mail from the customer reopens what waited or was closed."""
    thread, at = unit.thread(thread_id), mail.at
    incoming = mail.there.direction == "in"
    changes: dict[str, Any] = {
        "messages": thread.messages + 1,
        "last_message_at": max(at, thread.last_message_at),
        "opened_at": min(at, thread.opened_at),
    }
    if at < thread.opened_at:
        # The thread bears the subject of its first mail, whichever arrived first.
        changes["subject"] = mail.letter.subject
    if mail.there.side:
        _advance_aside(unit, mail, thread, changes)
        return
    before = thread.last_in_at if incoming else thread.last_out_at
    changes["last_in_at" if incoming else "last_out_at"] = max(at, before) if before else at
    human = mail.letter.automatic.kind in (AutomaticKind.NONE, AutomaticKind.LIST)
    archived = mail.claim.opens_as == "closed" and (
        not thread.messages or thread.status == "closed"
    )
    if archived:
        changes["status"] = "closed"  # history: it asks for nothing any more
        data = {"status": "closed", "from": thread.status, "why": "archive"}
        unit.event(replace(mail.event(thread_id, "status-changed", data), actor="aboard"))
    elif incoming and human and thread.status != "open":
        changes["status"] = "open"
    if incoming and human and thread.messages and not mail.claim.dated:
        outbox_deeds.cancel_answered(unit.conn, thread_id, unit.now)
    unit.change_thread(thread_id, **changes)


def _advance_aside(unit: Unit, mail: Mail, thread: Thread, changes: dict[str, Any]) -> None:
    """Who we asked aside has answered: what was put away is taken up again, and the customer's
    turn stays the customer's."""
    if thread.status in ("closed", "snoozed"):
        changes |= {"status": "open", "snoozed_until": None}
        data = {"status": "open", "from": thread.status, "why": "an answer came from outside"}
        event = mail.event(thread.id, "status-changed", data)
        unit.event(replace(event, actor="aboard"))
    unit.change_thread(thread.id, **changes)


def _recipients(letter: Letter) -> dict[str, list[list[str]]]:
    fields = {"to": letter.to, "cc": letter.cc, "reply_to": letter.reply_to}
    return {
        name: [[one.name, one.address] for one in addresses]
        for name, addresses in fields.items()
        if addresses
    }
