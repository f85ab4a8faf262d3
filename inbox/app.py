"""Wiring: who knows whom. Opens what the settings name and hands it to stations and faces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import lru_cache, partial
from ipaddress import ip_network
from typing import TYPE_CHECKING

from inbox import log, shipped
from inbox.clock import monotonic, utc_now
from inbox.config import Settings, Smtp
from inbox.errors import ConfigError, StoreError
from inbox.flow import active
from inbox.flow.admin.context import FilingContext, Own
from inbox.flow.evidence.facts import database_facts
from inbox.flow.promises import rehoming
from inbox.mail.providers import PUBLIC_DOMAINS
from inbox.store import models, people, schema, sets
from inbox.store.database import Conn, Database
from routing.problems import Problem, errors

if TYPE_CHECKING:
    from inbox.flow.deciding.proposals import Appliers
    from inbox.flow.deciding.verify import Verifier
    from inbox.flow.leaving.compose import Post
    from inbox.flow.promises.followups import FollowUps
    from inbox.flow.working.decisions import Decisions
    from inbox.flow.working.reattribute import Forwards
    from routing.floods import Floods

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
    from classifiers.language import detect
    from inbox.flow.learning import guess

    with db.read() as conn:
        hashes = sets.active_hashes(conn)
        now = tuple(sorted((hashes | guess.version(conn, hashes)).items()))
        if held is not None and now == versions:
            return held, versions
        answering = guess.answering(conn, _told(db))
        if held is None or _of_files(now) != _of_files(versions):
            held = _context_of_files(conn, settings)
    if answering.problems:
        guess.note(db, answering.problems)
        for problem in answering.problems.values():
            log.classifier_trouble(problem)
    made = replace(
        held,
        post=held.post or _post(db, settings),
        verify=_verifier(settings),
        most_automatic=settings.floods.automatic_an_hour,
        classify=answering.classify,
        shadow=answering.shadow,
        shadow_model=answering.shadow_hash,
        detect_language=detect,
    )
    return made, now


def _post(db: Database, settings: Settings) -> Post | None:
    """What automatic mail is sent with; None where the key that signs it cannot be used."""
    from inbox.flow.leaving.compose import open_post

    try:
        return open_post(db, settings, utc_now())
    except ConfigError as error:
        log.rules_refused(error.problems)  # mail flows; nothing automatic is sent
        return None


def follow_ups(db: Database, settings: Settings) -> FollowUps:
    """What sends follow-ups. Raises `ConfigError` where the key that signs them cannot be used."""
    from inbox.flow.leaving.compose import open_post
    from inbox.flow.promises.followups import FollowUps

    return FollowUps(open_post(db, settings, utc_now()))


def forwards_of(db: Database, settings: Settings) -> Forwards:
    """What puts right whose mail a forward is."""
    from inbox.flow.working.reattribute import Forwards

    return Forwards(db, own(settings))


def decisions(db: Database, settings: Settings) -> Decisions:
    """What pages put right that mail alone must not decide."""
    from inbox.flow.working.decisions import Decisions

    return Decisions(db, forwards_of(db, settings))


def floods(settings: Settings) -> Floods:
    """What tells floods from other mail that comes in; one a node."""
    from routing.floods import Bounds, Floods

    said = settings.floods
    bounds = Bounds(said.sender_an_hour, said.domain_an_hour, said.mailbox_an_hour)
    return Floods(bounds, PUBLIC_DOMAINS | frozenset(settings.public_domains))


def appliers(db: Database, settings: Settings) -> Appliers:
    """What settles proposals, with the effect of every kind there is."""
    from inbox.flow.deciding import agents, forwards
    from inbox.flow.deciding.proposals import Appliers, Apply
    from inbox.flow.working import agent_desk, participants

    kinds: dict[str, Apply] = {
        forwards.KIND: forwards_of(db, settings).apply,
        agents.KIND: agent_desk.confirm,
        participants.KIND: participants.apply,
    }
    return Appliers(db, kinds)


@lru_cache(maxsize=4)
def _verifier(settings: Settings) -> Verifier:
    """Who asks DNS and believes relays; one a process, as it remembers what DNS said."""
    from inbox.flow.deciding.verify import Verifier
    from inbox.mail.authentication import How

    wanted = settings.verify
    how = How(
        relays=frozenset(wanted.trusted_relays),
        public=PUBLIC_DOMAINS | frozenset(settings.public_domains),
        most_signatures=wanted.signatures,
        strict=wanted.strict,
        policies=wanted.policies,
        sealers=frozenset(wanted.trusted_sealers),
    )
    networks = tuple(ip_network(one) for one in wanted.relay_networks)
    if not wanted.nameservers:
        return Verifier(how, None, networks, wanted.relayed_mailboxes)
    from inbox.net.resolver import NameServers, Resolver

    resolver = Resolver(NameServers(wanted.servers()), monotonic)
    # A worker that waits beyond the wall clock of a mail would be ended, and the mail be charged.
    seconds = min(float(wanted.seconds), settings.filing.wall_seconds / 2)
    look_up = partial(resolver.for_one_mail, wanted.lookups, seconds)
    return Verifier(how, look_up, networks, wanted.relayed_mailboxes)


def _told(db: Database) -> Callable[[str, Problem], None]:
    """Writes down, and logs, that a classifier failed on a letter."""

    def report(kind: str, problem: Problem) -> None:
        from inbox.flow.learning import guess

        guess.note(db, {kind: problem})
        log.classifier_trouble(problem)

    return report


_OF_CLASSIFIER = frozenset({models.LIVE, models.SHADOW, "labels"})


def _of_files(versions: Versions) -> Versions:
    """The part of what is in force that admins write: reading that again costs most."""
    return tuple(one for one in versions if one[0] not in _OF_CLASSIFIER)


def _context_of_files(conn: Conn, settings: Settings) -> FilingContext:
    files = active.in_force(conn)
    if files is None:
        raise ConfigError([_nothing_active()])
    if files.problems:
        log.rules_refused(files.problems)  # mail flows by what stands in for them
    known = people.everybody(conn).values()
    person_ids = {one.handle: one.id for one in known if one.active}
    addresses = tuple(one.address for one in settings.mailboxes)
    everybody = tuple(person.address for person in files.directory.people)
    return FilingContext(own(settings, everybody), addresses, files, person_ids)


def put_in_force(db: Database, settings: Settings) -> tuple[Problem, ...]:
    """Activate the admin's files; the problems where they were refused and what was stays.

    Raises `ConfigError` when they are bad and nothing was ever in force.
    """
    files, problems = active.activate(db, settings, utc_now())
    log.rules_activated(files.ruleset.hash, len(files.ruleset.rules))
    if errors(problems):
        log.rules_refused(problems)
    trouble = classifier_in_force(db)
    if trouble is not None:
        log.classifier_trouble(trouble)
        problems = (*problems, trouble)
    return problems


def classifier_in_force(db: Database) -> Problem | None:
    """Put the shipped classifier in force where none ever was; the problem where it cannot be."""
    with db.read() as conn:
        if models.pointer(conn) is not None:
            return None
    from inbox.flow.learning.models import activate_shipped

    return activate_shipped(db, shipped.MODEL, utc_now())


def files_in_force(db: Database) -> active.AdminFiles:
    """The admin's files as the database says they are in force. Raises `ConfigError`."""
    with db.read() as conn:
        files = active.in_force(conn)
    if files is None:
        raise ConfigError([_nothing_active()])
    return files


