"""SLA policies as values, and which one a thread is under; reads no file, knows no history.

A policy promises times (`Promise`), one for each metric, with the steps of its ladder. Which
calendar counts is the policy's affair: the team's hours, hours of its own, or round the clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from routing.hours import ALWAYS, Calendar

METRICS = ("first_response", "next_response", "resolution", "handoff_acceptance", "untouched")
CUSTOMER_METRICS = ("first_response", "next_response", "resolution")
"""What the customer waits for; the others are between ourselves and never pause."""
DEFAULT = "default"
DUE = "due"
"""The step that every ladder has: at the deadline the target is breached."""


@dataclass(frozen=True, slots=True)
class Span:
    """A length of business time as it is written: `2d`, `4h`, `1h 30m`.

    A day is a full working day of the calendar that counts: as much time as its longest weekday
    has open, 24 hours round the clock.
    """

    text: str
    days: int = 0
    minutes: int = 0

    def in_(self, calendar: Calendar) -> timedelta:
        """So much open time of this calendar."""
        return self.days * calendar.working_day + timedelta(minutes=self.minutes)


NOTHING = Span("0m")


@dataclass(frozen=True, slots=True)
class Step:
    """One rung of a ladder: when it is due, and what it does, once in the life of a target."""

    name: str
    """As the file has it: `30m before`, `due`, `2h after`."""
    direction: int
    """-1 before the deadline, 0 at it, 1 after it."""
    away: Span
    notify: tuple[str, ...] = ()
    """Of `owner`, `lead`, `duty`, `admin`."""
    reassign: str = ""
    """`duty`, `lead`, or `team`: back to the team, unclaimed."""
    priority: str = ""
    """Raised to at least this."""
    tags: tuple[str, ...] = ()
    follow_up: str = ""
    """The template of a mail to the customer."""

    def used(self, limit: timedelta, calendar: Calendar) -> timedelta:
        """How much business time has passed when it is due, for a promise of `limit`."""
        return limit + self.direction * self.away.in_(calendar)


BREACH = Step(DUE, 0, NOTHING)


@dataclass(frozen=True, slots=True)
class Promise:
    """One metric of a policy."""

    metric: str
    limit: Span
    calendar: Calendar | None
    """None: the hours of the team that has the thread."""
    ladder: tuple[Step, ...]
    """In the order in which they are due; `due` is always among them."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A set of promises, and the threads that are under it without being sent there by a rule."""

    name: str
    why: str
    promises: Mapping[str, Promise]
    pause: tuple[str, ...] = ("waiting",)
    """The statuses of a thread in which the customer's clocks stand still."""
    tiers: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()

    @property
    def conditional(self) -> bool:
        """Does it say which threads it is for? If not, only a rule or a person puts them there."""
        return bool(self.tiers or self.stages or self.teams)

    def mismatch(self, facts: Standing) -> str:
        """The first condition that does not hold; empty where all do."""
        for what, value, listed in (
            ("tier", facts.tier, self.tiers),
            ("stage", facts.stage, self.stages),
            ("team", facts.team, self.teams),
        ):
            if listed and value not in listed:
                return f"{what} {value or '(none)'} is not {' or '.join(listed)}"
        return ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides about a thread's policy."""

    team: str
    policy: str = ""
    """Named by a rule or a person; else empty."""
    tier: str = ""
    stage: str = ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The policy that applies, and why."""

    policy: Policy
    why: str


@dataclass(frozen=True, slots=True)
class SlaSet:
    """All policies of `sla.yaml`, in order."""

    policies: tuple[Policy, ...]
    hours: Calendar | None = None
    """For teams that have no hours of their own."""
    hash: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The policies in file order."""
        return tuple(one.name for one in self.policies)

    @property
    def follow_ups(self) -> frozenset[str]:
        """Every template that a ladder names."""
        return frozenset(
            step.follow_up
            for policy in self.policies
            for promise in policy.promises.values()
            for step in promise.ladder
            if step.follow_up
        )

    def named(self, name: str) -> Policy | None:
        """The policy of this name."""
        return next((one for one in self.policies if one.name == name), None)

    def calendar(self, promise: Promise, team_hours: Calendar | None) -> Calendar:
        """Whose hours count: the promise's own, the team's, the file's, else round the clock."""
        return promise.calendar or team_hours or self.hours or ALWAYS


def policy_for(sla: SlaSet, facts: Standing) -> Chosen:
    """The policy a thread is under: the one a rule or a person names, else the first whose
    conditions hold, else `default`."""
    named = sla.named(facts.policy) if facts.policy else None
    if named is not None:
        return Chosen(named, f"the thread was put under `{named.name}`")
    gone = f"there is no policy `{facts.policy}` any more; " if facts.policy else ""
    for policy in sla.policies:
        if policy.conditional and not policy.mismatch(facts):
            held = ", ".join(
                f"{what} is {value}"
                for what, value, listed in (
                    ("tier", facts.tier, policy.tiers),
                    ("stage", facts.stage, policy.stages),
                    ("team", facts.team, policy.teams),
                )
                if listed
            )
            return Chosen(policy, f"{gone}`{policy.name}` is the first that fits: {held}")
    default = sla.named(DEFAULT)
    if default is None:
        default = Policy(DEFAULT, "", {})
    return Chosen(default, f"{gone}no rule and no condition names another: `{DEFAULT}`")
