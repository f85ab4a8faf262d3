"""A colleague's forward as it is read: whose mail it is really. Writes nothing.

A forward that its colleague is proved to have sent is filed as the original sender's: they are the
customer, the colleague an internal participant. From a colleague whom nothing proves it stays on
our own account, and what it asks for is a proposal (DESIGN I6).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from inbox.flow.admin.context import Own
from inbox.flow.deciding.verify import fact
from inbox.mail.authentication import Verdict
from inbox.mail.joining import ids_of
from inbox.mail.letter import Address, AutomaticKind, Letter
from inbox.store.intake import Claim
from inbox.store.messages import Message


@dataclass(frozen=True, slots=True)
class Forward:
    """What a forward says."""

    sender: Address
    """Who wrote the original."""
    by: Address
    """The colleague in From."""
    trusted: bool
    """Is it proved that the colleague sent it?"""
    ids: tuple[str, ...]
    """Every id that ties the original to other mails, and those of the forward itself."""


def read(
    claim: Claim, letter: Letter, verdict: Verdict, own: Own, mailboxes: Collection[str]
) -> Forward | None:
    """The forward that a mail is: of a person of ours, with the mail of somebody outside."""
    original = letter.forwarded
    if original is None or original.sender is None or claim.sent or len(letter.from_) != 1:
        return None
    by, sender = letter.from_[0], original.sender
    if not own.is_ours(by) or by.address.lower() in mailboxes or "@" not in sender.address:
        return None
    if own.is_ours(sender) or letter.automatic.kind is not AutomaticKind.NONE:
        return None
    ids = tuple(dict.fromkeys((*ids_of(letter), *original.ids)))
    return Forward(sender, by, fact(verdict), ids)


def as_original(letter: Letter) -> Letter:
    """The letter as its original sender's: their subject and text; nobody answers the colleague,
    and no machine answers at all."""
    original = letter.forwarded
    assert original is not None
    changes = {"subject": original.subject or letter.subject, "reply_to": ()}
    if original.how == "attached" and original.text:
        parts = (letter.text.strip(), original.text)
        changes["text"] = "\n\n".join(part for part in parts if part)
        changes["visible_text"] = changes["text"]
    automatic = replace(letter.automatic, may_answer=False, reason="forwarded by a colleague")
    return replace(letter, automatic=automatic, **changes)  # type: ignore[arg-type]


def is_treated(message: Message) -> bool:
    """Does a stored message count as the mail of the sender whose mail was forwarded?"""
    by = message.extras.get("forwarded_by")
    return isinstance(by, dict) and bool(by.get("treated"))
