"""Files cut short or with wrong bytes: problems, or a set with another hash; never a crash."""

from __future__ import annotations

import random

import pytest

from routing.load import load_ruleset
from routing.ruleset import Ruleset
from tests.routing.sets import NAMES, shipped_files

NAME, RULES = shipped_files()[0]
GOOD = RULES + b"\nfallback:\n  classifier_at_least: model\n  team: support\n"
CUT_STEP = 29
FLIPS = 400
CAMPAIGN_FLIPS = 10_000


def load(data: bytes) -> tuple[Ruleset | None, tuple[str, ...]]:
    ruleset, problems = load_ruleset([(NAME, data)], NAMES)
    return ruleset, tuple(problem.code for problem in problems)


WHOLE, _ = load(GOOD)


def check_cut(length: int) -> None:
    """A set that loads from a cut file has another hash, only rules of the whole file (its last
    one may have lost its end, which the missing line end tells), and says that it may be half."""
    assert WHOLE is not None
    ruleset, codes = load(GOOD[:length])
    if ruleset is None:
        assert codes
        return
    assert ruleset.hash != WHOLE.hash
    whole = [(rule.name, rule.when, rule.actions) for rule in WHOLE.rules]
    kept = [(rule.name, rule.when, rule.actions) for rule in ruleset.rules]
    if GOOD[length - 1 : length] == b"\n":
        assert kept == whole[: len(kept)]
    else:
        assert "no-final-newline" in codes
        assert kept[:-1] == whole[: max(len(kept) - 1, 0)]


def check_flip(seed: int) -> None:
    dice = random.Random(seed)
    damaged = bytearray(GOOD)
    for _ in range(dice.choice((1, 1, 1, 2, 8))):
        damaged[dice.randrange(len(damaged))] ^= 1 << dice.randrange(8)
    ruleset, codes = load(bytes(damaged))
    assert WHOLE is not None
    assert codes or ruleset is not None
    if ruleset is not None and bytes(damaged) != GOOD:
        assert ruleset.hash != WHOLE.hash


def test_a_file_cut_anywhere_is_never_taken_for_the_whole() -> None:
    for length in range(1, len(GOOD), CUT_STEP):
        check_cut(length)


def test_a_fallback_at_the_end_refuses_every_cut_before_it() -> None:
    before = GOOD.index(b"fallback:")
    for length in range(1, before, CUT_STEP * 5):
        assert load(GOOD[:length])[0] is None


def test_flipped_bits_give_problems_or_another_hash() -> None:
    for seed in range(FLIPS):
        check_flip(seed)


@pytest.mark.parametrize("data", [b"\xff\xfe", b"\0" * 50, b"[" * 5000, b"{" * 5000, b"- " * 9000,
                                  b"? " * 5000, b"&a " * 900, b"*" * 900, b"!" * 900, b"%" * 900,
                                  b"'" * 999, b'"\\' * 999, b"|\n" * 999, b"a: " * 999, b"\xef\xbb\xbf"])  # fmt: skip
def test_strange_bytes_give_problems(data: bytes) -> None:
    ruleset, codes = load(data)
    assert ruleset is None
    assert codes


@pytest.mark.campaign
def test_campaign_every_cut() -> None:
    for length in range(1, len(GOOD)):
        check_cut(length)


@pytest.mark.campaign
def test_campaign_ten_thousand_flips() -> None:
    for seed in range(CAMPAIGN_FLIPS):
        check_flip(seed)
