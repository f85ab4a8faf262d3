"""What leaves, as values: the envelope, what a server said, and what became of a mail on its way.

Also what may go onto the wire at all: addresses and bytes that any SMTP server takes (RFC 5321,
RFC 5322 in 7 bits). Nothing here opens a connection, and nothing is ever sent that fails here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

CONNECT, ENVELOPE, DATA, DOT = "connect", "envelope", "data", "dot"
PHASES = (CONNECT, ENVELOPE, DATA, DOT)
"""Parts of an SMTP dialogue. Up to `data` a lost connection means that nothing was handed over;
from `dot` on nobody knows, until the server has answered."""

LONGEST_ADDRESS = 254
LONGEST_LOCAL = 64
LONGEST_LINE = 998
"""Bytes of a line without its end (RFC 5322 section 2.1.1)."""

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*\Z|\"(?:[ !#-\[\]-~]|\\[ -~])*\"\Z")
_DOMAIN = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\Z"
)
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


class Unsendable(ValueError):
    """An address or a mail that may not go onto the wire; the text says why."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """From whom and to whom, as MAIL and RCPT say it."""

    reverse_path: str
    """Empty for the null reverse-path."""
    recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's reply (RFC 5321 section 4.2), with its enhanced status code (RFC 3463)."""

    code: int
    status: str
    text: str


ACCEPTED, REFUSED, WAITING = "accepted", "refused", "waiting"


@dataclass(frozen=True, slots=True)
class RecipientOutcome:
    """What became of one recipient: accepted and refused are final, waiting is tried again."""

    address: str
    state: str
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """The server took the mail for those recipients whose state is `accepted`."""

    by_recipient: tuple[RecipientOutcome, ...]
    answer: Answer


@dataclass(frozen=True, slots=True)
class Deferred:
    """Nothing was handed over; it may be tried again."""

    cause: str
    detail: str
    by_recipient: tuple[RecipientOutcome, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """The server refused the mail for good, for everybody."""

    cause: str
    detail: str
    by_recipient: tuple[RecipientOutcome, ...] = ()


@dataclass(frozen=True, slots=True)
class Uncertain:
    """The connection was lost between the final dot and the answer to it: it may have arrived."""

    detail: str
    by_recipient: tuple[RecipientOutcome, ...] = ()


Outcome = Sent | Deferred | Rejected | Uncertain
BeforePhase = Callable[[str], None]
"""Called with the name of a phase before anything of it is sent. What it raises ends the dialogue
without the final dot, and passes through."""
Carry = Callable[[Envelope, bytes, BeforePhase], Outcome]
"""Somebody who carries a mail: `net.smtp_pool.Pool.deliver`, or another in a test."""


def wire_address(address: str) -> str:
    """The address as MAIL and RCPT may say it; its domain in A-labels (RFC 5890).

    Raises `Unsendable` with the reason: no addr-spec, too long, or a local part that only servers
    with SMTPUTF8 understand. Nothing with a blank, a line end or an angle bracket passes.

    >>> wire_address("ana@bücher.example")
    'ana@xn--bcher-kva.example'
    """
    local, at, domain = address.rpartition("@")
    if not at or not local:
        raise Unsendable(f"{address[:80]!r} is no mail address")
    if not local.isascii():
        raise Unsendable(f"{address[:80]!r}: the part before the @ has letters beyond ASCII")
    name = domain
    if not domain.isascii():
        try:
            name = domain.encode("idna").decode()
        except UnicodeError:
            raise Unsendable(f"{address[:80]!r}: its domain cannot be written in ASCII") from None
    if not _LOCAL.match(local) or not _DOMAIN.match(name):
        raise Unsendable(f"{address[:80]!r} is no mail address")
    if len(local) > LONGEST_LOCAL or len(local) + len(name) >= LONGEST_ADDRESS:
        raise Unsendable(f"{address[:80]!r} is longer than a mail address may be")
    return f"{local}@{name}"


def check_wire(raw: bytes) -> None:
    """Raises `Unsendable` for bytes that not every server takes as they are.

    They must be ASCII without NUL, every line ended by CRLF and at most 998 bytes long.
    """
    if not raw.endswith(b"\r\n"):
        raise Unsendable("the mail does not end with a line end")
    if not raw.isascii():
        raise Unsendable("the mail has bytes beyond ASCII, which need 8BITMIME")
    if b"\0" in raw:
        raise Unsendable("the mail has a NUL byte")
    if _BARE.search(raw):
        raise Unsendable("the mail has a CR or LF that stands alone")
    longest = max(map(len, raw.split(b"\r\n")))
    if longest > LONGEST_LINE:
        raise Unsendable(f"the mail has a line of {longest} bytes; {LONGEST_LINE} are allowed")
