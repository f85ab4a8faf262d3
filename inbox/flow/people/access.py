"""Coming in and going out: passwords, one-time tokens, sessions. Each deed is in the audit log.

An attempt is counted before it is made, so that no number of them at once is free; what was right
takes its count back. Delays are per account and address together, and per address: they grow, they
end, and nobody can lock out somebody who signs in from elsewhere.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from inbox import passwords
from inbox.errors import AboardError
from inbox.store import audit_log, credentials, people, sessions
from inbox.store.audit_log import Entry
from inbox.store.database import Conn, Database
from inbox.store.people import Person
from inbox.store.sessions import New

FREE_OF_ACCOUNT, FREE_OF_ADDRESS = 5, 50
"""Attempts without delay: for one account from one address, and for all from one address."""
FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=15), timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(days=1)
TOKEN_LASTS = timedelta(hours=24)
LONGEST_TYPED = 320


@dataclass(frozen=True, slots=True)
class Whence:
    """From where somebody comes in."""

    address: str
    agent: str
    """What their browser says it is."""


COMMAND = Whence("", "")
"""A command in a terminal of this machine."""


@dataclass(frozen=True, slots=True)
class Lasts:
    """How long sessions last."""

    idle: timedelta
    longest: timedelta


@dataclass(frozen=True, slots=True)
class Opened:
    """Somebody is in."""

    person: Person
    cookie: str
    """256 random bits, known to their browser alone."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Nobody is in; where `wait` is set, nothing was looked at: come back in so many seconds."""

    wait: int = 0


class NotYours(AboardError):
    """The password or the token given is not right."""


def digest(secret: str) -> str:
    """What is stored of a cookie or a token."""
    return hashlib.sha256(secret.encode()).hexdigest()


def sign_in(
    db: Database, typed: str, password: str, whence: Whence, lasts: Lasts, now: datetime
) -> Opened | Refused:
    """Sign in by handle or mail address and password. Raises `passwords.Busy`."""
    typed = typed.strip().lower()[:LONGEST_TYPED]
    keys = _keys(typed, whence.address)
    if wait := _attempt(db, keys, now):
        return Refused(wait)
    with db.read() as conn:
        found = credentials.find(conn, typed)
    person, stored = found or (None, None)
    if not passwords.right(stored, password) or person is None or stored is None:
        # What was typed is not noted where it names nobody: it may be a password.
        subject = f"person {person.handle}" if person else ""
        with db.write() as conn:
            _note(conn, now, "sign-in", "unknown", whence, subject=subject, refused=True)
        return Refused()
    again = passwords.hashed(password) if passwords.outdated(stored) else None
    with db.write() as conn:
        if credentials.password_of(conn, person.id) != stored:
            return Refused()  # it was changed, or taken away, while this one was looked at
        credentials.take_back(conn, keys, now - FORGOTTEN_AFTER)
        if again is not None:
            credentials.keep(conn, person.id, again, now)
        return _open(conn, person, "password", whence, lasts, now)


def _keys(typed: str, address: str) -> tuple[str, str]:
    """(of the account from this address, of the address); an IPv6 network of 64 bits is one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        place = address
    else:
        place = str(ipaddress.ip_network((parsed, 64 if parsed.version == 6 else 32), strict=False))
    return digest(f"account\0{typed}\0{place}"), digest(f"address\0{place}")


def delay(failures: int, free: int) -> timedelta:
    """How long after the last of so many failures the next attempt has to wait."""
    if failures < free:
        return timedelta()
    return min(FIRST_DELAY * (1 << min(failures - free, 10)), LONGEST_DELAY)


def _attempt(db: Database, keys: tuple[str, str], now: datetime) -> int:
    """Count an attempt; or, where one has to wait, the seconds."""
    with db.write() as conn:
        known = credentials.failed(conn, sorted(keys), now)
        counts = {}
        for key, free in zip(keys, (FREE_OF_ACCOUNT, FREE_OF_ADDRESS), strict=True):
            count, last = known[key]
            count = count if last > now - FORGOTTEN_AFTER else 0
            left = last + delay(count, free) - now
            if left > timedelta():
                return int(left.total_seconds()) + 1
            counts[key] = count + 1
        credentials.note_failures(conn, counts, now)
    return 0


def _open(
    conn: Conn, person: Person, how: str, whence: Whence, lasts: Lasts, now: datetime
) -> Opened:
    cookie = secrets.token_urlsafe(32)
    until = now + lasts.longest
    new = New(person.id, digest(cookie), how, whence.address, whence.agent, until)
    number = sessions.begin(conn, new, now)
    data = {"session": str(number), "how": how}
    _note(conn, now, "sign-in", person, whence, subject=f"person {person.handle}", data=data)
    return Opened(person, cookie)


def sign_in_by_click(
    db: Database, handle: str, whence: Whence, lasts: Lasts, now: datetime
) -> Opened:
    """Sign in as anybody, for the demo; the page has made sure that it is one. `NotFound`."""
    with db.write() as conn:
        return _open(conn, people.by_handle(conn, handle), "demo", whence, lasts, now)


def sign_out(db: Database, person: Person, session_id: int, whence: Whence, now: datetime) -> None:
    """End a session, here and for whoever else has its cookie."""
    end_sessions(db, person, person, whence, now, only=session_id, kind="sign-out")


def end_sessions(
    db: Database,
    person: Person,
    by: Person | None,
    whence: Whence,
    now: datetime,
    *,
    only: int | None = None,
    but: int | None = None,
    kind: str = "sessions-ended",
) -> int:
    """End somebody's sessions: `only` one, or all `but` one; how many. `by` None: a command."""
    with db.write() as conn:
        count = sessions.end(conn, person.id, now, only=only, but=but)
        data = {"ended": count} | ({} if only is None else {"session": str(only)})
        _note(conn, now, kind, by, whence, subject=f"person {person.handle}", data=data)
    return count


