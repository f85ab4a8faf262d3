"""Signed addresses: the reply address and the reverse-path of one outgoing mail.

`LOCAL+rREFMAC@DOMAIN` (replies), `LOCAL+bREFMAC@DOMAIN` (bounces) and `LOCAL+aREFMAC@DOMAIN` (what
one of our own people answers to a notice that was made for them alone): REF names the outgoing mail
(it is the left side of its Message-ID), MAC is a 128-bit HMAC over purpose, mailbox and REF, both
in lower-case base32, because mail systems change the case of letters. Looks nothing up.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass

REPLY, BOUNCE, AGENT = "r", "b", "a"
"""Answers of customers; delivery reports; answers of our own people to notices."""
SECRET_BYTES = 32
REF_BYTES = 10
LONGEST_LOCAL = 64
_REF, _MAC = 16, 26
LONGEST_MAILBOX = LONGEST_LOCAL - len("+r") - _REF - _MAC
"""Characters that a mailbox may have before its @ so that its signed addresses are valid."""
_TAIL = re.compile(r"([rba])([a-z2-7]{16})([a-z2-7]{26})\Z")


@dataclass(frozen=True, slots=True)
class Token:
    """A signed address as it was read; nothing is proved until `is_genuine`."""

    purpose: str
    mailbox: str
    ref: str
    mac: str


def new_ref(random: bytes) -> str:
    """The name of a new outgoing mail, of 10 random bytes."""
    return base64.b32encode(random[:REF_BYTES]).decode().lower()


def signed_address(secret: bytes, purpose: str, mailbox: str, ref: str) -> str | None:
    """The mailbox with a token, or None where its local part is too long to carry one."""
    local, _, domain = mailbox.lower().rpartition("@")
    if len(local) > LONGEST_MAILBOX:
        return None
    return f"{local}+{purpose}{ref}{_mac(secret, purpose, f'{local}@{domain}', ref)}@{domain}"


def read_token(address: str) -> Token | None:
    """The token that an address carries, or None. `address` is an addr-spec in any case."""
    local, at, domain = address.strip().lower().rpartition("@")
    mailbox, plus, tail = local.rpartition("+")
    found = _TAIL.match(tail) if at and plus else None
    if found is None:
        return None
    return Token(found[1], f"{mailbox}@{domain}", found[2], found[3])


def is_genuine(token: Token, secrets: tuple[bytes, ...]) -> bool:
    """Was it made with one of these secrets? Takes as long for a wrong one as for a right one."""
    right = False
    for secret in secrets:
        made = _mac(secret, token.purpose, token.mailbox, token.ref)
        right |= hmac.compare_digest(made, token.mac)
    return right


def _mac(secret: bytes, purpose: str, mailbox: str, ref: str) -> str:
    words = "\0".join(("aboard", purpose, mailbox, ref)).encode()
    made = hmac.new(secret, words, hashlib.sha256).digest()[:16]
    return base64.b32encode(made).decode().lower().rstrip("=")
