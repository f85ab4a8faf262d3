"""Accounts (customer companies), their domains and the people there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, case, func, or_, select, update

from inbox.errors import NotFound
from inbox.store.database import Conn, for_update, insert_or_ignore, new_key, portions, upsert
from inbox.store.seers import ALL, Seer, account_columns, threads_seen
from inbox.store.tables import (
    account_domains,
    account_owners,
    accounts,
    contact_addresses,
    contacts,
    people,
    threads,
)


@dataclass(frozen=True, slots=True)
class Account:
    """A customer company, or the one account that holds our own people's mail."""

    id: int
    kind: str
    name: str
    tier: str | None
    stage: str | None
    tags: tuple[str, ...]
    provisional: bool
    merged_into_id: int | None
    created_at: datetime
    last_event_at: datetime


@dataclass(frozen=True, slots=True)
class Contact:
    """A person at an account."""

    id: int
    account_id: int
    name: str
    role: str | None
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What is known of an account when it is made."""

    name: str
    now: datetime
    kind: str = "customer"
    tier: str | None = None
    stage: str | None = None
    provisional: bool = False


def _account(row: Any) -> Account:
    return Account(
        id=row.id,
        kind=row.kind,
        name=row.name,
        tier=row.tier,
        stage=row.stage,
        tags=tuple(row.tags or ()),
        provisional=row.provisional,
        merged_into_id=row.merged_into_id,
        created_at=row.created_at,
        last_event_at=row.last_event_at,
    )


def by_id(conn: Conn, account_id: int, seer: Seer | None = ALL) -> Account:
    """One account, following merges to the surviving one. Raises `NotFound`."""
    seen: set[int] = set()
    columns = account_columns(seer)
    wanted = account_id
    while wanted not in seen:
        seen.add(wanted)
        row = conn.execute(select(*columns).where(accounts.c.id == wanted)).first()
        if row is None:
            break
        if row.merged_into_id is None:
            return _account(row)
        wanted = row.merged_into_id
    raise NotFound(f"there is no account {account_id}")


_LOCK = select(accounts.c.id).where(accounts.c.id.in_(bindparam("ids", expanding=True)))


def lock(conn: Conn, account_ids: Collection[int]) -> None:
    """Hold accounts until the transaction ends: one worker at a time joins their threads.

    Always in the order of their numbers, so that no two workers wait for each other.
    """
    conn.execute(for_update(conn, _LOCK.order_by(accounts.c.id)), {"ids": sorted(account_ids)})


def find(conn: Conn, text: str) -> Account:
    """An account by number, domain, contact address or name. Raises `NotFound`."""
    wanted = text.strip()
    if wanted.isascii() and wanted.isdecimal() and len(wanted) < 19:
        return by_id(conn, int(wanted))
    lowered = wanted.lower()
    for statement in (
        select(account_domains.c.account_id).where(account_domains.c.domain == lowered),
        select(contacts.c.account_id)
        .join(contact_addresses, contact_addresses.c.contact_id == contacts.c.id)
        .where(contact_addresses.c.address == lowered),
        select(accounts.c.id)
        .where(func.lower(accounts.c.name) == lowered, accounts.c.merged_into_id.is_(None))
        .order_by(accounts.c.id),
    ):
        found = conn.scalar(statement)
        if found is not None:
            return by_id(conn, found)
    raise NotFound(
        f"there is no account {text!r}: give its number, name, domain or a contact's address"
        " (`aboard accounts` lists them)"
    )


_BY_ADDRESSES = (
    select(contacts, contact_addresses.c.address)
    .join(contact_addresses, contact_addresses.c.contact_id == contacts.c.id)
    .where(contact_addresses.c.address.in_(bindparam("addresses", expanding=True)))
)


def contacts_by_address(conn: Conn, addresses: Collection[str]) -> dict[str, Contact]:
    """address -> the contact who uses it, for those addresses (lower case) that are known."""
    return {
        row.address: Contact(row.id, row.account_id, row.name, row.role, (row.address,))
        for some in portions(addresses)
        for row in conn.execute(_BY_ADDRESSES, {"addresses": some})
    }


_BY_DOMAINS = select(account_domains).where(
    account_domains.c.domain.in_(bindparam("domains", expanding=True))
)


def with_parents(domain: str) -> tuple[str, ...]:
    """A domain and the domains above it, the nearest first, without the top level."""
    labels = domain.split(".")
    return tuple(".".join(labels[start:]) for start in range(max(len(labels) - 1, 1)))


def by_domains(conn: Conn, domains: Collection[str]) -> dict[str, int]:
    """domain -> the account that owns that very domain."""
    return {
        row.domain: row.account_id
        for some in portions(domains)
        for row in conn.execute(_BY_DOMAINS, {"domains": some})
    }


_BY_IDS = select(accounts).where(accounts.c.id.in_(bindparam("ids", expanding=True)))


def by_ids(conn: Conn, account_ids: Collection[int]) -> dict[int, Account]:
    """Accounts by number; merges are not followed."""
    found = conn.execute(_BY_IDS, {"ids": sorted(account_ids)})
    return {row.id: _account(row) for row in found}


_DOMAINS_OF = (
    select(account_domains)
    .where(account_domains.c.account_id.in_(bindparam("ids", expanding=True)))
    .order_by(account_domains.c.domain)
)


def domains_by_account(conn: Conn, account_ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """account -> its domains, in alphabetical order."""
    found: dict[int, tuple[str, ...]] = {}
    for row in conn.execute(_DOMAINS_OF, {"ids": sorted(account_ids)}):
        found[row.account_id] = (*found.get(row.account_id, ()), row.domain)
    return found


_OWNERS_OF = (
    select(account_owners.c.account_id, account_owners.c.team, people.c.handle)
    .join(people, people.c.id == account_owners.c.person_id)
    .where(account_owners.c.account_id.in_(bindparam("ids", expanding=True)))
)


def owners_by_account(conn: Conn, account_ids: Collection[int]) -> dict[int, dict[str, str]]:
    """account -> {team: handle of the person who owns the account for it}."""
    found: dict[int, dict[str, str]] = {}
    for row in conn.execute(_OWNERS_OF, {"ids": sorted(account_ids)}):
        found.setdefault(row.account_id, {})[row.team] = row.handle
    return found


def create(conn: Conn, new: NewAccount, domains: Sequence[str] = ()) -> int:
    """Make an account; its number. A domain that another account owns stays there."""
    made = conn.execute(
        accounts.insert().values(
            kind=new.kind,
            name=new.name,
            tier=new.tier,
            stage=new.stage,
            tags=[],
            provisional=new.provisional,
            created_at=new.now,
            last_event_at=new.now,
        )
    )
    account_id = new_key(made)
    add_domains(conn, account_id, domains)
    return account_id


_INTERNAL = select(accounts.c.id).where(accounts.c.kind == "internal").order_by(accounts.c.id)


def internal(conn: Conn, now: datetime) -> int:
    """The number of the one account that holds our own people's mail; made at first need."""
    found = conn.scalar(_INTERNAL)
    if found is None:
        row = {"kind": "internal", "name": "Our own team", "tags": [], "provisional": False}
        row |= {"created_at": now, "last_event_at": now}
        insert_or_ignore(conn, accounts, row)  # two workers may meet here
        found = conn.scalar(_INTERNAL)
    assert found is not None
    return int(found)


