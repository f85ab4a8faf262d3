"""Wiring: who knows whom. Opens what the settings name and hands it to stations and faces."""

from __future__ import annotations

from inbox.config import Settings
from inbox.errors import ConfigError
from inbox.flow import active
from inbox.flow.context import FilingContext, Own
from inbox.mail.providers import PUBLIC_DOMAINS
from inbox.store import people, schema, sets
from inbox.store.database import Database
from routing.problems import Problem

Versions = tuple[tuple[str, str], ...]


def open_database(settings: Settings) -> Database:
    """The database, made ready where it is fresh. Raises `SchemaError` for another version."""
    db = Database(settings.database_url())
    schema.ensure(db)
    return db


def own(settings: Settings, people: tuple[str, ...] = ()) -> Own:
    """What is ours: mailboxes, our people's addresses, our domains."""
    return Own(
        addresses=frozenset((*(one.address for one in settings.mailboxes), *people)),
        domains=frozenset(settings.own_domains),
        public_domains=PUBLIC_DOMAINS | frozenset(settings.public_domains),
    )


def filing_context(
    db: Database, settings: Settings, held: FilingContext | None, versions: Versions
) -> tuple[FilingContext, Versions]:
    """What filing needs, made anew only where something else is in force than what is held."""
    with db.read() as conn:
        now = tuple(sorted(sets.active_hashes(conn).items()))
        if held is not None and now == versions:
            return held, versions
        files = active.in_force(conn)
        person_ids = {one.handle: one.id for one in people.everybody(conn).values()}
    if files is None:
        message = "no teams, rules or policies are in force yet"
        hint = "`aboard serve` or `aboard rules activate` puts the files in force"
        raise ConfigError([Problem("database", 0, 0, "nothing-active", message, hint)])
    addresses = tuple(one.address for one in settings.mailboxes)
    everybody = tuple(person.address for person in files.directory.people)
    return FilingContext(own(settings, everybody), addresses, files, person_ids), now
