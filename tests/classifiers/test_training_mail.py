"""The shipped training mail: how much of what there is, nothing twice, nothing from a test set."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

import pytest

from classifiers.dataset import Example
from classifiers.shipped import read_shipped
from classifiers.text import split
from tests.shared import REPO, shared

FOLDER = REPO / "data" / "training"
TEAMS = ("compliance", "implementation", "none", "success", "support")
LANGUAGES = ("de", "en", "es", "fr", "it", "nl", "pt")
HARD = (
    "hard-words",
    "two-asks",
    "forward",
    "attachment-only",
    "one-liner",
    "misdirected",
    "code-switch",
    "typos",
    "non-native",
    "reply-with-quote",
)
AUTOMATIC = ("out-of-office", "newsletter", "cold-sales", "spam")
RUN = 7
"""Words in a row that one writer does not write often by chance."""
COPIED = 9
"""Words in a row that two writers do not share by chance ("what do I need to do to" is shorter)."""


@lru_cache(maxsize=1)
def mail() -> tuple[Example, ...]:
    return tuple(read_shipped(FOLDER))


@lru_cache(maxsize=1)
def words() -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(split(f"{e.mail.subject}\n{e.mail.visible}")) for e in mail())


def _shingles(text: Iterable[str], size: int) -> frozenset[tuple[str, ...]]:
    found = tuple(text)
    return frozenset(found[at : at + size] for at in range(len(found) - size + 1))


def test_there_are_1200_mails_and_enough_of_every_team_and_language() -> None:
    teams = Counter(example.label for example in mail())
    assert len(mail()) >= 1_200
    assert set(teams) == set(TEAMS)
    assert min(teams.values()) >= 250
    languages = Counter(example.language for example in mail())
    assert all(languages[language] >= 90 for language in LANGUAGES), languages
    assert len({example.industry for example in mail()}) == 5


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_mail_of_every_team(language: str) -> None:
    teams = Counter(example.label for example in mail() if example.language == language)
    assert all(teams[team] >= 10 for team in TEAMS), teams


@pytest.mark.parametrize("kind", [*HARD, *AUTOMATIC])
def test_every_hard_and_every_automatic_kind_is_there(kind: str) -> None:
    assert sum(example.kind == kind for example in mail()) >= 15


def test_telling_file_names_and_quoted_history_are_there() -> None:
    assert sum(bool(example.mail.attachments) for example in mail()) >= 100
    assert sum(bool(example.mail.quoted) for example in mail()) >= 50


def test_no_mail_is_there_twice_nor_nearly_so() -> None:
    """Of two mails less than half of the shorter one's triples of words are the same."""
    where: dict[tuple[str, ...], list[int]] = {}
    shingles = [_shingles(text, 3) for text in words()]
    for number, found in enumerate(shingles):
        for triple in found:
            where.setdefault(triple, []).append(number)
    common: Counter[tuple[int, int]] = Counter()
    for numbers in where.values():
        common.update((a, b) for place, a in enumerate(numbers) for b in numbers[place + 1 :])
    near = [
        (words()[a], words()[b])
        for (a, b), count in common.items()
        if count >= 4 and 2 * count >= min(len(shingles[a]), len(shingles[b]))
    ]
    assert near == []


def test_no_form_was_filled_again_and_again() -> None:
    """A template shows as a run of words that many mails share; no run is in more than a few."""
    seen = Counter(run for text in words() for run in _shingles(text, RUN))
    assert [(run, count) for run, count in seen.most_common(5) if count > 4] == []


@pytest.mark.parametrize("name", ["banking77", "clinc150", "it_tickets8"])
def test_nothing_comes_from_a_public_set(name: str) -> None:
    """No run of nine words, and no whole shorter text, of a public set is in the training mail."""
    ours = {run for text in words() for run in _shingles(text, COPIED)}
    whole = set(words())
    for path in sorted(shared(f"datasets/{name}").glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            text = split(json.loads(line)["text"])
            assert not ours & _shingles(text, COPIED), (path.name, line)
            assert len(text) < 4 or tuple(text) not in whole, (path.name, line)


def test_the_data_card_says_what_is_there() -> None:
    card = (FOLDER / "README.md").read_text("utf-8")
    counted = f"{len(mail()):,} mails"
    assert counted in card
    for team, count in Counter(example.label for example in mail()).items():
        assert re.search(rf"\| `{team}` \| {count} \|", card), (team, count)
    for section in ("## How it was made", "## Where it is weak"):
        assert section in card
