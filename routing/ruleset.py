"""What a ruleset is once it has been read and found good: frozen values; reads nothing.

`routing.load` makes one from files, `routing.decide` uses it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from pathlib import PurePosixPath
from types import MappingProxyType

from routing.conditions import Condition


class Event(StrEnum):
    """What happened; a rule's `on` names the events that it is asked at."""

    NEW_THREAD = "new-thread"
    REPLY = "reply"
    BOUNCE = "bounce"
    HANDOFF = "handoff"
    STAGE_CHANGE = "stage-change"


EVERY_MESSAGE = "every-message"
MESSAGE_EVENTS = (Event.NEW_THREAD, Event.REPLY, Event.BOUNCE)
"""What `on: every-message` stands for."""


@dataclass(frozen=True, slots=True)
class RunPolicy:
    """How often one rule may act on one thread."""

    once: bool = False
    cool_down_for: timedelta | None = None
    """Time that must pass between two runs; None where there is none."""

    def __str__(self) -> str:
        if self.once:
            return "once-per-thread"
        return f"cool-down of {self.cool_down_for}" if self.cool_down_for else "every-match"


@dataclass(frozen=True, slots=True)
class Actions:
    """What a rule does; an empty text or tuple does nothing. Texts may hold `{capture}`s."""

    team: str = ""
    assignee: str = ""
    """A person, `account-owner`, or `team-strategy`."""
    priority: str = ""
    tags: tuple[str, ...] = ()
    policy: str = ""
    stage: str = ""
    notes: tuple[str, ...] = ()
    reply: str = ""
    notify: tuple[str, ...] = ()
    snooze_for: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Expect:
    """What a test asks of the decision; what is empty is not asked."""

    team: str = ""
    rules: tuple[str, ...] = ()
    """Rules that must have matched."""
    not_rules: tuple[str, ...] = ()
    """Rules that must not have matched."""
    decided_by: str = ""
    tags: tuple[str, ...] = ()
    """Tags that must be among those given."""
    priority: str = ""
    policy: str = ""
    stage: str = ""
    assignee: str = ""
    reply: str = ""
    notify: tuple[str, ...] = ()
    """Who must be among those told."""
    snooze_for: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One test: facts or a mail in, and what is expected."""

    given: Mapping[str, object]
    expect: Expect
    name: str = ""
    mail: str = ""
    """A mail file beside the rule file; empty where `given` says all."""
    at: str = ""
    """When the mail arrives, as written; empty where it does not matter."""
    arrives_at: datetime | None = None
    """The same as an aware instant."""
    ran_at: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))
    """Rules that ran on the thread before, with the instant of their last run."""
    event: Event | None = None
    """None: as the rule and the given thread suggest."""
    rule: str = ""
    """The rule that it stands beside; empty where it stands alone."""
    file: str = ""
    line: int = 0
    column: int = 0

    @property
    def title(self) -> str:
        """Its name, or its place."""
        return self.name or f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, with the place where it stands."""

    name: str
    when: Condition
    actions: Actions
    stop: bool
    why: str = ""
    events: tuple[Event, ...] = (Event.NEW_THREAD,)
    run: RunPolicy = field(default_factory=RunPolicy)
    file: str = ""
    line: int = 0
    column: int = 0
    cases: tuple[Case, ...] = ()

    @property
    def place(self) -> str:
        """`file:line`, for people."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Fallback:
    """What happens where no rule names a team."""

    team: str
    at_least: float | None = None
    """The classifier's score from which it is trusted; None: its own thresholds."""
    at_least_by_team: Mapping[str, float | None] = field(
        default_factory=lambda: MappingProxyType({})
    )
    """Teams with a threshold of their own, instead of `at_least`."""
    file: str = ""
    line: int = 0

    def threshold(self, team: str) -> float | None:
        """The score that is asked for this team; None: the model's own threshold."""
        return self.at_least_by_team.get(team, self.at_least)


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Ruleset:
    """All rules in order, the fallback, the tests that stand alone, and the content's hash."""

    rules: tuple[Rule, ...]
    fallback: Fallback
    hash: str
    teams: tuple[str, ...] = ()
    cases: tuple[Case, ...] = ()
    """All tests: those of the rules in their order, then those that stand alone."""
    files: tuple[str, ...] = ()

    def rule(self, name: str) -> Rule | None:
        """The rule of that name, or None."""
        return next((rule for rule in self.rules if rule.name == name), None)


def in_name_order(files: Sequence[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """The files in the order in which they are read: by file name, then by whole path."""
    return sorted(files, key=lambda item: (PurePosixPath(item[0]).name, item[0]))


def content_hash(files: list[tuple[str, bytes]]) -> str:
    """SHA-256 over names and contents in the given order, in lower-case hexadecimal.

    Line ends are made equal and folders left out, so that the same set checked out elsewhere,
    or on another system, has the same hash.
    """
    digest = sha256()
    for name, data in files:
        content = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
        for piece in (PurePosixPath(name).name.encode("utf-8", "surrogateescape"), content):
            digest.update(len(piece).to_bytes(8, "big"))
            digest.update(piece)
    return digest.hexdigest()
