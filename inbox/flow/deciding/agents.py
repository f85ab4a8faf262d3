"""A mail that came to the signed address of a notice: whose is it, and may it be believed?

A step of filing. The token says which notice it answers, and so for whom that notice was; it does
not say who wrote. What a colleague may do needs both: the token, and an author that was proved
(DESIGN I6). Whatever comes here is filed on our own account, joins nothing, and leaves only by
`flow.working.agent_desk`. So a notice that bounces or is answered by a machine reaches no customer.
"""

from __future__ import annotations

from typing import Any

from inbox.flow.deciding.enforce import Mail
from inbox.flow.deciding.proposals import MADE_EVENT, event
from inbox.flow.deciding.unit import Unit
from inbox.mail.authentication import FAIL, PASS
from inbox.mail.letter import AutomaticKind
from inbox.store import agent_mails, agent_notices, outbox_desk, people, proposals
from inbox.store.agent_notices import Notice
from inbox.store.outbox_desk import Item
from inbox.store.people import Person
from inbox.store.proposals import Proposal
from inbox.store.threads import Thread

KIND = "agent-mail"
"""Of proposals: an answer by mail that waits for a signed-in confirmation."""
REFUSED = "agent-mail-refused"
HELD_KIND = "answer-held"
"""Of notices: an answer waits."""


def note(unit: Unit, mail: Mail, thread: Thread) -> None:
    """Write down an answer to a notice; `thread` is the mail's own, on our account."""
    for mail_id in unit.agent_ids(mail.claim):
        item = outbox_desk.by_mail_id(unit.conn, mail_id)
        told = () if item is None else agent_notices.of_item(unit.conn, item.id)
        if item is not None and told:
            _note(unit, mail, thread, item, told)
            return


def _note(unit: Unit, mail: Mail, thread: Thread, item: Item, told: tuple[Notice, ...]) -> None:
    person = people.by_id(unit.conn, told[0].person_id)
    state, why = _judge(mail, person)
    on = {one.thread_id for one in told}
    about = unit.surviving(on.pop()) if len(on) == 1 else None
    unit.writes.add(
        "agent_mails",
        {
            "message_id": mail.message_id,
            "person_id": person.id,
            "item_id": item.id,
            "thread_id": None if about is None else about.id,
            "seen_id": told[0].seen_id,
            "at": unit.now,
            "state": state,
            "steps_done": [],
            "settled_at": None if state in (agent_mails.PENDING, agent_mails.HELD) else unit.now,
            "why": why or None,
        },
    )
    if mail.there.internal:
        unit.change_thread(thread.id, status="closed")  # nobody has to answer it
    if state == agent_mails.REFUSED:
        data = {"why": why, "handle": person.handle, "from": mail.there.author.address.lower()}
        unit.event(mail.event(thread.id, REFUSED, data))
    if state == agent_mails.HELD and about is not None:
        _propose(unit, mail, person, about, why)


def _judge(mail: Mail, person: Person) -> tuple[str, str]:
    """(state, why): may it be done, must somebody who is signed in confirm it, or nothing?"""
    letter, author = mail.letter, mail.there.author
    if letter.automatic.kind is not AutomaticKind.NONE or letter.bounce is not None:
        return agent_mails.IGNORED, f"no person wrote it ({letter.automatic.kind.value})"
    if letter.from_ != (author,) or author.address.lower() != person.address.lower():
        return agent_mails.REFUSED, f"the notice was for {person.address}, not for who wrote"
    if not person.active:
        return agent_mails.REFUSED, f"{person.name} is not one of us any more"
    if person.role == "viewer":
        return agent_mails.REFUSED, f"{person.name} may look at threads and change nothing"
    if mail.verdict.result == FAIL:
        return agent_mails.REFUSED, f"it is not proved to be {person.name}'s: {mail.verdict.why}"
    if mail.verdict.result != PASS:
        return agent_mails.HELD, f"nothing proves that {person.name} wrote it"
    return agent_mails.PENDING, ""


def _propose(unit: Unit, mail: Mail, person: Person, about: Thread, why: str) -> None:
    what = f"Do what {person.name}'s mail of {mail.at:%Y-%m-%d %H:%M} UTC says"
    data = {"what": what, "why": why, "handle": person.handle}
    made = Proposal(
        *(KIND, about.account_id, about.id, mail.message_id, data, unit.now),
        id=unit.writes.key("proposals"),
    )
    unit.account(about.account_id)  # held from here on
    unit.writes.add("proposals", {"id": made.id, **proposals.row_of(made)})
    unit.event(event(made, MADE_EVENT, "aboard", mail.at))
    unit.writes.add("agent_notices", _held(mail, person, about, why))


def _held(mail: Mail, person: Person, about: Thread, why: str) -> dict[str, Any]:
    """The person hears at their own address that something waits for them."""
    return {
        "key": f"held/{mail.message_id}/{person.id}",
        "person_id": person.id,
        "thread_id": about.id,
        "kind": HELD_KIND,
        "data": {"why": why, "message": str(mail.message_id), "confirm": True},
        "at": mail.at,
        "state": agent_notices.PENDING,
    }
