"""What an SMTP peer may hand over: answers to MAIL and RCPT, rates, sizes. No sockets in here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from inbox.config import Smtp
from inbox.net.caps import Caps
from inbox.net.envelope import Path, read_path
from routing.floods import Buckets

MAILS_IN_MEMORY = 8
"""All mails under way together may be as large as so many of the largest."""
LEAST_RECIPIENTS = 100
"""RFC 5321 section 4.5.3.1.8: so many are always taken, whatever the setting says."""


@dataclass(slots=True)
class Transaction:
    """What MAIL and RCPT have said so far."""

    reverse_path: str
    smtputf8: bool
    due: float
    """The monotonic second by which the mail must be here."""
    forward_paths: list[str] = field(default_factory=list)


class Doorkeeper:
    """Decides for all connections together; each answer is a whole SMTP reply line."""

    def __init__(self, settings: Smtp, known_recipient: Callable[[str], bool]) -> None:
        self.settings = settings
        self.caps = Caps(
            settings.most_connections,
            settings.most_connections_per_peer,
            MAILS_IN_MEMORY * settings.most_bytes,
        )
        self._known_recipient = known_recipient
        self._most_recipients = max(LEAST_RECIPIENTS, settings.most_recipients)
        self._senders = Buckets(settings.mails_per_minute_per_sender)
        self._peers = Buckets(settings.mails_per_minute_per_peer)
        self._mailboxes = Buckets(settings.mails_per_minute_per_mailbox)

    def open(self, arg: str, peer: str, now: float) -> Transaction | str:
        """The transaction that `MAIL` with this argument opens, or why it does not."""
        path = read_path(arg[5:]) if arg[:5].upper() == "FROM:" else None
        if path is None:
            return "501 5.5.4 use MAIL FROM:<address> and the parameters of EHLO"
        refusal = self._parameters_refused(path) or self._rate_refused(path.address, peer, now)
        if refusal is not None:
            return refusal
        due = now + self.settings.transaction_seconds
        return Transaction(path.address, "SMTPUTF8" in path.parameters, due)

    def _parameters_refused(self, path: Path) -> str | None:
        given, most = path.parameters, self.settings.most_bytes
        if not given.keys() <= {"SIZE", "BODY", "SMTPUTF8"}:
            return "555 5.5.4 a parameter that is not offered"
        if given.get("BODY", "7BIT").upper() not in ("7BIT", "8BITMIME") or given.get("SMTPUTF8"):
            return "501 5.5.4 a parameter with a wrong value"
        if not path.address.isascii() and "SMTPUTF8" not in given:
            return "553 5.6.7 this address needs SMTPUTF8"
        size = given.get("SIZE", "0")
        if not (size.isascii() and size.isdigit()) or len(size) > 20:
            return "501 5.5.4 SIZE is a number of bytes"
        if int(size) > most:
            return self.too_large()
        return None if self.caps.has_room(int(size)) else self.no_room()

    def _rate_refused(self, sender: str, peer: str, now: float) -> str | None:
        if not self._peers.take(peer, now):
            return "451 4.7.1 too many mails from your address, try again later"
        # The null path is everybody's: one flood of bounces must not stop the others.
        if sender and not self._senders.take(sender.lower(), now):
            return "451 4.7.1 too many mails from this sender, try again later"
        return None

    def recipient(self, arg: str, transaction: Transaction, now: float) -> str:
        """The answer to `RCPT` with this argument; a recipient of ours is noted."""
        path = read_path(arg[3:]) if arg[:3].upper() == "TO:" else None
        if path is None or not path.address:
            return "501 5.1.3 use RCPT TO:<address>"
        if path.parameters:
            return "555 5.5.4 a parameter that is not offered"
        if not path.address.isascii() and not transaction.smtputf8:
            return "553 5.6.7 this address needs SMTPUTF8"
        if len(transaction.forward_paths) >= self._most_recipients:
            return "452 4.5.3 too many recipients, send the rest in another mail"
        if not self._is_ours(path.address):
            return "550 5.1.1 no such mailbox here"
        if not self._mailboxes.take(path.address.partition("+")[0].lower(), now):
            return "451 4.7.1 too many mails for this mailbox, try again later"
        if path.address not in transaction.forward_paths:
            transaction.forward_paths.append(path.address)
        return "250 2.1.5 Ok"

    def _is_ours(self, address: str) -> bool:
        # RFC 5321 section 4.5.1: postmaster is always somebody.
        host = self.settings.hostname.lower()
        if address.lower() in ("postmaster", f"postmaster@{host}"):
            return True
        return self._known_recipient(address)

    def too_large(self) -> str:
        """The answer to a mail above the size limit."""
        return f"552 5.3.4 a mail may have {self.settings.most_bytes} bytes"

    def no_room(self) -> str:
        """The answer to a mail for which there is no memory now."""
        return "452 4.3.1 too much mail at once, try again later"
