"""The search language: what was typed becomes terms. Pure; `finding.py` makes SQL of them.

    invoice "signed contract" -draft from:ana@acme.example team:support is:open after:2026-11-01

Words and "quoted parts" must all stand in one mail or note; `name:value` narrows; a minus before
either turns it round. What cannot be understood is looked for as text, and said.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo

from inbox.store.search import words_of
from routing.reader import did_you_mean

TEXT = "text"
STATES = {
    "open": "it waits for us",
    "waiting": "it waits for the customer",
    "snoozed": "it is put aside",
    "closed": "nothing is left to do",
    "live": "open or waiting",
    "unclaimed": "nobody has taken it on",
    "mine": "I have taken it on",
    "at-risk": "a promise was warned of or is broken",
    "late": "a promise is broken",
}
OPERATORS = {
    "from": "who wrote a mail: a name, an address, a domain",
    "to": "to whom a mail went",
    "account": "a customer: number, name or domain",
    "team": "a team, or “mine” for one's own",
    "owner": "who answers for it: a handle, or “me”",
    "tag": "a tag of the thread",
    "stage": "the stage of the account",
    "priority": "low, normal, high or urgent",
    "has": "attachment",
    "is": ", ".join(STATES),
    "before": "a day: 2026-11-30",
    "after": "a day: 2026-11-01, itself included",
    "broken": "the day on which a promise was broken",
}
PRIORITIES = ("low", "normal", "high", "urgent")
MOST_TERMS = 20
MOST_TYPED = 500
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(9998, 12, 31)
"""Days at the edge of the calendar begin, east and west of Greenwich, outside of it."""
_TOKEN = re.compile(r'(-?)(?:([A-Za-z]+):)?(?:"([^"]*)(?:"|$)|(\S+))')


@dataclass(frozen=True, slots=True)
class Term:
    """One condition. `value` is text, and for `before` and `after` a day as it was typed."""

    name: str
    value: str
    negated: bool
    written: str
    """As it was typed, for links that leave it out."""
    zone: tzinfo = UTC
    """In which a day begins for who asks."""

    def day(self) -> datetime:
        """The midnight that a day begins with, in UTC."""
        there = date.fromisoformat(self.value)
        return datetime.combine(there, datetime.min.time(), self.zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Known:
    """What a house has: values are checked against it, but for what it does not say."""

    teams: Collection[str] = ()
    people: Collection[str] = ()
    zone: tzinfo = UTC
    """Of who asks: their days are meant by `before:` and `after:`."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to see."""

    terms: tuple[Term, ...] = ()
    said: tuple[str, ...] = field(default=())
    """What could not be understood, a sentence each."""

    @property
    def written(self) -> str:
        """The query in one line; reading it again gives the same terms."""
        return " ".join(one.written for one in self.terms)

    def without(self, term: Term) -> str:
        """The query in one line but for one term."""
        return " ".join(one.written for one in self.terms if one is not term)

    def phrases(self, *, negated: bool = False) -> tuple[str, ...]:
        """What must stand (or not) in a text, as the index knows it."""
        made = (words_of(one.value) for one in self.terms if _is_text(one, negated))
        return tuple(one for one in made if one)

    def texts(self) -> str:
        """The words to be marked in what was found."""
        return " ".join(one.value for one in self.terms if _is_text(one, False))

    def of(self, *names: str) -> tuple[Term, ...]:
        """The terms with one of these names."""
        return tuple(one for one in self.terms if one.name in names)

    @property
    def is_for_mails(self) -> bool:
        """Does it ask for single mails and notes, or only for threads?"""
        return bool(self.phrases()) or any(not one.negated for one in self.of("from", "to"))


def _is_text(term: Term, negated: bool) -> bool:
    return term.name == TEXT and term.negated is negated


def read(typed: str, known: Known) -> Asked:
    """The terms of what was typed. Never refuses: what is no operator is text, and `said` why."""
    terms: list[Term] = []
    said: list[str] = []
    if len(typed) > MOST_TYPED:
        said.append(f"Only the first {MOST_TYPED} characters count.")
    for match in _TOKEN.finditer(typed[:MOST_TYPED].replace("\x00", " ")):
        minus, name, quoted, plain = match.groups()
        value = quoted if quoted is not None else plain or ""
        if name is not None and value.startswith("//"):  # an address of the web
            name, value = None, f"{name}:{value}"
        written = match[0] if quoted is None or match[0].endswith('"') else match[0] + '"'
        trouble = "" if name is None else _trouble(name.lower(), value, known)
        if name is None or trouble:
            said += [f"{trouble} `{match[0]}` is looked for as text."] if trouble else []
            value = value if name is None else f"{name} {value}"
            term = Term(TEXT, value, bool(minus), written)
            if not words_of(value):
                continue
        else:
            zone = known.zone if name.lower() in ("before", "after") else UTC
            term = Term(name.lower(), value.strip(), bool(minus), written, zone)
        if len(terms) == MOST_TERMS:
            said.append(f"Only the first {MOST_TERMS} terms count.")
            break
        terms.append(term)
    return Asked(tuple(terms), tuple(said))


def _trouble(name: str, value: str, known: Known) -> str:
    """Why `name:value` is no condition; empty where it is one."""
    if name not in OPERATORS:
        hint = did_you_mean(name, OPERATORS)
        return f"There is no `{name}:` ({hint})." if hint else f"There is no `{name}:`."
    value = value.strip()
    allowed: dict[str, Collection[str]] = {
        "team": (*known.teams, "mine"),
        "owner": (*known.people, "me"),
        "priority": PRIORITIES,
        "has": ("attachment",),
        "is": tuple(STATES),
    }
    if not value:
        return f"`{name}:` needs a value."
    if name in ("before", "after", "broken"):
        return "" if _is_day(value) else f"`{value}` is no day; write 2026-11-30."
    if name in ("from", "to", "account") and not words_of(value):
        return f"`{value}` holds no letter and no digit."
    if (name == "team" and not known.teams) or (name == "owner" and not known.people):
        return ""
    if name in allowed and value not in allowed[name]:
        hint = did_you_mean(value, allowed[name])
        return f"`{name}:` cannot be `{value}`" + (f" ({hint})." if hint else ".")
    return ""


def _is_day(value: str) -> bool:
    try:
        return len(value) == 10 and FIRST_DAY <= date.fromisoformat(value) <= LAST_DAY
    except ValueError:
        return False
