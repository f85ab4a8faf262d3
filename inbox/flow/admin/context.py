"""What a filing worker knows besides the mail: what is ours, and what admins have activated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inbox.mail.letter import Address, Letter

if TYPE_CHECKING:
    from inbox.flow.admin.admin_set import AdminFiles
    from inbox.flow.deciding.verify import Verifier
    from inbox.flow.leaving.compose import Post


@dataclass(frozen=True, slots=True)
class Own:
    """What is ours: mailboxes, mail domains; and domains that say nothing about a company."""

    addresses: frozenset[str]
    domains: frozenset[str]
    public_domains: frozenset[str]

    def is_ours(self, address: Address) -> bool:
        """Is it one of our mailboxes or people?"""
        return address.address.lower() in self.addresses or address.domain in self.domains


@dataclass(frozen=True, slots=True)
class Guess:
    """What the classifier says of a letter."""

    team: str
    score: float
    abstain: bool
    best: tuple[tuple[str, float], ...]
    evidence: tuple[tuple[str, float], ...]
    model: str


Classify = Callable[[Letter], Guess]


@dataclass(frozen=True, slots=True)
class FilingContext:
    """Handed to every filing; made anew when an admin's files change."""

    own: Own
    mailboxes: tuple[str, ...]
    files: AdminFiles
    person_ids: Mapping[str, int]
    """handle -> number of every person in the directory; who left it is not in it."""
    classify: Callable[[Letter], Guess | None] | None = None
    """None where no model is active: rules alone route, and say so. It gives None where a model
    fails on one letter, with the same effect."""
    shadow: Classify | None = None
    """A model that answers beside the one in force, to be compared; it decides nothing."""
    shadow_model: str = ""
    """The hash of that model."""
    detect_language: Callable[[str], str | None] | None = None
    verify: Verifier | None = None
    """None: nobody is verified."""
    most_automatic: int = 6
    """Automatic mails of one address to a mailbox within an hour; beyond it the pair is stopped."""
    post: Post | None = None
    """What acknowledgements are sent with; None: there are none."""
