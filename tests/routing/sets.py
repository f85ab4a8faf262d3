"""Rulesets and facts for the tests of routing: loading in one line, and hypothesis strategies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from routing.facts import Facts
from routing.load import Names, load_ruleset
from routing.problems import Problem
from routing.ruleset import Ruleset

RULES = Path(__file__).resolve().parents[2] / "data" / "rules"
TEMPLATES = RULES.parents[1] / "templates" / "mail"
TEAMS = ("implementation", "support", "compliance", "success")
NAMES = Names(
    teams=TEAMS,
    policies=("default", "urgent", "legal", "onboarding"),
    stages=("welcome", "activation", "guidance"),
    templates=tuple(sorted(one.name for one in TEMPLATES.iterdir() if one.is_dir())),
    people=("maya", "jonas"),
)
FALLBACK = "fallback: {classifier_at_least: model, team: support}\n"


def shipped_files() -> list[tuple[str, bytes]]:
    """The rule files that come with the product."""
    return [(path.name, path.read_bytes()) for path in sorted(RULES.glob("*.yaml"))]


def shipped() -> Ruleset:
    """The ruleset that comes with the product."""
    ruleset, problems = load_ruleset(shipped_files(), NAMES)
    assert ruleset is not None, "\n".join(map(str, problems))
    return ruleset


def problems_of(text: str | bytes, names: Names = NAMES) -> tuple[Problem, ...]:
    """All problems of one rule file."""
    data = text.encode() if isinstance(text, str) else text
    return load_ruleset([("rules.yaml", data)], names)[1]


def load(text: str, names: Names = NAMES) -> Ruleset:
    """The ruleset of one file; a fallback is added where it has none."""
    if "fallback:" not in text and '"fallback"' not in text:
        text += FALLBACK
    ruleset, problems = load_ruleset([("rules.yaml", text.encode())], names)
    assert ruleset is not None, "\n".join(problem.framed() for problem in problems)
    return ruleset


def load_rules(rules: list[dict[str, Any]], names: Names = NAMES) -> Ruleset:
    """The ruleset of rules given as values; JSON is YAML too."""
    fallback = {"classifier_at_least": 0.6, "team": "support"}
    return load(
        json.dumps({"rules": rules, "fallback": fallback}, ensure_ascii=False) + "\n", names
    )


def rule(when: str, then: str = "team: compliance", **more: str) -> str:
    """A file with one rule; `when` and `then` in flow style without braces."""
    extra = "".join(f"    {key}: {value}\n" for key, value in more.items())
    return f"rules:\n  - name: r\n    when: {{{when}}}\n    then: {{{then}}}\n{extra}"


WORDS = ("dpa", "gdpr", "data deletion", "api", "über", "straße", "go-live", "a", "ein api-key")
DOMAINS = ("bank.example", "eu.bank.example", "ngo.example")
_word = st.sampled_from(WORDS)
_text = st.lists(_word, max_size=4).map(" ".join)
_texts = st.lists(_word, min_size=1, max_size=3)
_address = st.tuples(st.sampled_from(("ana", "bo")), st.sampled_from(DOMAINS)).map("@".join)
_values: dict[str, st.SearchStrategy[Any]] = {
    "from": _address,
    "from.domain": st.sampled_from(DOMAINS),
    "subject": _text,
    "text": _text,
    "attachment.name": st.lists(_word.map(lambda word: f"{word}.pdf"), max_size=2),
    "attachment.count": st.integers(0, 3),
    "automatic": st.booleans(),
    "account.tier": st.sampled_from(("gold", "")),
    "account.tags": st.lists(st.sampled_from(("vip", "pilot")), max_size=2),
    "header.x-source": st.lists(_word, max_size=2),
    "classifier.team": st.sampled_from((*TEAMS, "none")),
    "classifier.score": st.floats(0, 1),
    "classifier.abstain": st.booleans(),
    "thread.team": st.sampled_from((*TEAMS, "")),
    "thread.decided_by": st.sampled_from(("person", "rule")),
}


def facts() -> st.SearchStrategy[Facts]:
    """Facts with some fields known and the others not."""
    return st.fixed_dictionaries({}, optional=_values).map(Facts)


def _test() -> st.SearchStrategy[dict[str, Any]]:
    def one(key: str, value: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
        return value.map(lambda chosen: {key: chosen})

    tests = [
        one("from", _address),
        one("from.domain", st.lists(st.sampled_from(DOMAINS), min_size=1, max_size=2)),
        one("from ends with", st.sampled_from(("bank.example", "@ngo.example"))),
        one("automatic", st.booleans()),
        one("account.tier", st.just("gold")),
        one("account.tier exists", st.booleans()),
        one("account.tags", st.sampled_from(("vip", "pilot"))),
        one("attachment.count at least", st.integers(0, 3)),
        one("attachment.count at most", st.integers(0, 3)),
        one("attachment.count", st.integers(0, 3)),
        one("attachment.name glob", st.sampled_from(("*.pdf", "*dpa*", "[ag]*", "?pi.pdf", "*"))),
        one("attachment.name contains", _word),
        one("header.X-Source contains", _word),
        one("thread.team", st.sampled_from(TEAMS)),
        one("classifier.score at least", st.floats(0, 1).map(lambda x: round(x, 2))),
    ]
    for field in ("subject", "text"):
        tests += [
            one(f"{field} contains", _texts),
            one(f"{field} words", _texts),
            one(field, _texts),
            one(f"{field} starts with", _texts),
            one(f"{field} ends with", _texts),
            one(f"{field} exists", st.booleans()),
            one(
                f"{field} matches", st.sampled_from(("(?P<w>gdpr|dpa)", "^a", "api", "x*", "ü.er"))
            ),
        ]
    return st.one_of(tests)


def _merged(maps: list[dict[str, Any]]) -> dict[str, Any]:
    joined: dict[str, Any] = {}
    for one in maps:
        joined.update(one)
    return joined


def _grouped(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    group = st.tuples(
        st.sampled_from(("all", "any", "none")), st.lists(inner, min_size=1, max_size=3)
    ).map(lambda pair: {pair[0]: pair[1]})
    return st.lists(st.one_of(inner, group), min_size=1, max_size=3).map(_merged)


def conditions() -> st.SearchStrategy[dict[str, Any]]:
    """A rule's `when`, groups up to two deep."""
    return _grouped(_grouped(_test()))


def rules(max_size: int = 6) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Several rules with different names."""
    then = st.fixed_dictionaries(
        {},
        optional={
            "team": st.sampled_from(TEAMS),
            "priority": st.sampled_from(("low", "high")),
            "tags": st.lists(st.sampled_from(("x", "y")), min_size=1),
            "policy": st.sampled_from(("urgent", "legal")),
        },
    ).filter(bool)
    made = st.fixed_dictionaries(
        {
            "when": conditions(),
            "then": then,
            "on": st.sampled_from(("new-thread", "reply", "every-message")),
        },
        optional={"stop": st.booleans()},
    )

    def named(several: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{"name": f"r{number}", **one} for number, one in enumerate(several)]

    return st.lists(made, min_size=1, max_size=max_size).map(named)


def evaluate(condition: Mapping[str, Any], known: Facts) -> str:
    """The answer of a condition given as values: yes, no or unknown."""
    made = load_rules([{"name": "r", "when": dict(condition), "then": {"tags": ["x"]}}])
    return str(made.rules[0].when.answer(known))
