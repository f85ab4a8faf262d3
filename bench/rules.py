"""Decisions a second at 10 to 10,000 rules, beside a plain loop over Python `re`.

`python -m bench.rules` prints the tables and judges them by the limits that docs/RULES.md
states. Rules and mails are made from a seeded vocabulary with word frequencies as in natural text
(Zipf); one rule in ten
has a pattern. A mail matches one of the rules in about half of the cases. The plain loop asks the
same questions in the same order and ends at its first match; it has no trace, no unknown, no
folding beyond lower case.
"""

from __future__ import annotations

import os
import random
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

from routing.conditions import Operator, tests_of
from routing.decide import decide
from routing.facts import Facts
from routing.index import index_of
from routing.lint import example
from routing.load import Names, load_ruleset
from routing.ruleset import Ruleset

TEAMS = ("implementation", "support", "compliance", "success")
SIZES = (10, 100, 1_000, 10_000)
RULES_A_FILE = 2_000
_SYLLABLES = (
    *("ka", "lo", "mi", "ter", "van", "dro", "sel", "pin", "qua", "ber", "fil", "gor", "hun"),
    *("jet", "nox", "pra", "ris", "tov", "ulm", "wex", "zin"),
)


class Vocabulary:
    """Made-up words, drawn as often as words of their rank are in natural text."""

    def __init__(self, seed: int, size: int = 20_000) -> None:
        self.random = random.Random(seed)
        made: dict[str, None] = {}
        while len(made) < size:
            count = self.random.choice((1, 2, 2, 3, 3, 4))
            made["".join(self.random.choice(_SYLLABLES) for _ in range(count))] = None
        self.words = list(made)
        self.weights = list(accumulate(1 / (rank + 2.7) for rank in range(size)))

    def text(self, words: int) -> str:
        """So many words, common ones often."""
        return " ".join(self.random.choices(self.words, cum_weights=self.weights, k=words))

    def rare(self) -> str:
        """A word that few mails have, as rules name them."""
        return self.words[self.random.randrange(2_000, len(self.words))]


def condition(words: Vocabulary, kind: int) -> str:
    """One rule's `when` in flow style; ten kinds, one of them with a pattern."""
    one, two, number = words.rare(), words.rare(), words.random.randrange(10_000)
    return (
        f"from.domain: {one}{number}.example",
        f"from.domain: [{one}.example, {two}.example], none: [{{automatic: true}}]",
        f"from: {one}@{two}.example",
        f"subject contains: ['{one} {two}', {one}{two}], automatic: false",
        f"any: [{{subject words: ['{one} {two}', {two}{number}]}}, {{text words: '{two} {one}'}}]",
        f"text contains: ['{one} {two}', '{two} {one}'], automatic: false",
        f"attachment.name glob: ['*{one}*.pdf', '{two}-*.docx']",
        f"account.tier: gold, text words: ['{one} {two}']",
        f"header.X-Source contains: {one}, size at most: 10 MB",
        f"subject matches: '(?i){one}[- ]?(?P<number>[0-9]{{4,8}})\\b'",
    )[kind]


def rule_files(count: int, seed: int = 7) -> list[tuple[str, bytes]]:
    """Rule files with so many rules, some thousand in each."""
    words = Vocabulary(seed)
    files = []
    for start in range(0, count, RULES_A_FILE):
        lines = ["rules:"]
        for number in range(start, min(start + RULES_A_FILE, count)):
            team = TEAMS[number % len(TEAMS)]
            lines.append(f"  - name: rule-{number}")
            lines.append(f"    when: {{{condition(words, number % 10)}}}")
            lines.append(f"    then: {{team: {team}, tags: [t{number % 50}]}}")
        if start == 0:
            lines.append("fallback: {classifier_at_least: model, team: support}")
        files.append((f"{start:06}.yaml", "\n".join([*lines, ""]).encode()))
    return files


