"""`decide`: a ruleset and facts in, a decision out; the one door that production, tests, explain
and replay go through. Carries nothing out.

The order is fixed: rules, then classifier, then fallback. Rules are asked in order; the first that
matches and has `stop` ends the asking. The first writer wins for team, assignee, priority, policy
and stage; tags, notes and notifications add up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from routing.conditions import Answer
from routing.facts import Facts
from routing.index import candidates
from routing.load_then import fill
from routing.ruleset import Event, Rule, Ruleset

UNSTATED_THRESHOLD = 0.5
"""Asked of a score where neither the fallback nor the model states more: surer than all else."""

RULE, CLASSIFIER, FALLBACK, THREAD, PERSON = "rule", "classifier", "fallback", "thread", "person"


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a thread goes and what else is done with it; `""` and `()` mean nothing is done."""

    team: str
    decided_by: str
    """rule, classifier, fallback, thread (it keeps its team) or person (who is not overruled)."""
    reason: str
    """One sentence for people."""
    rule: str = ""
    """The rule that named the team; empty where none did."""
    score: float | None = None
    """The classifier's score where it was known."""
    assignee: str = ""
    priority: str = ""
    tags: tuple[str, ...] = ()
    policy: str = ""
    stage: str = ""
    notes: tuple[str, ...] = ()
    reply: str = ""
    notify: tuple[str, ...] = ()
    snooze_for: timedelta | None = None
    matched: tuple[str, ...] = ()
    """The rules that matched and ran, in order."""
    stopped_by: str = ""
    """The rule after which no other was asked; empty where all were."""
    event: Event = Event.NEW_THREAD
    ruleset_hash: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """Which rules ran on this thread before; for `run: once-per-thread` and cool-downs."""

    ran_at: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))
    """Rule name -> aware UTC instant of its run on this thread that is nearest to `now`."""
    now: datetime | None = None
    """The instant of the mail; None: every cool-down is still running."""

    def holds_back(self, rule: Rule) -> str:
        """Why the rule's run policy keeps it from running now; empty where it may run."""
        last = self.ran_at.get(rule.name)
        if last is None:
            return ""
        if rule.run.once:
            return f"it runs once per thread, and ran at {last.isoformat()}"
        cool_down = rule.run.cool_down_for
        # The run may lie after the mail: mail is not always filed in the order in which it came.
        if cool_down is not None and (self.now is None or abs(self.now - last) < cool_down):
            return f"it ran at {last.isoformat()}, its cool-down takes {cool_down}"
        return ""


NO_HISTORY = History()


