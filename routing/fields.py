"""The one registry of what a condition may look at; it holds names and types, never values.

Checking, completion in editors, `aboard rules fields` and the table in docs/RULES.md are all made
from `FIELDS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class Type(StrEnum):
    """What a field holds. All texts are compared folded (see `routing.fold`)."""

    TEXT = "a text"
    TEXTS = "texts"
    ADDRESS = "an address"
    ADDRESSES = "addresses"
    DOMAIN = "a domain"
    DOMAINS = "domains"
    FLAG = "true or false"
    WHOLE = "a whole number"
    SIZE = "a number of bytes"
    SHARE = "a number from 0 to 1"


TEXTUAL = frozenset(
    {Type.TEXT, Type.TEXTS, Type.ADDRESS, Type.ADDRESSES, Type.DOMAIN, Type.DOMAINS}
)
NETWORK = frozenset({Type.ADDRESS, Type.ADDRESSES, Type.DOMAIN, Type.DOMAINS})
"""Compared with the domain in A-labels."""
LISTS = frozenset({Type.TEXTS, Type.ADDRESSES, Type.DOMAINS})
NUMERIC = frozenset({Type.WHOLE, Type.SIZE, Type.SHARE})

FILING = "filing"
CLASSIFIER = "classifier"
VERIFICATION = "verification"
CONTACTS = "contacts"
CLOCKS = "clocks"
FOLLOW_UPS = "follow-ups"
NOTICES = "notices"
PARTS = (FILING, CLASSIFIER, VERIFICATION, CONTACTS, CLOCKS, FOLLOW_UPS, NOTICES)
"""The parts of the system that feed fields and carry out actions."""


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a condition may look at."""

    name: str
    type: Type
    about: str
    part: str = FILING
    choices: tuple[str, ...] = ()
    """Values there are, beside those listed; with neither, any value may come."""
    listed: str = ""
    """The list of `Names` that holds values: `teams`, `stages`; or empty."""

    @property
    def group(self) -> str:
        """message, account, contact, thread, classifier."""
        head = self.name.partition(".")[0]
        return head if head in {"account", "contact", "thread", "classifier"} else "message"


AUTOMATIC_KINDS = (
    "none",
    "auto-reply",
    "out-of-office",
    "bounce",
    "list",
    "bulk",
    "abuse-report",
)
DECIDERS = ("rule", "classifier", "fallback", "thread", "person")

_ALL = (
    Field("from", Type.ADDRESS, "The address that the mail says it is from."),
    Field("from.domain", Type.DOMAIN, "The part of that address behind the @."),
    Field("from.name", Type.TEXT, "The name shown beside that address."),
    Field("reply_to", Type.ADDRESSES, "The addresses that answers are wanted at."),
    Field("to", Type.ADDRESSES, "The addresses of the To field."),
    Field("cc", Type.ADDRESSES, "The addresses of the Cc field."),
    Field("recipient", Type.ADDRESSES, "Any address of To, Cc or the envelope."),
    Field("mailbox", Type.ADDRESS, "Our mailbox that received the mail."),
    Field("subject", Type.TEXT, "The subject, decoded."),
    Field("text", Type.TEXT, "The visible text: without quoted history and signature."),
    Field("body", Type.TEXT, "All readable text, quoted history included."),
    Field("attachment.name", Type.TEXTS, "The file names of the attachments."),
    Field("attachment.type", Type.TEXTS, "Their media types, such as application/pdf."),
    Field("attachment.count", Type.WHOLE, "How many attachments there are."),
    Field("size", Type.SIZE, "The size of the raw mail; `10 MB` may be written."),
    Field("language", Type.TEXT, "The language of the visible text, as in `de` (ISO 639-1)."),
    Field("automatic", Type.FLAG, "Was the mail written by a machine?"),
    Field(
        "automatic.kind", Type.TEXT, "By which kind of machine, or `none`.", FILING, AUTOMATIC_KINDS
    ),
    Field(
        "verified", Type.FLAG, "Did the sender's domain prove the mail to be its own?", VERIFICATION
    ),
    Field(
        "business_hours",
        Type.FLAG,
        "Did it arrive while its team works? On a new thread: the fallback's team.",
        CLOCKS,
    ),
    Field("account.name", Type.TEXT, "The customer's name."),
    Field("account.domain", Type.DOMAINS, "The customer's mail domains."),
    Field("account.stage", Type.TEXT, "Where the customer's onboarding stands.", listed="stages"),
    Field("account.tier", Type.TEXT, "The customer's tier."),
    Field("account.tags", Type.TEXTS, "The customer's tags."),
    Field("account.provisional", Type.FLAG, "Was the account made from this sender alone?"),
    Field("contact.role", Type.TEXT, "What the sender does at the customer.", CONTACTS),
    Field(
        "thread.team",
        Type.TEXT,
        "The team that has the thread; empty on a new one.",
        listed="teams",
    ),
    Field("thread.decided_by", Type.TEXT, "Who gave it that team.", FILING, DECIDERS),
    Field(
        "thread.status",
        Type.TEXT,
        "Whether the thread is open, waiting, snoozed or closed.",
        FILING,
        ("open", "waiting", "snoozed", "closed"),
    ),
    Field("thread.messages", Type.WHOLE, "How many messages it has, this one included."),
    Field("thread.tags", Type.TEXTS, "The thread's tags."),
    Field(
        "classifier.team",
        Type.TEXT,
        "The classifier's first guess; may be `none`.",
        CLASSIFIER,
        ("none",),
        "teams",
    ),
    Field("classifier.score", Type.SHARE, "How sure it is of that guess.", CLASSIFIER),
    Field(
        "classifier.abstain", Type.FLAG, "Is it less sure than its own thresholds ask?", CLASSIFIER
    ),
)

HEADER = Field("header.NAME", Type.TEXTS, "Every value of one header field; NAME in any case.")
_HEADER_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")

FIELDS: dict[str, Field] = {field.name: field for field in _ALL}


@lru_cache(maxsize=4096)
def lookup(name: str) -> Field | None:
    """The field of that name, or None; `header.X-Thing` is a field of its own for each name."""
    found = FIELDS.get(name)
    if found is not None:
        return found
    head, dot, header = name.partition(".")
    if head != "header" or not dot or not header or len(header) > 100:
        return None
    if not _HEADER_CHARACTERS.issuperset(header.lower()):
        return None
    return Field(f"header.{header.lower()}", HEADER.type, HEADER.about)


def names() -> tuple[str, ...]:
    """All names, with `header.NAME` for the header fields, in the order of the table."""
    listed = list(FIELDS)
    listed.insert(listed.index("attachment.name"), HEADER.name)
    return tuple(listed)
