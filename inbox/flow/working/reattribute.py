"""Whose mail a forward is, put right by a person: applied, corrected, and undone.

A forward counts as its original sender's mail or as the colleague's who sent it in; either way one
click makes it the other's, or that of a third person whose mail it really was. It takes the thread
along, parted from mails that have nothing to do with it, and lands where its ids lead.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from inbox.errors import AboardError
from inbox.flow.admin.context import Own
from inbox.flow.deciding import thread as thread_flow
from inbox.flow.deciding.account import is_company_domain
from inbox.flow.deciding.forwarding import is_treated
from inbox.flow.promises import sla
from inbox.flow.working.undoing import UNDONE, Undoing
from inbox.flow.working.work import Told
from inbox.mail.address import parse_addresses
from inbox.mail.letter import Address
from inbox.store import accounts, attribution, deeds, messages, people, regroup, threads, timeline
from inbox.store.accounts import NewAccount
from inbox.store.database import Conn, Database
from inbox.store.deeds import Deed
from inbox.store.messages import Message
from inbox.store.people import Person
from inbox.store.proposals import Proposal

CORRECTED = "forward-corrected"
DEED = "forward"


@dataclass(frozen=True, slots=True)
class Forwards:
    """Somebody who puts right whose mail a forward is. `own` says who is ours."""

    db: Database
    own: Own
    told: Told = field(default=sla.told)

    def correct(self, message_id: int, sender: str, by: str, now: datetime, run: str = "") -> int:
        """Make a forward the mail of `sender` (an address), or with an empty one no forward but
        the colleague's own mail; the thread that it is on then.

        With a `run` it can be undone. Raises `NotFound`; `AboardError` for a mail that no
        colleague forwarded, an address that is none or is ours, or where nothing would change.
        """
        with self.db.write() as conn:
            person = people.at_work(conn, by)
            message = messages.by_id(conn, message_id)
            to = _address(sender) if sender.strip() else None
            return self.attribute(conn, message, to, (person, run), now)

    def apply(self, conn: Conn, made: Proposal, person: Person, now: datetime) -> None:
        """Apply a proposal of filing: the mail is the original sender's."""
        message = messages.by_id(conn, int(made.message_id or 0))
        said = made.data["sender"]
        sender = Address(str(said["name"]), str(said["address"]))
        self.attribute(conn, message, sender, (person, f"proposal-{made.id}"), now)

    def attribute(
        self,
        conn: Conn,
        message: Message,
        sender: Address | None,
        who: tuple[Person, str],
        now: datetime,
    ) -> int:
        """The effect of both, in the caller's transaction; the thread that the mail is on then."""
        self._refuse(message, sender)
        person, run = who
        account_id = self._account(conn, sender, now)
        accounts.lock(conn, {message.account_id, account_id})
        message = messages.by_id(conn, message.id)
        before = attribution.of_message(message)
        after = _attributed(conn, message, sender, account_id, now)
        thread_id = _move(conn, message, after, now)
        if run:
            kept = {"message": message.id, "was": before}
            deeds.add(conn, Deed(run, DEED, thread_id, person.id, now, kept, {"now": after}))
        _tell(conn, message, (before, after), (person, self.told), now)
        return thread_id

    def _refuse(self, message: Message, sender: Address | None) -> None:
        if "forwarded_by" not in message.extras:
            raise AboardError(f"message {message.id} is no forward of a colleague")
        if sender is not None and self.own.is_ours(sender):
            raise AboardError(f"{sender.address} is one of us: a forward is somebody else's mail")
        address = sender.address.lower() if sender else message.extras["forwarded_by"]["address"]
        if message.from_address == address and is_treated(message) == (sender is not None):
            raise AboardError(f"message {message.id} counts as the mail of {address} already")

    def _account(self, conn: Conn, sender: Address | None, now: datetime) -> int:
        """The account of an outside address as filing would find it; ours for a colleague."""
        if sender is None:
            return accounts.internal(conn, now)
        address = sender.address.lower()
        known = accounts.contacts_by_address(conn, [address]).get(address)
        if known is not None:
            return known.account_id
        domain = sender.domain
        company = is_company_domain(domain, self.own)
        owners = accounts.by_domains(conn, accounts.with_parents(domain)) if company else {}
        for one in accounts.with_parents(domain):
            if one in owners and (
                one == domain or not accounts.by_id(conn, owners[one]).provisional
            ):
                return owners[one]
        name = domain if company else (sender.name or address)
        new = NewAccount(name=name[:300], now=now, provisional=True)
        return accounts.create(conn, new, [domain] if company else [])