class Deciding:
    """A decision in the making: takes the rules that matched, one after the other."""

    def __init__(self, ruleset: Ruleset, facts: Facts, event: Event) -> None:
        self.ruleset = ruleset
        self.facts = facts
        self.event = event
        self.held_by_person = facts.text("thread.decided_by") == PERSON and bool(self.thread_team)
        self.team_rule: Rule | None = None
        self.stopped_by = ""
        self.matched: list[str] = []
        self._first: dict[str, str] = {}
        self._snooze_for: timedelta | None = None
        self._tags: dict[str, None] = {}
        self._notes: dict[str, None] = {}
        self._notify: dict[str, None] = {}

    @property
    def thread_team(self) -> str:
        """The team that has the thread already; empty on a new one."""
        if self.event is Event.NEW_THREAD:
            return ""
        return self.facts.text("thread.team") or ""

    def take(self, rule: Rule) -> None:
        """Note what a matching rule does."""
        actions = rule.actions
        self.matched.append(rule.name)
        if actions.team and not self.held_by_person and self.team_rule is None:
            self.team_rule = rule
        if actions.assignee and not self.held_by_person:
            self._first.setdefault("assignee", actions.assignee)
        for name in ("priority", "policy", "stage", "reply"):
            value = getattr(actions, name)
            if value:
                self._first.setdefault(name, value)
        if self._snooze_for is None:
            self._snooze_for = actions.snooze_for
        self._notify.update(dict.fromkeys(actions.notify))
        if actions.tags or actions.notes:
            self._take_texts(rule)
        if rule.stop:
            self.stopped_by = rule.name

    def _take_texts(self, rule: Rule) -> None:
        texts = (*rule.actions.tags, *rule.actions.notes)
        captures = rule.when.captures(self.facts) if any("{" in text for text in texts) else {}
        for kept, given in ((self._tags, rule.actions.tags), (self._notes, rule.actions.notes)):
            for text in given:
                filled = fill(text, captures)
                if filled is not None:
                    kept.setdefault(filled)

    def decision(self) -> Decision:
        """The decision, when no more rules are asked."""
        team, decided_by, reason = self._team()
        first = self._first
        score = self.facts.get("classifier.score")
        return Decision(
            team=team,
            decided_by=decided_by,
            reason=reason,
            rule=self.team_rule.name if self.team_rule is not None else "",
            score=score if isinstance(score, int | float) else None,
            assignee=first.get("assignee", ""),
            priority=first.get("priority", ""),
            tags=tuple(self._tags),
            policy=first.get("policy", ""),
            stage=first.get("stage", ""),
            notes=tuple(self._notes),
            reply=first.get("reply", ""),
            notify=tuple(self._notify),
            snooze_for=self._snooze_for,
            matched=tuple(self.matched),
            stopped_by=self.stopped_by,
            event=self.event,
            ruleset_hash=self.ruleset.hash,
        )

    def _team(self) -> tuple[str, str, str]:
        """(team, decided by, why)."""
        if self.held_by_person:
            return self.thread_team, PERSON, "a person gave the thread to this team"
        if self.team_rule is not None:
            why = self.team_rule.why or f"rule {self.team_rule.name} matched"
            return self.team_rule.actions.team, RULE, why
        if self.thread_team:
            return self.thread_team, THREAD, "a reply stays with its thread's team"
        trusted, reason = trusts_classifier(self.ruleset, self.facts)
        if trusted:
            return trusted, CLASSIFIER, reason
        return self.ruleset.fallback.team, FALLBACK, f"no rule names a team, and {reason}"


def trusts_classifier(ruleset: Ruleset, facts: Facts) -> tuple[str, str]:
    """(the team that the classifier decides for, why); an empty team where it is not trusted."""
    guess, score = facts.text("classifier.team"), facts.get("classifier.score")
    if not guess or not isinstance(score, int | float):
        return "", "the classifier gave no answer"
    said = f"the classifier says {guess} with {score:.2f}"
    if guess not in ruleset.teams:
        return "", f"{said}, which is not a team"
    abstains, asked = facts.get("classifier.abstain"), ruleset.fallback.threshold(guess)
    if abstains:
        return "", f"{said}, less than its own threshold for this team"
    if asked is None and abstains is None:
        asked = UNSTATED_THRESHOLD
    if asked is not None and score < asked:
        return "", f"{said}, less than the {asked:.2f} asked for"
    return guess, said if asked is None else f"{said}, at least the {asked:.2f} asked for"


def decide(
    ruleset: Ruleset,
    facts: Facts,
    *,
    event: Event | str = Event.NEW_THREAD,
    history: History = NO_HISTORY,
) -> Decision:
    """The decision for one message, or for one change of a thread.

    `event` is what happened; an unknown name is a ValueError. `history` says which rules ran on
    this thread before. The same arguments always give the same decision.
    """
    return run(candidates(ruleset, facts), Deciding(ruleset, facts, Event(event)), history)


def decide_plainly(
    ruleset: Ruleset,
    facts: Facts,
    *,
    event: Event | str = Event.NEW_THREAD,
    history: History = NO_HISTORY,
) -> Decision:
    """The same decision without the index: every rule is evaluated. Slow; for proofs."""
    return run(ruleset.rules, Deciding(ruleset, facts, Event(event)), history)


def run(rules: Iterable[Rule], deciding: Deciding, history: History) -> Decision:
    """Ask the given rules in order."""
    event, facts = deciding.event, deciding.facts
    for rule in rules:
        if event not in rule.events or rule.when.answer(facts) is not Answer.YES:
            continue
        if history.holds_back(rule):
            continue
        deciding.take(rule)
        if rule.stop:
            break
    return deciding.decision()
