"""Proposes rules from what people moved by hand; a proposal is text for review, never active.

A proposal says one thing that the moved threads have in common and that the threads which stayed
do not: a sender's domain, words of the subject, an attachment's name, the account's tier or stage.
A word counts only when mails of three domains have it and it has no digit, so that no proposal
carries one customer's own words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from routing.facts import Facts
from routing.fields import FIELDS
from routing.fold import fold
from routing.write_case import scalar

MIN_MOVES = 3
MIN_DOMAINS = 3
MIN_SHARE = 0.9
"""Of all threads with the thing in common, so many must have gone to the team."""
MAX_WORDS = 200
_MIN_WORD = 3
_PUBLIC = frozenset(
    {"gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "yahoo.com", "icloud.com"}
    | {"gmx.de", "gmx.net", "web.de", "proton.me", "protonmail.com", "live.com", "aol.com"}
)
"""Domains that many customers share; a rule about one of them would be about nobody."""


@dataclass(frozen=True, slots=True)
class Move:
    """One thread that a person gave to another team."""

    facts: Facts
    from_team: str
    to_team: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One proposed rule."""

    name: str
    condition: str
    """As it stands in the rule: `from.domain: bank.example`."""
    to_team: str
    moves: int
    """Threads that people moved and that this rule would have sent right."""
    against: int
    """Threads that stayed elsewhere and that this rule would have moved."""
    text: str
    """A whole rule file with the rule and its tests; to be read before the rules that decide
    now."""


@dataclass(frozen=True, slots=True, order=True)
class _Trait:
    """Something that mails have in common."""

    rank: int
    """Which kind is preferred where several fit equally well; lower first."""
    field: str
    operator: str
    value: str

    @property
    def condition(self) -> str:
        operator = f" {self.operator}" if self.operator else ""
        return f"{self.field}{operator}: {scalar(self.value)}"


def suggest(
    moves: Sequence[Move], stayed: Sequence[tuple[Facts, str]] = ()
) -> tuple[Suggestion, ...]:
    """Rules that would have made the moves unnecessary, the most useful first.

    `stayed` are (facts, team) of threads that nobody moved; without them a proposal only knows
    the moves. Moves that an earlier proposal explains count for no later one.
    """
    have: dict[_Trait, set[int]] = defaultdict(set)
    for number, move in enumerate(moves):
        for trait in _traits(move.facts):
            have[trait].add(number)
    domains = [move.facts.text("from.domain") or "" for move in moves]
    elsewhere: dict[_Trait, list[str]] = defaultdict(list)
    for facts, team in stayed:
        for trait in _traits(facts):
            if trait in have:
                elsewhere[trait].append(team)
    open_moves = set(range(len(moves)))
    found: list[Suggestion] = []
    while True:
        best = _best(moves, domains, have, elsewhere, open_moves)
        if best is None:
            return tuple(found)
        trait, team, explained, against = best
        open_moves -= explained
        examples = [moves[number] for number in sorted(explained)]
        others = [facts for facts, other in stayed if other != team]
        found.append(_written(trait, team, examples, others, against))


_Best = tuple[_Trait, str, set[int], int]


def _best(
    moves: Sequence[Move],
    domains: Sequence[str],
    have: dict[_Trait, set[int]],
    elsewhere: dict[_Trait, list[str]],
    open_moves: set[int],
) -> _Best | None:
    best: tuple[int, int, _Trait, _Best] | None = None
    for trait, numbers in have.items():
        left = numbers & open_moves
        for team in sorted({moves[number].to_team for number in left}):
            explained = {number for number in left if moves[number].to_team == team}
            if len(explained) < MIN_MOVES or not _is_shared(trait, domains, explained):
                continue
            against = sum(moves[number].to_team != team for number in numbers)
            against += sum(other != team for other in elsewhere.get(trait, ()))
            if len(explained) < MIN_SHARE * (len(explained) + against):
                continue
            order = (-len(explained), trait.rank, trait)
            if best is None or order < best[:3]:
                best = (*order, (trait, team, explained, against))
    return None if best is None else best[3]


def _is_shared(trait: _Trait, domains: Sequence[str], numbers: set[int]) -> bool:
    """Is it nobody's own word? A sender's domain, a tier or a stage is no text of a mail."""
    if trait.operator == "":
        return True
    return len({domains[number] for number in numbers}) >= MIN_DOMAINS


def _traits(facts: Facts) -> Iterator[_Trait]:
    if facts.get("automatic"):
        return  # what machines write is no habit of a customer
    domain = facts.text("from.domain")
    if domain and domain.lower() not in _PUBLIC:
        yield _Trait(0, "from.domain", "", domain.lower())
    for rank, name in ((4, "account.stage"), (4, "account.tier"), (5, "language")):
        value = facts.text(name)
        if value:
            yield _Trait(rank, name, "", value)
    words = _words(facts.text("subject") or "")
    for pair in pairwise(words):
        if all(pair):
            yield _Trait(1, "subject", "words", " ".join(pair))
    for word in dict.fromkeys(words):
        if word:
            yield _Trait(2, "subject", "words", word)
    for name in facts.texts("attachment.name") or ():
        for word in dict.fromkeys(_words(name)):
            if word:
                yield _Trait(3, "attachment.name", "contains", word)


def _words(text: str) -> list[str]:
    """Folded words in order; an empty text for each that is too short, or has a digit."""
    spaced = "".join(c if c.isalnum() or c in "'-" else " " for c in fold(text)[:2000])
    found = []
    for word in spaced.split()[:MAX_WORDS]:
        word = word.strip("'-")
        usable = len(word) >= _MIN_WORD and not any(c.isdigit() for c in word)
        found.append(word if usable else "")
    return found


def _written(
    trait: _Trait, team: str, moves: Sequence[Move], others: Iterable[Facts], against: int
) -> Suggestion:
    name = f"moved-to-{team}-{_slug(trait.value)}"
    before = sorted({move.from_team for move in moves})
    why = f"People moved {len(moves)} such threads from {', '.join(before)} to {team}."
    lines = [
        "rules:",
        f"  - name: {scalar(name)}",
        f"    why: {scalar(why)}",
        "    when:",
        f"      {trait.condition}",
        "      automatic: false",
        "    then:",
        f"      team: {scalar(team)}",
        "    tests:",
        f"      - given: {{{trait.field}: {scalar(_sample(trait))}}}",
        f"        expect: {{team: {scalar(team)}, rule: {scalar(name)}}}",
        f"      - given: {{{trait.field}: {scalar(_counter_sample(trait, others))}}}",
        f"        expect: {{not_rule: {scalar(name)}}}",
        "",
    ]
    return Suggestion(name, trait.condition, team, len(moves), against, "\n".join(lines))


def _slug(value: str) -> str:
    kept = "".join(c if c.isalnum() else "-" for c in value)
    return "-".join(piece for piece in kept.split("-") if piece)[:40]


def _sample(trait: _Trait) -> str:
    return f"{trait.value}.pdf" if trait.field == "attachment.name" else trait.value


def _counter_sample(trait: _Trait, others: Iterable[Facts]) -> str:
    """A value that the rule must leave alone: one that stayed elsewhere, where it is no text."""
    if trait.operator == "":
        for facts in others:
            value = facts.text(trait.field)
            if value and value.lower() != trait.value:
                return value
    if FIELDS[trait.field].listed:
        return ""
    return {"from.domain": "someone-else.example", "language": "xx"}.get(
        trait.field, "something else"
    )
