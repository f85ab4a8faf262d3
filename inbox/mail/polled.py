"""What a mailbox on an IMAP server says, as values between who asks and who accepts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Opened:
    """A folder as it was found (RFC 9051 section 2.3.1.1)."""

    name: str
    uidvalidity: int
    """While it stays the same a UID means the same mail for ever."""
    uidnext: int
    """At least 1 above the highest UID that was ever given; 0 where the server does not say."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A mail that the server holds, before it is fetched."""

    uid: int
    size: int
    """Bytes, as the server says; some are wrong by a little."""
    arrived_at: datetime | None
    """INTERNALDATE, aware: when the server took it, or what a migration made of that."""


class Folders(Protocol):
    """A signed-in connection. Whatever it cannot do raises `inbox.errors.MailboxError`."""

    def open(self, folder: str) -> Opened:
        """Select a folder; the other calls are about it."""
        ...

    def uids(self, after: int, since: date | None = None) -> tuple[int, ...]:
        """All UIDs above this one, ascending; read, unread and flagged alike. With `since` those
        that the server took on that day of its own or later."""
        ...

    def listed(self, uids: Sequence[int]) -> dict[int, Listed]:
        """Size and date of these mails; what is not there any more may be missing, or not."""
        ...

    def bodies(self, uids: Sequence[int], size: int) -> dict[int, bytes]:
        """The mails as bytes, about `size` of them; missing are those the server did not give."""
        ...

    def move(self, uids: Sequence[int], folder: str) -> None:
        """Move mails away; those that are gone already are no trouble."""
        ...