def _address(written: str) -> Address:
    found = [one for one in parse_addresses(written).addresses if "@" in one.address]
    if len(found) != 1:
        raise AboardError(f"{written[:100]!r} is not one mail address")
    return found[0]


def _attributed(
    conn: Conn, message: Message, sender: Address | None, account_id: int, now: datetime
) -> dict[str, Any]:
    """What the message says about its author from here on; a new contact is made."""
    by = message.extras["forwarded_by"]
    if sender is None:
        values = {"from_name": by["name"], "from_address": by["address"], "contact_id": None}
        return {**values, "account_id": account_id, "treated": False}
    address = sender.address.lower()
    known = accounts.contacts_by_address(conn, [address]).get(address)
    contact_id = known.id if known else None
    if contact_id is None:
        contact_id = accounts.add_contact(conn, account_id, sender.name[:300], address, now)
    values = {"from_name": sender.name, "from_address": address, "contact_id": contact_id}
    return {**values, "account_id": account_id, "treated": True}


def _move(conn: Conn, message: Message, after: dict[str, Any], now: datetime) -> int:
    """Part the mail from what is not about it, give it to its account, join it by its ids."""
    thread = threads.by_id(conn, message.thread_id)
    attribution.save(conn, message, after)
    if thread.account_id == after["account_id"]:
        return thread.id
    if thread.messages > 1:
        fresh = threads.opened_beside(conn, thread, message.subject, "open")
        regroup.part(conn, thread.id, fresh, [message.id])
        for one in (thread.id, fresh):
            threads.recount(conn, one)
        thread = threads.by_id(conn, fresh)
    regroup.rehouse(conn, thread, after["account_id"], [])
    own = [message.mail_id] if message.mail_id else []
    ids = message.extras["forwarded_by"].get("ids", ()) if after["treated"] else ()
    named = tuple(dict.fromkeys((*own, *message.parents, *ids)))
    used = threads.users_of(conn, named)
    there = {users[after["account_id"]] for users in used.values() if after["account_id"] in users}
    attribution.use_ids(conn, after["account_id"], thread.id, named)
    apart = there if thread.confidential else _confidential(conn, there)
    for other in sorted(apart):  # who sees one need not see the other
        threads.link(conn, thread.id, other, "refers-to-its-mail", now)
    there -= apart
    survivor = min({thread.id, *there})
    for other in sorted({thread.id, *there} - {survivor}):
        thread_flow.absorb(conn, survivor, other, "forward", now)
    return survivor


def _confidential(conn: Conn, numbers: set[int]) -> set[int]:
    return {one for one, found in threads.by_ids(conn, numbers).items() if found.confidential}


def _tell(
    conn: Conn,
    message: Message,
    change: tuple[dict[str, Any], dict[str, Any]],
    who: tuple[Person, Told],
    now: datetime,
    why: str = "",
) -> None:
    before, after = change
    person, told = who
    thread = threads.by_id(conn, messages.by_id(conn, message.id).thread_id)
    data: dict[str, Any] = {"from": before["from_address"], "to": after["from_address"]}
    data |= {"treated": after["treated"]} | ({"why": why} if why else {})
    actor = f"person:{person.handle}"
    event = timeline.Event(thread.account_id, thread.id, message.id, now, CORRECTED, actor, data)
    told(conn, threads.by_id(conn, thread.id), timeline.add(conn, event))


def undo(undoing: Undoing, done: Deed) -> str:
    """Take an attribution back; a sentence where it was changed again since."""
    conn, was, now_is = undoing.conn, dict(done.before["was"]), done.after["now"]
    message = messages.by_id(conn, int(done.before["message"]))
    if attribution.of_message(message) != now_is:
        return f"message {message.id} stays: whose mail it is was changed again since"
    account = accounts.by_id(conn, was["account_id"])
    was["account_id"] = account.merged_into_id or account.id
    accounts.lock(conn, {message.account_id, was["account_id"]})
    _move(conn, message, was, undoing.now)
    _tell(conn, message, (now_is, was), (undoing.by, undoing.told), undoing.now, UNDONE)
    return ""
