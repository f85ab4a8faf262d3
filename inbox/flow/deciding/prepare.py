"""Everything about a mail that can be worked out before the database is asked, or locked.

The filing transaction holds the one write lock on SQLite, so what costs CPU and needs no row is
done here: the classifier's guess, the language, the facts of the mail alone, the words to index.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from inbox.flow.admin.context import FilingContext, Guess
from inbox.flow.admin.mail_facts import message_facts
from inbox.flow.author import author_of
from inbox.flow.deciding import assign, forwarding
from inbox.flow.deciding.verify import NOT_CONFIGURED, fact
from inbox.mail.authentication import Verdict
from inbox.mail.joining import ids_of
from inbox.mail.letter import Address, Letter
from inbox.mail.lookalike import oddities, shown_name
from inbox.store import search
from inbox.store.intake import Claim


@dataclass(frozen=True, slots=True)
class Prepared:
    """A letter ready to be filed."""

    claim: Claim
    letter: Letter
    author: Address
    ids: tuple[str, ...]
    at: datetime
    """When it counts as received."""
    guess: Guess | None
    facts: Mapping[str, object]
    words: str
    verdict: Verdict = NOT_CONFIGURED
    forward: forwarding.Forward | None = None
    """Where it is a colleague's forward: a trusted one is the original sender's mail."""


def prepare(claim: Claim, letter: Letter, context: FilingContext) -> Prepared:
    """Work out what needs no database. Raises `UnreadableMail` for a mail without any author."""
    author = author_of(letter, claim.reverse_path)
    guess = context.classify(letter) if context.classify else None
    verdict = context.verify(claim, letter) if context.verify else NOT_CONFIGURED
    forward = forwarding.read(claim, letter, verdict, context.own, context.mailboxes)
    if forward is not None and forward.trusted:
        letter, author = forwarding.as_original(letter), forward.sender
    letter = replace(letter, defects=(*letter.defects, *oddities(author)))
    author = replace(author, name=shown_name(author))
    facts = message_facts(
        letter, author.address, claim.forward_paths, claim.size, context.mailboxes
    )
    if forward is not None and forward.trusted:
        facts["from.name"] = author.name
    facts["verified"] = fact(verdict)
    detect = context.detect_language
    facts["language"] = detect(letter.visible_text) if detect else None
    return Prepared(
        claim=claim,
        letter=letter,
        author=author,
        ids=forward.ids if forward is not None and forward.trusted else ids_of(letter),
        at=received_at(claim, letter),
        guess=guess,
        facts=facts | assign.guess_facts(guess),
        words=search.words_of(_findable(letter, author)),
        verdict=verdict,
        forward=forward,
    )


def received_at(claimed: Claim, letter: Letter) -> datetime:
    """When a mail counts as received: on arrival for live mail, for history when its Date says.

    Mail that was fetched arrived when its server took it, however long it waited there. A Date in
    the future, or before there was mail, says nothing.
    """
    arrived = claimed.arrived_at or claimed.accepted_at
    waited = claimed.arrived_at is not None and claimed.opens_as is None
    if not claimed.dated or waited or letter.date is None:
        return arrived
    if not datetime(1980, 1, 1, tzinfo=UTC) <= letter.date <= arrived:
        return arrived
    return letter.date


def _findable(letter: Letter, author: Address) -> str:
    """Everything by which a person may look for this mail."""
    names = [f"{one.name} {one.address}" for one in (*letter.to, *letter.cc)]
    files = [one.name for one in letter.attachments]
    by = f"{author.name} {author.address}"
    return "\n".join((letter.subject, by, *names[:50], *files, letter.text))