def homes(db: Database, settings: Settings) -> rehoming.House:
    """What threads are given to somebody else by. Raises `ConfigError`."""
    files = files_in_force(db)
    with db.read() as conn:
        return rehoming.house_of(conn, files.directory, files.ruleset.fallback.team)


def _nothing_active() -> Problem:
    message = "no teams, rules or policies are in force yet"
    hint = "`aboard check` says what is wrong with the files; `aboard serve` puts them in force"
    return Problem("database", 0, 0, "nothing-active", message, hint)


def check_everything(settings: Settings) -> tuple[tuple[Problem, ...], dict[str, str]]:
    """Validate what is configured; (problems, facts for people)."""
    facts = {
        "mailboxes": ", ".join(one.address for one in settings.mailboxes) or "none",
        "smtp": str(settings.smtp.listen),
        "web": str(settings.web.listen),
        "send": _leaves_by(settings),
        "imap": ", ".join(one.where for one in settings.imap.mailboxes) or "no mailbox is polled",
        "settings": "a node reads aboard.yaml when it starts: restart it after a change",
    }
    problems = list(_refused_by_serve(settings))
    disk = active.read_disk(settings)
    files, found = active.check(disk)
    problems += found
    if files is not None:
        facts["teams"] = ", ".join(files.directory.team_names)
        facts["rules"] = f"{len(files.ruleset.rules)} (ruleset {files.ruleset.hash[:12]})"
    try:
        db = open_database(settings)
        facts |= database_facts(db)
        facts["classifier"], found = _classifier(db)
        problems += found
        with db.read() as conn:
            facts["in force"], found = active.compared(conn, disk)
        problems += _not_told(found, problems)
        db.close()
    except StoreError as error:
        problems.append(Problem("database", 0, 0, "database", str(error)))
    return tuple(sorted(problems)), facts


