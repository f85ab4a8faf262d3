"""The prefilters never leave out what is there: words, long texts, sets of patterns."""

from __future__ import annotations

import random

import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.rules import TEAMS, mails, meeting, rule_files
from routing.decide import decide, decide_plainly
from routing.facts import Facts
from routing.fold import fold
from routing.literals import Literals, PatternSet
from routing.load import Names, load_ruleset

_TEXT = st.text(alphabet="abc é字.", max_size=30).map(fold)
_PIECES = st.lists(_TEXT.filter(bool), min_size=1, max_size=8, unique=True)


@settings(max_examples=200, deadline=None)
@given(_PIECES, _TEXT, st.sampled_from(("", " " + "z" * 2_000, " z" * 20_000)))
def test_every_literal_that_is_there_is_found(pieces: list[str], text: str, tail: str) -> None:
    literals = Literals()
    for number, piece in enumerate(pieces):
        literals.add(piece, number)
    found: set[int] = set()
    literals.found(text + tail, found)
    assert found >= {number for number, piece in enumerate(pieces) if piece in text}


def test_a_set_of_patterns_finds_what_each_pattern_finds() -> None:
    dice = random.Random(5)
    parts = ["a", "b", "[ab]", "(?:a|bc)", "c{2,5}", "x?", ".", r"\d+", "(?i)q", "é", r"\bab", "^c"]
    patterns = ["".join(dice.choices(parts, k=dice.randrange(2, 7))) for _ in range(600)]
    compiled = [re2.compile(pattern) for pattern in patterns]
    together = PatternSet(
        [
            (pattern, made.programsize * 40)
            for pattern, made in zip(patterns, compiled, strict=True)
        ],
        range(len(patterns)),
    )
    for _ in range(200):
        text = "".join(dice.choices("abcqxé12 ", k=dice.randrange(0, 200))).encode()
        found: set[int] = set()
        together.found(text, found)
        assert found == {n for n, made in enumerate(compiled) if made.search(text) is not None}


def test_patterns_too_large_for_one_set_are_split_or_always_asked() -> None:
    patterns = [f"(?:{chr(97 + n)}{{900}}b?){{1}}[a-z]{{900}}" for n in range(20)]
    together = PatternSet([(pattern, 10) for pattern in patterns], range(20))
    found: set[int] = set()
    together.found(b"c" * 2_000, found)
    assert 2 in found


def test_a_thousand_mixed_rules_decide_as_without_the_index() -> None:
    ruleset, _ = load_ruleset(rule_files(1_000), Names(TEAMS))
    assert ruleset is not None
    matched = 0
    for values in meeting(mails(16), ruleset):
        known = Facts(values)
        decision = decide(ruleset, known)
        assert decision == decide_plainly(ruleset, known)
        matched += bool(decision.matched)
    assert matched >= 4
