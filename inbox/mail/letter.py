"""What a mail is once it has been read: plain values that every room may hold.

`inbox.mail.parse` makes a `Letter` from raw mail (RFC 5322, MIME); nothing here parses anything.
Text in a `Letter` is display text: valid Unicode without C0/C1 controls (except tab and newline)
and without bidirectional overrides. The raw mail keeps what was really sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Address:
    """One address as RFC 5322 section 3.4 names it: a display name and an addr-spec."""

    name: str
    address: str
    """local-part@domain; the domain in lower-case A-labels; empty for a group without members."""

    @property
    def domain(self) -> str:
        """The part behind the last @, or an empty text."""
        return self.address.rpartition("@")[2] if "@" in self.address else ""


class AutomaticKind(StrEnum):
    """Why a mail was written by a machine, or `NONE` where a person wrote it (RFC 3834)."""

    NONE = "none"
    AUTO_REPLY = "auto-reply"
    OUT_OF_OFFICE = "out-of-office"
    BOUNCE = "bounce"
    LIST = "list"
    BULK = "bulk"
    ABUSE_REPORT = "abuse-report"


@dataclass(frozen=True, slots=True)
class Automatic:
    """Is this mail automatic, of which kind, and may an automatic answer be sent to it?"""

    kind: AutomaticKind = AutomaticKind.NONE
    may_answer: bool = True
    return_on: date | None = None
    """The day on which an absent person says to be back, where it was stated."""
    reason: str = ""
    """The header field or phrase that decided, for people to read."""


@dataclass(frozen=True, slots=True)
class BouncedRecipient:
    """One recipient of a delivery report (RFC 3464 section 2.3)."""

    address: str
    action: str
    """failed, delayed, delivered, relayed, expanded; or empty."""
    status: str
    """Enhanced status code such as 5.1.1 (RFC 3463); empty where none could be found."""
    diagnostic: str
    original: str = ""
    """The address that the mail was sent to, where the report states it (RFC 3461): forwarding
    changes addresses."""


@dataclass(frozen=True, slots=True)
class Bounce:
    """A delivery status notification: who was not reached, and which mail of ours it was."""

    recipients: tuple[BouncedRecipient, ...]
    original_message_id: str | None
    reporting_mta: str = ""


@dataclass(frozen=True, slots=True)
class CalendarItem:
    """One event of a calendar part (RFC 5545, RFC 5546)."""

    method: str
    """REQUEST, REPLY, CANCEL, ...; empty where the part states none."""
    uid: str
    summary: str
    start: datetime | date | None
    end: datetime | date | None
    organizer: str
    attendees: tuple[tuple[str, str], ...]
    """(address, PARTSTAT) pairs; PARTSTAT in upper case, NEEDS-ACTION where none is stated."""
    sequence: int = 0
    status: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """One part that a reader would save as a file. Its bytes stay in the raw mail, at `path`."""

    path: str
    """Where the part is: 1-based positions in the tree of parts, as in IMAP (RFC 9051 6.4.5); of a
    file inside a winmail.dat also `!` and its number there."""
    name: str
    """Cleaned for display; never used to open a file."""
    content_type: str
    size: int
    """Decoded bytes."""
    sha256: str
    """Of the decoded bytes, in lower-case hexadecimal."""
    inline: bool
    content_id: str | None


@dataclass(frozen=True, slots=True)
class ForwardedOriginal:
    """The mail that a forward carries, inline or as an attached message."""

    sender: Address | None
    subject: str
    sent_at: datetime | None
    text: str
    how: str
    """`inline` or `attached`."""
    ids: tuple[str, ...] = ()
    """Ids of the original: all that tie an attached one, else those that the forward names."""


UNSURE_AUTHOR = frozenset(
    {"from-repeated", "from-group", "from-address-ambiguous", "from-address-unclosed"}
)
"""Defects of From that leave in doubt whose a mail is."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as read. Every field is always there; what was missing or wrong is in `defects`."""

    subject: str
    from_: tuple[Address, ...]
    sender: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    date: datetime | None
    """The Date field as an aware UTC instant, or None where it is missing or cannot be read."""
    message_id: str | None
    """Without angle brackets; None where it is missing or unusable."""
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    """All usable ids of References, in order, each once. `in_reply_to` is not repeated in it."""
    text: str
    """All readable text: the plain part, or the HTML part turned into text."""
    visible_text: str
    """`text` without quoted history and signature."""
    html: str | None
    """The HTML part as sent, decoded; not sanitised."""
    attachments: tuple[Attachment, ...]
    headers: tuple[tuple[str, str], ...]
    """All header fields in order: (name in lower case, decoded and cleaned value)."""
    automatic: Automatic = field(default_factory=Automatic)
    bounce: Bounce | None = None
    calendar: tuple[CalendarItem, ...] = ()
    forwarded: ForwardedOriginal | None = None
    reported_id: str | None = None
    """Of an abuse report (RFC 5965): the mail of ours that somebody complains about."""
    content_hash: str = ""
    """SHA-256 over From, To, Cc, Date, Subject and the decoded parts; no trace fields."""
    defects: tuple[str, ...] = ()
    """What was wrong with the mail, each as a stable code such as `from-missing`."""

    @property
    def one_author(self) -> bool:
        """Does one mailbox stand in From, in a way that all read alike? Else it is nobody's: what
        one reader verifies another one would show as somebody else's."""
        named = len(self.from_) == 1 and bool(self.from_[0].domain)
        return named and UNSURE_AUTHOR.isdisjoint(self.defects)

    def header(self, name: str) -> tuple[str, ...]:
        """All values of one header field, first to last; `name` in any case."""
        wanted = name.lower()
        return tuple(value for key, value in self.headers if key == wanted)
