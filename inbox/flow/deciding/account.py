"""Which account does a mail belong to? A known contact decides, then a thread in which we wrote
to the sender, then the customer's domain; else a provisional account is made.

Our own people's mail goes to one internal account: a From field alone gives nobody a colleague's
powers over a customer's threads (DESIGN I6).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from inbox.flow.admin.context import Own
from inbox.flow.deciding.unit import Unit
from inbox.mail.letter import Address, Letter


@dataclass(frozen=True, slots=True)
class Belonging:
    """Where a mail belongs, and who wrote it."""

    account_id: int
    contact_id: int | None
    author: Address
    direction: str
    created: bool = False
    internal: bool = False
    joins: bool = True
    """May its ids join it to a thread? Only where its author belongs to the account."""
    side: bool = False
    """It answers a side mail of ours: it belongs to the thread, and is none of the customer's."""


def belonging(
    unit: Unit, letter: Letter, author: Address, ids: Sequence[str], at: datetime
) -> Belonging:
    """The account and contact of an incoming mail; made where they are not known yet."""
    if letter.bounce is not None:
        found = _account_of_bounce(unit, letter)
        if found is not None:
            joins = account_of(unit, author.address.lower()) == found
            return Belonging(found, None, author, "in", joins=joins)
    if unit.context.own.is_ours(author):
        return Belonging(unit.internal_account(), None, author, "in", internal=True)
    # Only one single From is an author who may join: Sender and the reverse-path are anybody's
    # to write, and of several authors nobody knows which one it is (DESIGN I6).
    sole = [one.address for one in letter.from_] == [author.address]
    contact = unit.contact(author.address.lower())
    if contact is not None:
        return Belonging(contact.account_id, contact.id, author, "in", joins=sole)
    return replace(_newcomer(unit, author, ids if sole else (), at), joins=sole)


def forwarded(unit: Unit, sender: Address, ids: Sequence[str], at: datetime) -> Belonging:
    """The account and contact of the original sender whose mail a proved colleague forwarded; made
    where they are not known yet. It joins as if they had written to us themselves."""
    contact = unit.contact(sender.address.lower())
    if contact is not None:
        return Belonging(contact.account_id, contact.id, sender, "in")
    return _newcomer(unit, sender, ids, at)


def answering_side_mail(unit: Unit, author: Address, thread_id: int) -> Belonging:
    """Where the answer to a mail of a thread to an outsider belongs. No contact is made of them."""
    account_id = unit.surviving(thread_id).account_id
    unit.account(account_id)
    return Belonging(account_id, None, author, "in", side=True)


def outgoing(unit: Unit, letter: Letter, author: Address, at: datetime) -> Belonging:
    """The account that imported mail of ours was written to: its first outside recipient's."""
    own = unit.context.own
    outside = [
        one for one in (*letter.to, *letter.cc) if "@" in one.address and not own.is_ours(one)
    ]
    if not outside:
        return Belonging(unit.internal_account(), None, author, "out", internal=True)
    contact = unit.contact(outside[0].address.lower())
    if contact is not None:
        return Belonging(contact.account_id, None, author, "out")
    there = _newcomer(unit, outside[0], (), at)
    return Belonging(there.account_id, None, author, "out", created=there.created)


def _newcomer(unit: Unit, author: Address, ids: Sequence[str], at: datetime) -> Belonging:
    created = False
    account_id = unit.written_to(author.address.lower(), ids)
    company = is_company_domain(author.domain, unit.context.own)
    if account_id is None and company:
        account_id = unit.domain_owner(author.domain)
    if account_id is None:
        created = True
        name = author.domain if company else (author.name or author.address)
        account_id = unit.create_account(name, author.domain if company else None, at)
    contact = unit.create_contact(account_id, author)
    return Belonging(account_id, contact.id, author, "in", created=created)


def account_of(unit: Unit, address: str) -> int | None:
    """The account that an outside address (lower case) belongs to, where one is known."""
    contact = unit.contact(address)
    if contact is not None:
        return contact.account_id
    domain = address.rpartition("@")[2]
    return unit.domain_owner(domain) if is_company_domain(domain, unit.context.own) else None


def is_company_domain(domain: str, own: Own) -> bool:
    """Does a mail domain stand for one company? Public mail providers do not."""
    if "." not in domain or domain in own.public_domains:
        return False
    return domain.partition(".")[2] not in own.public_domains


def _account_of_bounce(unit: Unit, letter: Letter) -> int | None:
    """The account of the person who was not reached; a report's own sender is a machine."""
    for recipient in letter.bounce.recipients if letter.bounce else ():
        found = account_of(unit, recipient.address.lower())
        if found is not None:
            return found
    return None
