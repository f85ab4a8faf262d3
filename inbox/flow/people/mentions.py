"""Mentions: `@handle` and `@team` in what our people write to each other."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from inbox.store import followers, people
from inbox.store.database import Conn
from inbox.store.people import Person

_NAMED = re.compile(r"(?<![\w@.])@([a-z0-9][a-z0-9._-]{0,79})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Named:
    """Who is named in a text."""

    people: tuple[Person, ...]
    teams: tuple[str, ...]
    unknown: tuple[str, ...]


def named(text: str, everybody: Mapping[str, Person], teams: Collection[str]) -> Named:
    """Find them; a full stop that ends a sentence is no part of a name."""
    found: dict[str, None] = {}
    for match in _NAMED.finditer(text):
        found.setdefault(match[1].lower().rstrip(".-"))
    return Named(
        tuple(everybody[one] for one in found if one in everybody),
        tuple(one for one in found if one in teams and one not in everybody),
        tuple(one for one in found if one not in everybody and one not in teams),
    )


def names_in(conn: Conn, text: str) -> Named:
    """Who of our people is named in a text."""
    if "@" not in text:
        return Named((), (), ())
    known = {one.handle.lower(): one for one in people.everybody(conn).values() if one.active}
    return named(text, known, people.team_names(conn))


def note(
    conn: Conn, thread_id: int, event_id: int, found: Named, by: Person, now: datetime
) -> tuple[str, ...]:
    """Tell those whom an event names; they follow the thread from now on. Their handles."""
    told = {one.id: one.handle for one in found.people}
    by_handle = {one.handle: one for one in people.everybody(conn).values()}
    for team in found.teams:
        members = (by_handle[handle] for handle in people.members(conn, team))
        told |= {one.id: one.handle for one in members if one.active}
    told.pop(by.id, None)
    for number in told:
        followers.follow(conn, thread_id, number, followers.MENTIONED, now)
    followers.mention(conn, event_id, thread_id, told, by.id, now)
    return tuple(sorted(told.values()))
