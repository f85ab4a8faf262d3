"""Who may see what, as conditions that are part of queries (DESIGN I10). Nothing else decides it.

Every team sees every account and thread, but a **confidential** thread is seen by its team, by who
answers for it and who follows it, by leads and admins, and a confidential attachment by the same
people of its thread. What somebody does not see is not there for them: not found, not counted, not
searched.

A field of accounts or contacts that `teams.yaml` marks **confidential** is seen by the teams listed
there, by leads and admins. For everybody else it is empty: no query brings its value.

Every query that a page may ask takes a `seer`; `ALL` is for commands and machines, which have no
eyes of their own. Conditions about rows below a thread name the threads that are hidden, which
are few and have an index of their own, so that a query for everything else stays as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, not_, null, or_, select, true

from inbox.store.database import Conn
from inbox.store.draft_tables import followers
from inbox.store.people import Person
from inbox.store.tables import (
    accounts,
    attachments,
    contacts,
    events,
    messages,
    people,
    team_members,
    threads,
)


@dataclass(frozen=True, slots=True)
class Seer:
    """Through whose eyes a query looks."""

    person_id: int
    handle: str
    role: str
    """`viewer`, `agent`, `lead` or `admin`."""
    teams: frozenset[str]
    withheld: frozenset[str] = frozenset()
    """Confidential fields of accounts and contacts that they do not see: `account.tier`."""

    @property
    def sees_all(self) -> bool:
        """Leads and admins see what is confidential, too."""
        return self.role in ("lead", "admin")


def seer_of(conn: Conn, person: Person) -> Seer:
    """Through whose eyes this person looks."""
    of = select(team_members.c.team).where(team_members.c.person_id == person.id)
    withheld = conn.scalar(select(people.c.withheld).where(people.c.id == person.id))
    teams = frozenset(conn.scalars(of))
    return Seer(person.id, person.handle, person.role, teams, frozenset(withheld or ()))


ALL = None
"""Sees everything: commands, filing, clocks."""


def _in_the_know(seer: Seer) -> ColumnElement[bool]:
    """Over `threads`: is it one whose confidential parts this person sees?"""
    followed = select(followers.c.thread_id).where(followers.c.person_id == seer.person_id)
    return or_(
        threads.c.team.in_(sorted(seer.teams)),
        threads.c.accountable_id == seer.person_id,
        threads.c.id.in_(followed),
    )


def threads_seen(seer: Seer | None) -> ColumnElement[bool]:
    """Over `threads`: those that the seer may see."""
    if seer is None or seer.sees_all:
        return true()
    return or_(threads.c.confidential == false(), _in_the_know(seer))


def hidden_threads(seer: Seer) -> Select[tuple[int]]:
    """The numbers of the threads that a seer who does not see all may not see."""
    return select(threads.c.id).where(threads.c.confidential, not_(_in_the_know(seer)))


def messages_seen(seer: Seer | None) -> ColumnElement[bool]:
    """Over `messages`: those of threads that the seer may see."""
    if seer is None or seer.sees_all:
        return true()
    return messages.c.thread_id.not_in(hidden_threads(seer))


def events_seen(seer: Seer | None) -> ColumnElement[bool]:
    """Over `events`: those of an account as such, and of threads that the seer may see."""
    if seer is None or seer.sees_all:
        return true()
    return or_(
        events.c.thread_id.is_(None),
        events.c.thread_id.not_in(hidden_threads(seer)),
    )


def attachments_seen(seer: Seer | None) -> ColumnElement[bool]:
    """Over `attachments`: those that the seer may see, of messages that the seer may see."""
    if seer is None or seer.sees_all:
        return true()
    holding = (
        select(messages.c.id)
        .join(threads, threads.c.id == messages.c.thread_id)
        .where(messages.c.id == attachments.c.message_id)
        .where(
            or_(not_(or_(threads.c.confidential, attachments.c.confidential)), _in_the_know(seer))
        )
        .correlate(attachments)
    )
    return exists(holding)


def whole_messages(seer: Seer | None) -> ColumnElement[bool]:
    """Over `messages`: those seen with every attachment, so that their raw bytes may be shown and
    their words, among them the names of files, may be searched."""
    if seer is None or seer.sees_all:
        return true()
    withheld = exists(
        select(attachments.c.id)
        .where(attachments.c.message_id == messages.c.id, attachments.c.confidential)
        .where(not_(attachments_seen(seer)))
        .correlate(messages)
    )
    return and_(messages_seen(seer), not_(withheld))


def withheld_from(seer: Seer | None) -> frozenset[str]:
    """The confidential fields that the seer does not see."""
    return frozenset() if seer is None else seer.withheld


def account_columns(seer: Seer | None) -> tuple[ColumnElement[Any], ...]:
    """The columns of `accounts`, empty where the seer does not see the field."""
    hidden = withheld_from(seer)
    return tuple(
        null().label(one.name) if f"account.{one.name}" in hidden else one for one in accounts.c
    )


def role_column(seer: Seer | None) -> ColumnElement[Any]:
    """What a contact is at their company, empty where the seer does not see it."""
    return null().label("role") if "contact.role" in withheld_from(seer) else contacts.c.role


_NAMED = {"tier": "account.tier", "tags": "account.tags"}


def event_data_seen(seer: Seer | None, kind: str, data: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an event says, without the changes of fields that the seer does not see; `withheld`
    says that there were some."""
    hidden = withheld_from(seer)
    if not hidden or kind != "account-edited":
        return data
    said = data.get("changes") or {}
    kept = {what: change for what, change in said.items() if not _is_hidden(what, hidden)}
    return {"changes": kept, "withheld": len(kept) < len(said)}


def _is_hidden(what: str, hidden: frozenset[str]) -> bool:
    """Is this change of an account one of a hidden field? So is what nothing is known of."""
    if what == "name" or what.startswith("owner "):
        return False
    if what.startswith("role of "):
        return "contact.role" in hidden
    return _NAMED.get(what) is None or _NAMED[what] in hidden
