"""Which mail of ours does an address speak of? Keys for signed addresses, and looking them up.

A genuine token says that somebody got a mail of ours. It does not say who they are: what it may
join is decided where mail is filed (DESIGN I6).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from inbox.mail.letter import Letter
from inbox.mail.tokens import SECRET_BYTES, Token, is_genuine, read_token
from inbox.store import outbox_desk, signing_keys
from inbox.store.database import Conn, Database
from inbox.store.outbox_desk import Item

MOST_ADDRESSES = 200
"""Addresses of one mail that are looked at."""


@dataclass(frozen=True, slots=True)
class Found:
    """An outbox item that a signed address named, and for what: `r` (reply) or `b` (bounce)."""

    item: Item
    purpose: str
    mailbox: str


def secrets_of(db: Database, now: datetime) -> tuple[bytes, ...]:
    """All signing secrets, the newest first; the first one is made where there is none."""
    with db.read() as conn:
        there = signing_keys.everything(conn)
    if there:
        return there
    with db.write() as conn:
        signing_keys.ensure(conn, secrets.token_bytes(SECRET_BYTES), now)
        return signing_keys.everything(conn)


def rotate(db: Database, now: datetime) -> int:
    """Sign with a new secret from now on; how many verify. Older addresses stay good."""
    with db.write() as conn:
        signing_keys.add(conn, secrets.token_bytes(SECRET_BYTES), now)
        return len(signing_keys.everything(conn))


def tokens_in(addresses: Iterable[str]) -> tuple[Token, ...]:
    """What looks like a signed address among these, each once; costs no database."""
    found: dict[Token, None] = {}
    for number, address in enumerate(addresses):
        if number >= MOST_ADDRESSES:
            break
        token = read_token(address)
        if token is not None:
            found[token] = None
    return tuple(found)


def addresses_of(letter: Letter, forward_paths: Iterable[str]) -> Iterator[str]:
    """Where a signed address can stand in a mail: the envelope first, nobody wrote that by hand."""
    yield from forward_paths
    for name in ("delivered-to", "x-original-to"):
        yield from (value.strip(" <>") for value in letter.header(name))
    for one in (*letter.to, *letter.cc):
        yield one.address


def genuine(conn: Conn, addresses: Iterable[str]) -> tuple[Token, ...]:
    """The tokens among these that we made ourselves. Reads nothing where none looks so."""
    tokens = tokens_in(addresses)
    known = signing_keys.everything(conn) if tokens else ()
    return tuple(one for one in tokens if is_genuine(one, known))


def mail_id_of(token: Token) -> str:
    """The Message-ID of the mail of ours that a genuine token names."""
    return f"{token.ref}@{token.mailbox.rpartition('@')[2]}"


def find(conn: Conn, addresses: Iterable[str]) -> Found | None:
    """The outbox item that the first genuine signed address names, or None.

    `addresses`: of To, Cc, Delivered-To, X-Original-To and the envelope, in the order of trust.
    Reads nothing where none of them looks signed.
    """
    for token in genuine(conn, addresses):
        item = outbox_desk.by_mail_id(conn, mail_id_of(token))
        if item is not None:
            return Found(item, token.purpose, token.mailbox)
    return None
