"""What came to an account since another one was made part of it: whose is it?"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from inbox.store import accounts
from inbox.store.account_moves import Moved
from inbox.store.database import Conn, portions
from inbox.store.tables import contact_addresses, contacts, messages, thread_participants, threads


def contacts_of(conn: Conn, target: int, moved: Moved) -> set[int]:
    """Contacts of the surviving account who are the merged one's: who came with it, and of those
    who are new since who writes from one of its domains or on its threads alone."""
    there = set(conn.scalars(select(contacts.c.id).where(contacts.c.account_id == target)))
    came = there & set(moved.rows["contacts"])
    fresh = {one for one in there - came if one > moved.newest["contacts"]}
    own, nobodys = _by_domain(conn, fresh, moved)
    return came | own | _on_its_threads(conn, nobodys, moved)


def _by_domain(conn: Conn, fresh: Collection[int], moved: Moved) -> tuple[set[int], set[int]]:
    """Those of new contacts who write from domains of the merged account, and those who write from
    domains that no account has."""
    above: dict[int, list[tuple[str, ...]]] = {}
    for some in portions(fresh):
        found = contact_addresses.c.contact_id.in_(some)
        for row in conn.execute(select(contact_addresses).where(found)):
            domains = accounts.with_parents(row.address.rpartition("@")[2])
            above.setdefault(row.contact_id, []).append(domains)
    every = {domain for listed in above.values() for domains in listed for domain in domains}
    owned = accounts.by_domains(conn, every)
    nearest = {
        contact: {next((one for one in domains if one in owned), "") for domains in listed}
        for contact, listed in above.items()
    }
    own = set(moved.domains)
    return (
        {contact for contact, domains in nearest.items() if domains <= own},
        {contact for contact, domains in nearest.items() if domains == {""}},
    )


def _on_its_threads(conn: Conn, fresh: Collection[int], moved: Moved) -> set[int]:
    of_source = set(moved.rows["threads"])
    wrote: dict[int, set[int]] = {}
    for some in portions(fresh):
        found = select(messages.c.contact_id, messages.c.thread_id).distinct()
        for row in conn.execute(found.where(messages.c.contact_id.in_(some))):
            wrote.setdefault(row.contact_id, set()).add(row.thread_id)
    return {one for one, listed in wrote.items() if listed <= of_source}


def writers(conn: Conn, target: int, moved: Moved) -> dict[int, set[int]]:
    """Thread of the account -> its contacts who wrote on it since."""
    found = conn.execute(
        select(messages.c.thread_id, messages.c.contact_id)
        .join(contacts, contacts.c.id == messages.c.contact_id)
        .where(messages.c.account_id == target, messages.c.id > moved.newest["messages"])
        .where(contacts.c.account_id == target)
        .distinct()
    )
    wrote: dict[int, set[int]] = {}
    for row in found:
        wrote.setdefault(row.thread_id, set()).add(row.contact_id)
    return wrote


def of_any_age(conn: Conn, thread_numbers: Collection[int]) -> dict[int, set[int]]:
    """Thread -> the contacts who ever wrote a mail that is on it now."""
    wrote: dict[int, set[int]] = {}
    for some in portions(thread_numbers):
        found = select(messages.c.thread_id, messages.c.contact_id).distinct()
        known = messages.c.contact_id.is_not(None)
        for row in conn.execute(found.where(messages.c.thread_id.in_(some), known)):
            wrote.setdefault(row.thread_id, set()).add(row.contact_id)
    return wrote


def with_old_mail(conn: Conn, thread_numbers: Collection[int], moved: Moved) -> set[int]:
    """Those of these threads on which a mail is from before the merge."""
    old: set[int] = set()
    for some in portions(thread_numbers):
        found = select(messages.c.thread_id).distinct().where(messages.c.thread_id.in_(some))
        old.update(conn.scalars(found.where(messages.c.id <= moved.newest["messages"])))
    return old


def written_to(conn: Conn, thread_id: int) -> set[int]:
    """The contacts to whom we wrote on a thread."""
    found = (
        select(contact_addresses.c.contact_id)
        .join(thread_participants, thread_participants.c.address == contact_addresses.c.address)
        .where(thread_participants.c.thread_id == thread_id)
    )
    return set(conn.scalars(found))


def mails_of(conn: Conn, thread_id: int, contact_ids: Collection[int], moved: Moved) -> list[int]:
    """The mails on a thread that these contacts wrote since."""
    found = select(messages.c.id, messages.c.contact_id).where(
        messages.c.thread_id == thread_id, messages.c.id > moved.newest["messages"]
    )
    return [row.id for row in conn.execute(found) if row.contact_id in contact_ids]


def elsewhere(conn: Conn, target: int, moved: Moved) -> list[int]:
    """Threads that came with the merged account and have gone to a third one since."""
    gone: list[int] = []
    for some in portions(set(moved.rows["threads"]) - set(moved.astray)):
        away = threads.c.id.in_(some) & (threads.c.account_id != target)
        gone += conn.scalars(select(threads.c.id).where(away, threads.c.merged_into_id.is_(None)))
    return gone
