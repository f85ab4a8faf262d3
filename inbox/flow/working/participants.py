"""Whom a mail names beside us: nobody is added by mail alone, and a person may add them.

A mail that joins a thread and names people who belong neither to it nor to the account opens
nothing to them (DESIGN I7). Where the mail is proved to be its author's, one proposal a person says
so; applied, they are a participant: replies to everybody reach them, and their answers join. They
get nothing that was sent before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from inbox.flow.deciding import proposals as proposal_flow
from inbox.flow.deciding import verify
from inbox.flow.deciding.enforce import Mail
from inbox.flow.deciding.unit import Unit
from inbox.flow.working.undoing import Undoing
from inbox.mail.letter import AutomaticKind
from inbox.mail.outgoing import Unsendable, wire_address
from inbox.store import accounts, audience, deeds, proposals, threads
from inbox.store.database import Conn
from inbox.store.deeds import Deed
from inbox.store.people import Person
from inbox.store.proposals import Proposal
from inbox.store.threads import Thread

KIND = "participant"
"""The kind of the proposal, and of the deed that applying it is."""
MOST_IGNORED = 10
MOST_OPEN = 5
"""Proposals of this kind that wait on one thread; whom else mails name is on its timeline."""


def strangers(unit: Unit, mail: Mail, thread: Thread) -> tuple[str, ...]:
    """Whom a mail that joined names beside us, and who belongs to neither thread nor account: they
    get nothing by it. The first few."""
    named = {
        one.address.lower() for one in (*mail.letter.to, *mail.letter.cc) if "@" in one.address
    }
    own = unit.context.own
    outside = {
        one
        for one in named
        if one not in own.addresses and one.rpartition("@")[2] not in own.domains
    } - {mail.there.author.address.lower()}
    if not outside:
        return ()
    belong = audience.known(unit.conn, mail.there.account_id, thread.id, outside)
    return tuple(sorted(outside - belong)[:MOST_IGNORED])


def propose(unit: Unit, mail: Mail, thread: Thread, named: Sequence[str]) -> None:
    """Ask about those of `strangers`, once each, where nobody else can have written the mail."""
    human = mail.letter.automatic.kind is AutomaticKind.NONE
    if not named or not human or mail.there.internal or not verify.fact(mail.verdict):
        return
    unit.writes.flush()  # a mail before this one may have asked already
    asked = proposals.of_kind(unit.conn, thread.id, KIND)
    known = {str(one.data.get("address")) for one in asked}
    waiting = sum(one.state == proposals.OPEN for one in asked)
    room = max(0, MOST_OPEN - waiting)  # of joined threads more may wait already
    for address in [one for one in named if one not in known and _can_be_reached(one)][:room]:
        proposal_flow.propose(unit.conn, _proposal(unit.conn, mail, thread, address))


def _can_be_reached(address: str) -> bool:
    try:
        return wire_address(address) != ""
    except Unsendable:
        return False


def _proposal(conn: Conn, mail: Mail, thread: Thread, address: str) -> Proposal:
    data: dict[str, Any] = {
        "what": f"Add {address} to this thread",
        "why": f"{mail.there.author.address} named them beside us. Replies to everybody will reach"
        f" them, {_of_answers(conn, address)}; they get nothing that was sent before.",
        "address": address,
    }
    return Proposal(KIND, mail.there.account_id, thread.id, mail.message_id, data, mail.at)


def _of_answers(conn: Conn, address: str) -> str:
    """Where their answers go. A known contact decides before any thread (`flow.deciding.account`).

    The other customer goes by its number: not everybody who reads this thread may see its name.
    """
    contact = accounts.contacts_by_address(conn, [address]).get(address)
    if contact is None:
        return "and their answers will join"
    return f"but they are a contact of account {contact.account_id}, and their answers go there"


def apply(conn: Conn, made: Proposal, person: Person, now: datetime) -> None:
    """Apply a proposal of kind `participant`: that person belongs to the thread from here on."""
    thread, address = threads.by_id(conn, made.thread_id), str(made.data["address"])
    if address in audience.participants(conn, thread.id):
        return
    threads.add_participants(conn, thread.id, [address])
    after = {"address": address, "newest": thread.last_out_at}
    deeds.add(conn, Deed(f"proposal-{made.id}", KIND, thread.id, person.id, now, {}, after))


def undo(undoing: Undoing, done: Deed) -> str:
    """Take a participant away again. They stay where something has been sent since, and where they
    belong by now without it: whoever answered is a contact of the account."""
    assert done.thread_id is not None
    thread = threads.by_id(undoing.conn, done.thread_id)
    address = str(done.after["address"])
    if thread.last_out_at != done.after["newest"]:
        return f"{address} stays on thread {thread.id}: mail has left since"
    audience.leave(undoing.conn, thread.id, address)
    if address in audience.known(undoing.conn, thread.account_id, thread.id, [address]):
        name = accounts.by_id(undoing.conn, thread.account_id).name
        return (
            f"{address} stays on thread {thread.id}: they belong to {name} by now; to part them,"
            " split off what they wrote and give it to another account"
        )
    return ""
