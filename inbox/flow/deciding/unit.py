"""What one filing transaction has read and is going to write.

A batch reads everything that it may need in a handful of statements, decides mail by mail
against that picture (which every decision updates), and writes it all at the end. The picture is
true because the accounts are locked while it is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from inbox.errors import UnreadableMail
from inbox.flow.admin.context import FilingContext
from inbox.flow.author import NOBODY, author_of
from inbox.flow.deciding import signing
from inbox.flow.people.ownership import Owners
from inbox.mail.joining import looked_up
from inbox.mail.letter import Address, Letter
from inbox.mail.tokens import AGENT, BOUNCE, REPLY, Token
from inbox.store import accounts, hits, messages, side_mails, threads, timeline
from inbox.store.accounts import Account, Contact
from inbox.store.database import Conflict, Conn
from inbox.store.filing import Writes
from inbox.store.intake import Claim
from inbox.store.messages import Known
from inbox.store.threads import Thread


@dataclass(slots=True)
class AccountPicture:
    """An account with what rules may ask about it."""

    account: Account
    domains: tuple[str, ...] = ()
    owners: dict[str, str] = field(default_factory=dict)


class Unit:
    """One filing transaction."""

    def __init__(self, conn: Conn, context: FilingContext, now: datetime) -> None:
        self.conn = conn
        self.context = context
        self.now = now
        self.writes = Writes(conn, now)
        self.owners = Owners(conn, context.files.directory, context.person_ids, now)
        self._contacts: dict[str, Contact] = {}
        self._domains: dict[str, int] = {}
        self._accounts: dict[int, AccountPicture] = {}
        self._users: dict[str, dict[int, int]] = {}
        self._threads: dict[int, Thread] = {}
        self._ran: dict[int, list[tuple[str, datetime]]] = {}
        self._by_raw: dict[int, Known] = {}
        self._by_mail_id: dict[str, list[Known]] = {}
        self._internal: int | None = None
        self._tokens: dict[int, tuple[Token, ...]] = {}
        self._side: dict[tuple[str, str], int] = {}
        self.aside: set[int] = set()
        """Messages that answer side mails: no customer wrote them, and nothing is sent for them."""
        self.also_moved: list[int] = []
        """Messages of ours that did not arrive: the clocks of their threads have to follow."""

    # --- Reading -----------------------------------------------------------------------------

    def load(self, mails: Sequence[tuple[Claim, Letter]]) -> None:
        """Read what these mails need, their accounts locked first."""
        addresses = {one.lower() for _, letter in mails for one in _addresses(letter)}
        addresses |= {claim.reverse_path.lower() for claim, _ in mails if claim.reverse_path}
        addresses.add(NOBODY.address)
        self._contacts = accounts.contacts_by_address(self.conn, addresses)
        wanted = {
            above
            for one in addresses
            if "@" in one
            for above in accounts.with_parents(one.rpartition("@")[2])
        }
        self._domains = accounts.by_domains(self.conn, wanted)
        involved = {one.account_id for one in self._contacts.values()}
        if any(self._is_ours(claim, letter) for claim, letter in mails):
            involved.add(self.internal_account())
        self._look_at(involved | set(self._domains.values()))
        self._look_again(addresses, wanted)
        self._tokens = {
            claim.ledger_id: signing.genuine(
                self.conn, signing.addresses_of(letter, claim.forward_paths)
            )
            for claim, letter in mails
        }
        mail_ids = {one for _, letter in mails for one in looked_up(letter)}
        mail_ids |= {one for claim, _ in mails for one in self.answered_ids(claim)}
        mail_ids |= {
            letter.bounce.original_message_id
            for _, letter in mails
            if letter.bounce and letter.bounce.original_message_id
        }
        self._users = threads.users_of(self.conn, mail_ids)
        self._side = side_mails.answered(self.conn, mail_ids, addresses)
        used = {thread for users in self._users.values() for thread in users.values()}
        self._threads = threads.by_ids(self.conn, used)
        self._ran = hits.of_threads(self.conn, used)
        own = [letter.message_id for _, letter in mails if letter.message_id]
        for one in messages.alike(self.conn, [claim.raw_id for claim, _ in mails], own):
            self._remember(one)

    def answered_ids(self, claim: Claim) -> tuple[str, ...]:
        """The mails of ours that a signed reply address among its recipients names.

        They count as references do: whether they join is for its From to prove (DESIGN I6).
        """
        tokens = self._tokens.get(claim.ledger_id, ())
        return tuple(signing.mail_id_of(one) for one in tokens if one.purpose == REPLY)

    def side_thread(self, letter: Letter, author: Address, ids: Sequence[str]) -> int | None:
        """The thread whose side mail this one answers: it names the mail, and comes from the very
        address that the mail went to (DESIGN I6)."""
        if letter.from_ != (author,):
            return None
        address = author.address.lower()
        return next((self._side[one, address] for one in ids if (one, address) in self._side), None)

    def agent_ids(self, claim: Claim) -> tuple[str, ...]:
        """The notices to our own people whose signed reply address this mail was sent to."""
        tokens = self._tokens.get(claim.ledger_id, ())
        return tuple(signing.mail_id_of(one) for one in tokens if one.purpose == AGENT)

    def bounced_ids(self, claim: Claim) -> tuple[str, ...]:
        """The mails of ours whose signed reverse-path this one was sent to."""
        tokens = self._tokens.get(claim.ledger_id, ())
        return tuple(signing.mail_id_of(one) for one in tokens if one.purpose == BOUNCE)

    def _is_ours(self, claim: Claim, letter: Letter) -> bool:
        try:
            return self.context.own.is_ours(author_of(letter, claim.reverse_path))
        except UnreadableMail:
            return False

    def _look_at(self, account_ids: set[int]) -> None:
        fresh = account_ids - set(self._accounts)
        if not fresh:
            return
        accounts.lock(self.conn, fresh)
        domains = accounts.domains_by_account(self.conn, fresh)
        owners = accounts.owners_by_account(self.conn, fresh)
        for number, account in accounts.by_ids(self.conn, fresh).items():
            if account.merged_into_id is not None:
                # Contacts and domains were read before the lock; a merge came in between.
                raise Conflict(f"account {number} was merged into {account.merged_into_id}")
            self._accounts[number] = AccountPicture(
                account, domains.get(number, ()), owners.get(number, {})
            )

    def _look_again(self, addresses: set[str], domains: set[str]) -> None:
        """Whose are these now that their accounts are held? Somebody may have given a contact or a
        domain to another account, by unmerging two, while this transaction waited."""
        self._contacts = accounts.contacts_by_address(self.conn, addresses)
        self._domains = accounts.by_domains(self.conn, domains)
        now = {one.account_id for one in self._contacts.values()} | set(self._domains.values())
        if not now <= set(self._accounts):
            raise Conflict("a contact or a domain has gone to another account meanwhile")

    def _remember(self, known: Known) -> None:
        self._by_raw[known.raw_id] = known
        if known.mail_id is not None:
            self._by_mail_id.setdefault(known.mail_id, []).append(known)

    def same_mail(self, claim: Claim, letter: Letter) -> int | None:
        """The message that this mail is already, or None.

        The same mail is the same raw bytes, or the same Message-ID over the same content. The
        same Message-ID over other content is another mail: both are kept.
        """
        known = self._by_raw.get(claim.raw_id)
        if known is not None:
            return known.id
        for one in self._by_mail_id.get(letter.message_id or "", ()):
            if one.content_hash == letter.content_hash:
                return one.id
        return None

    def id_in_use(self, letter: Letter) -> bool:
        """Is this Message-ID in use over other content? Then one of the two is forged or broken."""
        return bool(letter.message_id and self._by_mail_id.get(letter.message_id))

    def contact(self, address: str) -> Contact | None:
        """The contact with this address (lower case)."""
        return self._contacts.get(address)

    def domain_owner(self, domain: str) -> int | None:
        """The account that owns this domain, or the nearest one above it that we know ourselves.

        A provisional account takes in nobody below its domain: anybody may have claimed it.
        """
        for one in accounts.with_parents(domain):
            owner = self._domains.get(one)
            if owner is not None and (
                one == domain or not self._accounts[owner].account.provisional
            ):
                return owner
        return None

    def account(self, account_id: int) -> AccountPicture:
        """An account that this transaction holds."""
        self._look_at({account_id})
        return self._accounts[account_id]

    def internal_account(self) -> int:
        """The account of our own people's mail."""
        if self._internal is None:
            self._internal = accounts.internal(self.conn, self.now)
        return self._internal

    def written_to(self, address: str, ids: Sequence[str]) -> int | None:
        """The account of a thread, among those that use these ids, in which we wrote to them."""
        if not any(one in self._users for one in ids):
            return None
        account_id = threads.account_that_wrote_to(self.conn, address, ids)
        if account_id is not None and account_id not in self._accounts:
            # Held only from here on: others may have used these ids in it meanwhile.
            self._look_at({account_id})
            for one, users in threads.users_of(self.conn, ids).items():
                if account_id in users:
                    self._users.setdefault(one, {})[account_id] = users[account_id]
        return account_id

    def joined(self, account_id: int, ids: Iterable[str]) -> dict[str, int]:
        """mail id -> thread, for those ids that this account's threads use."""
        found: dict[str, int] = {}
        for one in ids:
            thread = self._users.get(one, {}).get(account_id)
            if thread is not None:
                found[one] = thread
        return found

    def elsewhere(self, account_id: int, ids: Iterable[str]) -> tuple[int, ...]:
        """Threads of other accounts that use these ids; at most five."""
        found = {
            thread
            for one in ids
            for account, thread in self._users.get(one, {}).items()
            if account != account_id
        }
        return tuple(sorted(found)[:5])

    def using(self, mail_id: str) -> tuple[int, ...]:
        """Threads of any account that use this id; at most five."""
        return tuple(sorted(self._users.get(mail_id, {}).values())[:5])

    def thread(self, thread_id: int) -> Thread:
        """A thread as this transaction leaves it."""
        found = self._threads.get(thread_id)
        if found is None:
            found = self._threads[thread_id] = threads.by_id(self.conn, thread_id)
        return found

    def surviving(self, thread_id: int) -> Thread:
        """A thread, or the one that it was joined into, as this transaction leaves it."""
        return self.thread(threads.by_id(self.conn, thread_id).id)

    def ran(self, thread_id: int) -> list[tuple[str, datetime]]:
        """What rules did on a thread, and when, as this transaction leaves it."""
        if thread_id not in self._ran:
            self._ran |= hits.of_threads(self.conn, [thread_id])
        return self._ran[thread_id]

    # --- Deciding what to write --------------------------------------------------------------

    def create_account(self, name: str, domain: str | None, at: datetime) -> int:
        """A provisional account, with its domain where that says something."""
        account_id = self.writes.key("accounts")
        row: dict[str, Any] = {
            "id": account_id,
            "kind": "customer",
            "name": name[:300],
            "tier": None,
            "stage": None,
            "tags": [],
            "provisional": True,
            "merged_into_id": None,
            "created_at": at,
            "last_event_at": at,
        }
        self.writes.add("accounts", row)
        if domain:
            self.writes.add("account_domains", {"domain": domain, "account_id": account_id})
            self._domains[domain] = account_id
        account = Account(**{**row, "tags": ()})
        self._accounts[account_id] = AccountPicture(account, (domain,) if domain else ())
        return account_id

    def create_contact(self, account_id: int, author: Address) -> Contact:
        """A contact with the author's name and address."""
        address = author.address.lower()
        contact = Contact(
            self.writes.key("contacts"), account_id, author.name[:300], None, (address,)
        )
        self.writes.add(
            "contacts",
            {
                "id": contact.id,
                "account_id": account_id,
                "name": contact.name,
                "role": None,
                "created_at": self.now,
            },
        )
        self.writes.add("contact_addresses", {"address": address, "contact_id": contact.id})
        self._contacts[address] = contact
        return contact

    def open_thread(self, opened: Thread) -> None:
        """Write a thread that did not exist."""
        row = {name: getattr(opened, name) for name in Thread.__slots__}
        self.writes.add("threads", row | {"tags": list(opened.tags)})
        self._threads[opened.id] = opened
        self._ran[opened.id] = []

    def change_thread(self, thread_id: int, **changes: Any) -> Thread:
        """Change a thread; the state to be written is the last one."""
        changed = replace(self.thread(thread_id), **changes)
        self._threads[thread_id] = changed
        state = {name: getattr(changed, name) for name in Thread.__slots__}
        self.writes.save_thread(thread_id, state | {"tags": list(changed.tags)})
        return changed

    def change_stage(self, account_id: int, stage: str) -> None:
        """Move an account to another stage of its onboarding."""
        there = self.account(account_id)
        there.account = replace(there.account, stage=stage)
        self.writes.save_stage(account_id, stage)

    def use_ids(self, account_id: int, thread_id: int, ids: Iterable[str]) -> None:
        """Tie mail ids, seen or only referred to, to a thread of this account."""
        for one in ids:
            users = self._users.setdefault(one, {})
            if account_id not in users:
                users[account_id] = thread_id
                self.writes.add(
                    "thread_ids",
                    {"account_id": account_id, "mail_id": one, "thread_id": thread_id},
                )

    def link(self, thread_id: int, other_id: int, why: str) -> None:
        """Note that two threads are possibly related; they stay apart."""
        if thread_id != other_id:
            first, second = sorted((thread_id, other_id))
            row = {"thread_id": first, "other_id": second, "why": why, "at": self.now}
            self.writes.add("thread_links", row)

    def add_message(self, row: dict[str, Any], files: Sequence[dict[str, Any]]) -> None:
        """Write a message and its attachments, and know it from now on."""
        self.writes.add("messages", row)
        for one in files:
            self.writes.add("attachments", {**one, "message_id": row["id"]})
        self._remember(Known(row["id"], row["raw_id"], row["mail_id"], row["content_hash"]))

    def add_hit(
        self, thread_id: int, message_id: int, rule: str, at: datetime, decided: bool
    ) -> None:
        """Write that a rule acted on a message, and know it from now on."""
        self.ran(thread_id).append((rule, at))
        hit = {"rule": rule, "thread_id": thread_id, "message_id": message_id}
        self.writes.add("rule_hits", hit | {"at": at, "decided": decided})

    def event(self, happened: timeline.Event) -> None:
        """Write an event."""
        self.writes.event(happened)

    def after_join(self, survivor: int, absorbed: int) -> None:
        """Two threads became one in the database: make the picture say so."""
        self._threads.pop(absorbed, None)
        for one in (survivor, absorbed):
            self._ran.pop(one, None)
        self._threads[survivor] = threads.by_id(self.conn, survivor)
        for users in self._users.values():
            for account_id, thread_id in users.items():
                if thread_id == absorbed:
                    users[account_id] = survivor


def _addresses(letter: Letter) -> Iterable[str]:
    """Everybody whose account may matter to where a letter goes."""
    for one in (*letter.from_, *letter.sender, *letter.to, *letter.cc):
        if "@" in one.address:
            yield one.address
    if letter.bounce is not None:
        for recipient in letter.bounce.recipients:
            yield recipient.address
    if letter.forwarded is not None and letter.forwarded.sender is not None:
        yield letter.forwarded.sender.address
