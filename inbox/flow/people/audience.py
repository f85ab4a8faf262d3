"""Who gets a reply? Computed from the one message that it answers, and shown as a difference.

A mail alone adds nobody (DESIGN I7): whom only their Cc names, and who does not belong to the
account or the thread, gets nothing unless the person who replies names them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from inbox.mail.letter import Address
from inbox.mail.outgoing import Unsendable, wire_address
from inbox.store import audience, side_mails
from inbox.store.database import Conn
from inbox.store.messages import Message
from inbox.store.threads import Thread


@dataclass(frozen=True, slots=True)
class Asked:
    """What the person who replies said about recipients."""

    everybody: bool = False
    """Also those who got the answered message beside us."""
    to: tuple[str, ...] = ()
    """Instead of the author."""
    cc: tuple[str, ...] = ()
    """In addition."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Who gets the reply, beside who was on the answered message."""

    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    added: tuple[str, ...]
    """Get the reply, and were not on the answered message."""
    missing: tuple[str, ...]
    """Were on the answered message, and do not get the reply."""
    left_out: tuple[str, ...]
    """Of those missing: strangers to the account whom only that mail names."""
    warnings: tuple[str, ...]


def audience_of(
    conn: Conn, thread: Thread, answered: Message, asked: Asked, is_ours: Callable[[str], bool]
) -> Audience:
    """Compute it. Raises `Unsendable` for an address that the person gave and that is none."""
    before = _others(
        (*_author(answered), *_named(answered, "to"), *_named(answered, "cc")), is_ours
    )
    warnings: list[str] = []
    to = tuple(_given(one) for one in asked.to) or _default(answered, is_ours, warnings)
    extra = tuple(_given(one) for one in asked.cc)
    left_out: tuple[str, ...] = ()
    if asked.everybody:
        rest = [one for one in before if one.address not in {each.address for each in to}]
        belong = audience.known(
            conn, thread.account_id, thread.id, [one.address for one in rest]
        ) | {one.address for one in extra}
        belong -= side_mails.addresses(conn, thread.id) - {one.address for one in extra}
        left_out = tuple(one.address for one in rest if one.address not in belong)
        extra = (*(one for one in rest if one.address in belong), *extra)
    cc = _once(one for one in extra if one.address not in {each.address for each in to})
    chosen = [one.address for one in (*to, *cc)]
    for address, (at, status) in audience.bounced(conn, chosen).items():
        warnings.append(f"mail to {address} came back on {at:%Y-%m-%d} ({status or 'no status'})")
    there = [one.address for one in before]
    return Audience(
        to=_once(to),
        cc=cc,
        added=tuple(one for one in chosen if one not in there),
        missing=tuple(one for one in there if one not in chosen),
        left_out=left_out,
        warnings=tuple(warnings),
    )


def _default(
    answered: Message, is_ours: Callable[[str], bool], warnings: list[str]
) -> tuple[Address, ...]:
    """The author; their Reply-To where it is at the same domain: anybody may write that field."""
    if answered.direction == "out":
        return _others(_named(answered, "to"), is_ours)
    author = _author(answered)
    wanted = _others(_named(answered, "reply_to"), is_ours)
    if not wanted or {one.address for one in wanted} == {one.address for one in author}:
        return author
    domains = {one.domain for one in wanted}
    if domains == {author[0].domain}:
        return wanted
    named = ", ".join(one.address for one in wanted)
    warnings.append(f"answers were asked to go to {named}, at another domain: give --to to do so")
    return author


def _author(answered: Message) -> tuple[Address, ...]:
    if answered.direction == "out":
        return ()
    return (Address(answered.from_name, answered.from_address),)


def _named(answered: Message, field: str) -> tuple[Address, ...]:
    return tuple(Address(name, address) for name, address in answered.recipients.get(field, ()))


def _others(listed: Sequence[Address], is_ours: Callable[[str], bool]) -> tuple[Address, ...]:
    """Everybody but our mailboxes, in lower case, whom mail can be sent to."""
    found = []
    for one in listed:
        try:
            address = wire_address(one.address).lower()
        except Unsendable:
            continue  # it could not have been delivered to them either
        if not is_ours(address):
            found.append(Address(one.name, address))
    return _once(found)


def _once(listed: Iterable[Address]) -> tuple[Address, ...]:
    return tuple({one.address: one for one in reversed(tuple(listed))}.values())[::-1]


def _given(text: str) -> Address:
    return Address("", wire_address(text.strip()).lower())