def add_domains(conn: Conn, account_id: int, domains: Sequence[str]) -> int:
    """Give an account domains that nobody owns yet; how many it got."""
    rows = [{"domain": domain.lower(), "account_id": account_id} for domain in domains]
    return sum(insert_or_ignore(conn, account_domains, row) for row in rows)


def named(conn: Conn, name: str) -> int | None:
    """The number of the account with this name (any case), the oldest where there are several."""
    found = conn.scalar(
        select(accounts.c.id)
        .where(func.lower(accounts.c.name) == name.lower(), accounts.c.merged_into_id.is_(None))
        .order_by(accounts.c.id)
    )
    return None if found is None else int(found)


def add_contact(conn: Conn, account_id: int, name: str, address: str, now: datetime) -> int:
    """Make a contact with one address (lower case); its number."""
    row = {"account_id": account_id, "name": name, "created_at": now}
    contact_id = new_key(conn.execute(contacts.insert(), row))
    conn.execute(contact_addresses.insert(), {"address": address, "contact_id": contact_id})
    return contact_id


def set_role(conn: Conn, address: str, role: str) -> Contact | None:
    """Note what the contact with this address (lower case) does at their company; them, or None."""
    found = contacts_by_address(conn, [address]).get(address)
    if found is not None:
        conn.execute(update(contacts).where(contacts.c.id == found.id).values(role=role or None))
    return found