def _not_told(found: Iterable[Problem], told: Iterable[Problem]) -> tuple[Problem, ...]:
    """Those found that are not among those told already, however grave."""
    known = {(one.file, one.line, one.column, one.code) for one in told}
    return tuple(one for one in found if (one.file, one.line, one.column, one.code) not in known)


def _classifier(db: Database) -> tuple[str, tuple[Problem, ...]]:
    """(the model in force, what is wrong with it or with how it routes)."""
    from inbox.flow.learning import model_state
    from inbox.flow.learning.models import unusable

    with db.read() as conn:
        if models.pointer(conn) is None:
            trouble = unusable(shipped.MODEL)
            what = "none" if trouble else "the shipped one, in force from the first start on"
            return what, () if trouble is None else (trouble,)
        found = model_state.state(conn, utc_now())
    return "none" if found.live is None else f"model {found.live.name}", found.problems


def smtp_settings(settings: Settings) -> Smtp:
    """The SMTP part with the paths of certificate and key resolved."""
    smtp = settings.smtp
    return replace(
        smtp,
        tls_certificate=smtp.tls_certificate and settings.path(smtp.tls_certificate),
        tls_key=smtp.tls_key and settings.path(smtp.tls_key),
    )


def _leaves_by(settings: Settings) -> str:
    send = settings.send
    if not send.host:
        return "nothing leaves: mail is held until a person releases it (no send.host)"
    return f"{send.host}:{send.port}, TLS {send.tls}{', DKIM' if send.dkim_key else ''}"


def _refused_by_serve(settings: Settings) -> Iterator[Problem]:
    """What the files alone do not show: `serve` would end with it."""
    from inbox.net.tls import server_context

    try:
        server_context(smtp_settings(settings))
    except ConfigError as error:
        yield from error.problems
    exposed = settings.web.listen.exposed(behind_proxy=bool(settings.web.trusted_proxies))
    if exposed is not None:
        yield exposed
    yield from _refused_by_couriers(settings)


def _refused_by_couriers(settings: Settings) -> Iterator[Problem]:
    from inbox.flow.leaving.compose import dkim_key
    from inbox.net.tls import client_context

    send_ca = settings.send.tls_ca
    authorities = [(send_ca and settings.path(send_ca), "send.tls_ca")]
    authorities += [
        (one.tls_ca, f"imap.mailboxes {one.name}: tls_ca") for one in settings.imap.mailboxes
    ]
    looks: list[Callable[[], object]] = [lambda: dkim_key(settings)]
    looks += [partial(client_context, path, setting) for path, setting in authorities]
    for look in looks:
        try:
            look()
        except ConfigError as error:
            yield from error.problems