def give_token(db: Database, handle: str, by: Person | None, whence: Whence, now: datetime) -> str:
    """A one-time token with which somebody sets a password; earlier ones open nothing any more.

    Raises `NotFound` for who is not in teams.yaml.
    """
    token = secrets.token_urlsafe(32)
    with db.write() as conn:
        person = people.by_handle(conn, handle)
        credentials.add_token(conn, person.id, digest(token), now, now + TOKEN_LASTS)
        _note(conn, now, "token-given", by, whence, subject=f"person {handle}")
    return token


def first_token(db: Database, now: datetime) -> tuple[str, str] | None:
    """(handle, token) of the first admin, where nobody at all can sign in yet."""
    with db.read() as conn:
        if credentials.holders(conn):
            return None
        admins = [one for one in people.everybody(conn).values() if one.active]
        admins = [one for one in admins if one.role == "admin"]
    if not admins:
        return None
    handle = min(admins, key=lambda one: one.id).handle
    return handle, give_token(db, handle, None, COMMAND, now)


def token_of(db: Database, token: str, now: datetime) -> Person | None:
    """Whose one-time token it is; None where it opens nothing (any more). It is not used up."""
    with db.read() as conn:
        holder = credentials.token_holder(conn, digest(token), now)
        return None if holder is None else people.by_id(conn, holder)


def redeem(
    db: Database, token: str, password: str, whence: Whence, lasts: Lasts, now: datetime
) -> Opened:
    """Set a password by one-time token and sign in; all older sessions of the person end.

    Raises `NotYours`, `passwords.WeakPassword`, `passwords.Busy`.
    """
    person = token_of(db, token, now)
    if person is None:
        raise NotYours("This link was used already, has expired, or was replaced by a newer one.")
    passwords.judge(password, person.handle, person.name, person.address)
    hashed = passwords.hashed(password)
    with db.write() as conn:
        if not credentials.use_token(conn, digest(token), now):
            raise NotYours("This link was used already.")
        credentials.keep(conn, person.id, hashed, now)
        sessions.end(conn, person.id, now)
        _note(conn, now, "password-set", person, whence, subject=f"person {person.handle}")
        return _open(conn, person, "token", whence, lasts, now)


def change_password(
    db: Database,
    person: Person,
    session_id: int,
    old: str,
    new: str,
    whence: Whence,
    now: datetime,
) -> int:
    """Set another password; all other sessions of the person end: how many did.

    Raises `NotYours` where the old one is wrong, `passwords.WeakPassword`, `passwords.Busy`.
    """
    keys = _keys(f"change\0{person.handle}", whence.address)
    if wait := _attempt(db, keys, now):
        raise NotYours(f"That was wrong too often. Try again in {wait} seconds.")
    with db.read() as conn:
        stored = credentials.password_of(conn, person.id)
    subject = f"person {person.handle}"
    if not passwords.right(stored, old):
        with db.write() as conn:
            _note(conn, now, "password-set", person, whence, subject=subject, refused=True)
        raise NotYours("The present password is not right.")
    passwords.judge(new, person.handle, person.name, person.address)
    hashed = passwords.hashed(new)
    with db.write() as conn:
        credentials.take_back(conn, keys, now - FORGOTTEN_AFTER)
        credentials.keep(conn, person.id, hashed, now)
        credentials.withdraw_tokens(conn, person.id, now)
        ended = sessions.end(conn, person.id, now, but=session_id)
        _note(conn, now, "password-set", person, whence, subject=subject)
    return ended


def disable(db: Database, handle: str, by: Person | None, whence: Whence, now: datetime) -> int:
    """Let somebody in no more: password, tokens and sessions are gone; how many sessions ended.

    Raises `NotFound`.
    """
    with db.write() as conn:
        person = people.by_handle(conn, handle)
        credentials.forget(conn, person.id)
        credentials.withdraw_tokens(conn, person.id, now)
        ended = sessions.end(conn, person.id, now)
        _note(conn, now, "access-ended", by, whence, subject=f"person {handle}")
    return ended


def _note(
    conn: Conn,
    now: datetime,
    kind: str,
    who: Person | str | None,
    whence: Whence,
    *,
    subject: str = "",
    data: dict[str, Any] | None = None,
    refused: bool = False,
) -> None:
    number = who.id if isinstance(who, Person) else None
    actor = f"person:{who.handle}" if isinstance(who, Person) else who or "command"
    said = {"agent": whence.agent[:200]} if whence.agent else {}
    entry = Entry(now, kind, actor, subject, number, whence.address, said | (data or {}), refused)
    audit_log.add(conn, entry)