def mails(count: int, seed: int = 11) -> list[dict[str, object]]:
    """Facts of so many mails; about 1,500 characters of text each."""
    words = Vocabulary(7)
    words.random = random.Random(seed)
    found: list[dict[str, object]] = []
    for number in range(count):
        text = words.text(words.random.randrange(30, 430))
        subject = words.text(6)
        if number % 4 == 1:
            subject += f" {words.rare()}-{words.random.randrange(10**6)}"
        found.append(
            {
                "from": f"{words.rare()}@{words.rare()}.example",
                "from.domain": f"{words.rare()}.example",
                "from.name": "",
                "to": ["onboarding@aboard.example"],
                "recipient": ["onboarding@aboard.example"],
                "mailbox": "onboarding@aboard.example",
                "subject": subject,
                "text": text,
                "body": text,
                "attachment.name": [f"{words.rare()}.pdf"] if number % 5 == 0 else [],
                "attachment.count": 1 if number % 5 == 0 else 0,
                "size": 4_000,
                "automatic": number % 10 == 0,
                "account.tier": "gold" if number % 3 == 0 else "",
            }
        )
    return found


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds for one message each."""

    median: float
    p99: float


def meeting(messages: list[dict[str, object]], ruleset: Ruleset) -> list[dict[str, object]]:
    """The same mails, half of them with what one rule somewhere in the set asks for."""
    dice = random.Random(13)
    found = []
    for number, message in enumerate(messages):
        if number % 2:
            asked = example(dice.choice(ruleset.rules).when)
            wanted = {name: asked.get(name) for name in ("from", "from.domain", "account.tier")}
            message = {**message, **{name: value for name, value in wanted.items() if value}}
            for name in ("subject", "text"):
                message[name] = f"{message[name]} {asked.text(name) or ''}"
            message["attachment.name"] = list(asked.texts("attachment.name") or ())
        found.append(message)
    return found


def timed(
    function: Callable[[dict[str, object]], object], messages: Sequence[dict[str, object]]
) -> Timing:
    """Each message once to warm up, then once more with the clock."""
    for message in messages:
        function(message)
    taken = []
    for message in messages:
        start = time.perf_counter()
        function(message)
        taken.append(time.perf_counter() - start)
    taken.sort()
    return Timing(taken[len(taken) // 2], taken[len(taken) * 99 // 100])


def plain_loop(ruleset: Ruleset) -> Callable[[dict[str, object]], object]:
    """The loop that one writes first: every rule a list of compiled `re`, asked in order."""
    compiled = []
    for rule in ruleset.rules:
        tests = []
        for test in tests_of(rule.when):
            name, values = test.field.name, [str(value) for value in test.values]
            if test.operator in (Operator.IS, Operator.IN):
                pattern = "^(?:" + "|".join(map(re.escape, values)) + ")$"
            elif test.operator is Operator.MATCHES:
                pattern = "|".join(values)
            elif test.operator is Operator.WORDS:
                pattern = r"\b(?:" + "|".join(map(re.escape, values)) + r")\b"
            elif test.operator is Operator.GLOB:
                pattern = "|".join(re.escape(value).replace(r"\*", ".*") for value in values)
            else:
                pattern = "|".join(map(re.escape, values))
            tests.append((name, re.compile(pattern, 0 if "(?i)" in pattern else re.IGNORECASE)))
        compiled.append(
            (rule.name, any(t.field.name == "automatic" for t in tests_of(rule.when)), tests)
        )

    def ask(message: dict[str, object]) -> str:
        for name, _, tests in compiled:
            for field, pattern in tests:
                value = message.get(field, "")
                texts = value if isinstance(value, list) else [str(value)]
                if not any(pattern.search(text) for text in texts):
                    break
            else:
                return name
        return ""

    return ask


def load(count: int) -> tuple[Ruleset, float, float, float]:
    """(ruleset, seconds to load it, of these on the processor, seconds to make its index)."""
    files = rule_files(count)
    start, busy = time.perf_counter(), time.process_time()
    ruleset, problems = load_ruleset(files, Names(TEAMS))
    loaded, busy = time.perf_counter(), time.process_time() - busy
    if ruleset is None:
        raise SystemExit("\n".join(problem.framed() for problem in problems[:10]))
    index_of(ruleset)
    return ruleset, loaded - start, busy, time.perf_counter() - loaded


def seconds_for(ruleset: Ruleset, text: str) -> float:
    """CPU seconds for one decision on a mail with this text, new to the rules; best of three, as
    others use this machine too."""
    facts = {**mails(1)[0], "text": text, "body": text}
    taken = []
    for _ in range(3):
        start = time.process_time()
        decide(ruleset, Facts(facts))
        taken.append(time.process_time() - start)
    return min(taken)


def judged(what: str, figure: float, most: float, unit: str) -> bool:
    """Print a figure beside its limit; is it within?"""
    met = figure <= most
    print(f"{what}: {figure:.3g} {unit}. Goal {most:g} {unit}: {'met' if met else 'NOT met'}.")
    return met


def table() -> bool:
    """Loads and decisions by number of rules, beside the plain loop; are the limits kept?"""
    plain = mails(400)
    medians = {}
    load_for = busy_for = 0.0
    print(
        "rules    load s    cpu s  index s  decide/s  median ms   p99 ms  re loop/s  re median ms"
    )
    for size in SIZES:
        ruleset, load_for, busy_for, index_for = load(size)
        messages = meeting(plain, ruleset)
        ours = timed(lambda message, set_=ruleset: decide(set_, Facts(message)), messages)  # type: ignore[misc]
        loop = timed(plain_loop(ruleset), messages[: 400 if size <= 1_000 else 40])
        medians[size] = ours.median
        print(
            f"{size:6,}  {load_for:7.3f}  {busy_for:7.3f}  {index_for:7.3f}"
            f"  {1 / ours.median:8,.0f}"
            f"  {ours.median * 1e3:9.3f}  {ours.p99 * 1e3:7.3f}"
            f"  {1 / loop.median:9,.0f}  {loop.median * 1e3:12.3f}"
        )
    most = SIZES[-1]
    waiting = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"\nload of {most:,} rules, wall: {load_for:.3g} s beside {busy_for:.3g} s of CPU")
    print(f"(judged by CPU, as others use this machine: load average {waiting})")
    kept = [
        judged(f"a message at {most:,} rules, median", medians[most] * 1e3, 1, "ms"),
        judged(f"load of {most:,} rules, CPU", busy_for, 3, "s"),
        # A tenfold set may cost at most half of tenfold, at each step.
        *(
            judged(f"cost of {more:,} rules beside {few:,}", medians[more] / medians[few], 5, "x")
            for few, more in pairwise(SIZES)
        ),
    ]
    return all(kept)


def large_mails(ruleset: Ruleset) -> bool:
    """One decision on each of many texts of a megabyte; is the limit kept for all?"""
    print("\nCPU ms for one decision on a mail with 1 MB of text:")
    worst = 0.0
    for name, text in TEXTS.items():
        whole = text * ((1 << 20) // len(text.encode()) + 1) if text else _natural()
        took = seconds_for(ruleset, whole) * 1e3
        worst = max(worst, took)
        print(f"  {name:34} {took:7.1f}")
    return judged("the slowest of them", worst, 50, "ms")


def _natural() -> str:
    return Vocabulary(3).text(180_000)[: 1 << 20]


TEXTS = {
    "words as in natural text": "",
    "German": "Größe und Straße überprüfen, wir können nicht einloggen. ",
    "Russian": "Привет, мир: договор об обработке данных. ",
    "Chinese": "契約書について",
    "what many rules ask for": "gdpr api error login invoice data deletion contract dpa sso ",
    "one letter": "a",
    "one word without end": "error",
    "halves of phrases": "data ",
    "letters with marks": "e\u0301",
    "marks in one row": "\u0301\u0316",
    "marks in many rows": "a" + "\u0301\u0316" * 16,
    "soft hyphens": "a\u00ad",
    "wide spaces": "a\u2003\n",
    "ligatures (two for one)": "ﬁ",
    "dotted capital I (two for one)": "İ",
    "Greek with two marks (three for one)": "ΐ",
    "U+FDFA (eighteen for one)": "\ufdfa",
}
"""What is repeated to a megabyte; nothing stands for natural text."""


def main(arguments: Sequence[str] = ()) -> int:
    """Print and judge all; with a folder as argument, measure its rules on large mails."""
    kept = table()
    folder = Path(arguments[0] if arguments else "data/rules")
    files = [(path.name, path.read_bytes()) for path in folder.glob("*.yaml")]
    ruleset, problems = load_ruleset(files, Names(TEAMS))
    if ruleset is None:
        print(f"\n{folder}: not measured, {len(problems)} problems")
        return 1
    print(f"\n{folder}: {len(ruleset.rules)} rules")
    return 0 if large_mails(ruleset) and kept else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