def update_facts(conn: Conn, account_id: int, **facts: Any) -> None:
    """Set name, tier, stage, tags or provisional of an account."""
    conn.execute(update(accounts).where(accounts.c.id == account_id).values(**facts))


def set_owner(conn: Conn, account_id: int, team: str, person_id: int) -> None:
    """Say who owns this account for one team."""
    upsert(
        conn,
        account_owners,
        {"account_id": account_id, "team": team, "person_id": person_id},
        key=("account_id", "team"),
        set_={"person_id": person_id},
    )


@dataclass(frozen=True, slots=True)
class AccountSummary:
    """One line of the list of accounts."""

    account: Account
    domains: tuple[str, ...]
    open_threads: int
    threads: int


def listing(
    conn: Conn,
    seer: Seer | None = ALL,
    *,
    limit: int = 200,
    like: str = "",
    before: tuple[datetime, int] | None = None,
) -> tuple[AccountSummary, ...]:
    """Accounts, the one where something happened last first; `like` filters by name or domain, and
    `before` is where the last page ended: (last_event_at, account). Counted are the threads that
    are seen."""
    statement = select(*account_columns(seer)).where(*_listed(like))
    if before is not None:
        statement = statement.where(_behind(before))
    statement = statement.order_by(accounts.c.last_event_at.desc(), accounts.c.id).limit(limit)
    found = [_account(row) for row in conn.execute(statement)]
    ids = [account.id for account in found]
    domains: dict[int, list[str]] = {}
    for row in conn.execute(
        select(account_domains)
        .where(account_domains.c.account_id.in_(ids))
        .order_by(account_domains.c.domain)
    ):
        domains.setdefault(row.account_id, []).append(row.domain)
    counts = {
        row.account_id: (row.all, row.open)
        for row in conn.execute(
            select(
                threads.c.account_id,
                func.count().label("all"),
                func.sum(case((threads.c.status == "closed", 0), else_=1)).label("open"),
            )
            .where(threads.c.account_id.in_(ids), threads.c.merged_into_id.is_(None))
            .where(threads_seen(seer))
            .group_by(threads.c.account_id)
        )
    }
    return tuple(
        AccountSummary(
            account=account,
            domains=tuple(domains.get(account.id, ())),
            threads=counts.get(account.id, (0, 0))[0],
            open_threads=counts.get(account.id, (0, 0))[1],
        )
        for account in found
    )


def how_many(
    conn: Conn, *, like: str = "", before: tuple[datetime, int] | None = None
) -> tuple[int, int]:
    """How many accounts `listing` goes through, and how many of them come up to `before`."""
    rest: Any = 1 if before is None else case((_behind(before), 1), else_=0)
    row = conn.execute(select(func.count(), func.sum(rest)).where(*_listed(like))).one()
    return int(row[0]), int(row[0]) - int(row[1] or 0)


def _listed(like: str) -> list[Any]:
    wanted: list[Any] = [accounts.c.merged_into_id.is_(None)]
    if like:
        owning = select(account_domains.c.account_id).where(
            account_domains.c.domain.contains(like.lower(), autoescape=True)
        )
        named = func.lower(accounts.c.name).contains(like.lower(), autoescape=True)
        wanted.append(or_(named, accounts.c.id.in_(owning)))
    return wanted


def _behind(place: tuple[datetime, int]) -> Any:
    at, number = place
    later = and_(accounts.c.last_event_at == at, accounts.c.id > number)
    return or_(accounts.c.last_event_at < at, later)
