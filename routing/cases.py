"""Runs rule tests through `decide`, and tells which rules no test touches; reads no files.

A test that starts from a mail needs its facts from outside: `MailFacts` is handed in by whoever
can parse mail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from routing.decide import Decision, History, decide
from routing.explain import Explanation, explain
from routing.facts import Facts, facts_given
from routing.ruleset import Case, Event, Ruleset
from routing.write_case import case_from_facts

__all__ = [
    "CaseResult",
    "FactsAt",
    "MailFacts",
    "Report",
    "case_from_facts",
    "event_of",
    "run_case",
    "run_cases",
]

MailFacts = Callable[[Case], Mapping[str, object] | str]
"""The facts of the mail that a test names (field name -> value), or why there are none."""


FactsAt = Callable[[Facts, datetime], Mapping[str, object]]
"""The facts that depend on when a mail arrives, such as `business_hours`."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One test and how it ended."""

    case: Case
    failures: tuple[str, ...]
    """One line for each expectation that was not met; empty where the test passed."""
    decision: Decision | None
    """None where the mail could not be read."""
    explanation: Explanation | None = None
    """Only of a failing test."""

    @property
    def passed(self) -> bool:
        """Was everything as expected?"""
        return not self.failures

    def text(self) -> str:
        """One line for a passing test; for a failing one what is wrong, and the trace."""
        case = self.case
        title = f"{case.rule}: {case.title}" if case.rule else case.title
        if self.passed:
            return f"ok    {title}\n"
        lines = [f"FAIL  {title}  ({case.file}:{case.line}:{case.column})"]
        if case.at:
            lines.append(f"      the mail arrives at {case.at}")
        lines.extend(f"      {failure}" for failure in self.failures)
        if self.explanation is not None:
            lines.extend(f"      {line}" for line in self.explanation.text().splitlines())
        return "\n".join(lines) + "\n"

    def as_json(self) -> dict[str, object]:
        """The result, with the trace of a failing test."""
        case = self.case
        return {
            "test": case.title,
            "rule": case.rule or None,
            "file": case.file,
            "line": case.line,
            "passed": self.passed,
            "failures": list(self.failures),
            "trace": self.explanation.as_json() if self.explanation is not None else None,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All tests of a ruleset."""

    results: tuple[CaseResult, ...]
    untouched: tuple[str, ...]
    """Rules that matched in no passing test, in order."""

    @property
    def failed(self) -> tuple[CaseResult, ...]:
        """The tests that did not pass."""
        return tuple(result for result in self.results if not result.passed)

    def text(self) -> str:
        """Failing tests with their traces, untouched rules, and the counts."""
        parts = [result.text() for result in self.failed]
        parts.extend(f"no test touches rule {name}\n" for name in self.untouched)
        passed = len(self.results) - len(self.failed)
        parts.append(f"{passed} passed, {len(self.failed)} failed\n")
        return "".join(parts)

    def as_json(self) -> dict[str, object]:
        """Counts, all results, untouched rules."""
        return {
            "passed": len(self.results) - len(self.failed),
            "failed": len(self.failed),
            "untouched": list(self.untouched),
            "tests": [result.as_json() for result in self.results],
        }


def run_cases(
    ruleset: Ruleset,
    mails: MailFacts | None = None,
    cases: Iterable[Case] | None = None,
    timed: FactsAt | None = None,
) -> Report:
    """Run the set's own tests, or the given ones, and find the rules that none touches.

    `timed` tells what depends on the instant at which a mail arrives (`at:`); without it nothing
    does but how long ago a rule ran.
    """
    chosen = ruleset.cases if cases is None else cases
    results = tuple(run_case(ruleset, case, mails, timed) for case in chosen)
    touched = {
        name
        for result in results
        if result.passed and result.decision is not None
        for name in result.decision.matched
    }
    untouched = tuple(rule.name for rule in ruleset.rules if rule.name not in touched)
    return Report(results, untouched)


def run_case(
    ruleset: Ruleset,
    case: Case,
    mails: MailFacts | None = None,
    timed: FactsAt | None = None,
) -> CaseResult:
    """Run one test; arguments as for `run_cases`."""
    values: dict[str, object] = {}
    if case.mail:
        read = mails(case) if mails is not None else "no mail can be read here"
        if isinstance(read, str):
            return CaseResult(case, (f"the mail {case.mail} could not be read: {read}",), None)
        values.update(read)
    facts = facts_given(case.given, values)
    if case.arrives_at is not None and timed is not None:
        facts = facts_given({**timed(facts, case.arrives_at), **case.given}, values)
    event, history = event_of(ruleset, case, facts), History(case.ran_at, case.arrives_at)
    decision = decide(ruleset, facts, event=event, history=history)
    failures = tuple(_failures(case, decision))
    explanation = None
    if failures:
        explanation = explain(ruleset, facts, event=event, history=history)
    return CaseResult(case, failures, decision, explanation)


def event_of(ruleset: Ruleset, case: Case, facts: Facts) -> Event:
    """What happens in a test that does not say `on`: what its rule is for, else what the facts
    suggest: a mail on a thread that has a team is a reply."""
    if case.event is not None:
        return case.event
    rule = ruleset.rule(case.rule) if case.rule else None
    if rule is not None and len(rule.events) == 1:
        return rule.events[0]
    return Event.REPLY if facts.text("thread.team") else Event.NEW_THREAD


def _failures(case: Case, decision: Decision) -> Iterable[str]:
    expect = case.expect
    for name in ("team", "decided_by", "priority", "policy", "stage", "assignee", "reply"):
        wanted, got = getattr(expect, name), getattr(decision, name)
        if wanted and wanted != got:
            by = f" by rule {decision.rule}" if name == "team" and decision.rule else ""
            yield f"expected {name} {wanted}, got {got or 'none'}{by}"
    for name in expect.rules:
        if name not in decision.matched:
            yield f"expected rule {name} to match, matched: {_listed(decision.matched)}"
    for name in expect.not_rules:
        if name in decision.matched:
            yield f"expected rule {name} not to match, but it did"
    if expect.snooze_for is not None and expect.snooze_for != decision.snooze_for:
        yield f"expected snooze {expect.snooze_for}, got {decision.snooze_for or 'none'}"
    for name in expect.notify:
        if name not in decision.notify:
            yield f"expected {name} to be told, told: {_listed(decision.notify)}"
    for tag in expect.tags:
        if tag not in decision.tags:
            yield f"expected tag {tag}, got {_listed(decision.tags)}"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) if names else "none"
