"""Follow-ups that go out by themselves, read from `followups.yaml`: values only.

    acknowledge: {who: everybody, template: acknowledgement, after_hours: after-hours}
    quiet_hours: {from: 20:00, until: 08:00}
    sequences:
      - name: waiting-for-you
        why: We asked the customer for something and cannot go on without it.
        on: waiting
        steps:
          - {after: 2d, template: waiting-for-you}

Delays are working time of the thread's team, counted from the event that starts the sequence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta

from routing.manners import ACKNOWLEDGES, ASKS, LATE, TELLS, Limits
from routing.names import Names, check_name
from routing.problems import Problem
from routing.reader import Fields, Reader
from routing.sla import NOTHING, Span
from routing.sla_load import read_span
from routing.strict_yaml import load_text

WHO = ("everybody", "known", "nobody")
STARTS = ("waiting", "closed", "handoff", "stage")
ACTS = ("close",)
QUIET_KEYS = ("from", "until", "except")


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Who is told at once that their mail has arrived, and by what."""

    who: str = "nobody"
    template: str = ""
    after_hours: str = ""
    """Empty: the same as within hours."""


@dataclass(frozen=True, slots=True)
class SequenceStep:
    """One follow-up of a sequence."""

    name: str
    """Its place and template, unique in the sequence: `1-waiting-for-you`."""
    after: Span
    template: str
    then: str = ""
    """`close`: the thread is closed as it goes out."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """Follow-ups that one event starts."""

    name: str
    why: str
    on: str
    stage: str
    """The stage that starts it, where `on` is `stage`."""
    steps: tuple[SequenceStep, ...]


@dataclass(frozen=True, slots=True)
class Followups:
    """All of `followups.yaml`."""

    acknowledge: Acknowledge = Acknowledge()
    limits: Limits = field(default_factory=Limits)
    quiet: tuple[time, time] | None = None
    quiet_except: tuple[str, ...] = ()
    """Roles of templates that may be sent in quiet hours all the same."""
    sequences: tuple[Sequence, ...] = ()

    def started_by(self, on: str, stage: str = "") -> tuple[Sequence, ...]:
        """The sequences that an event starts, in file order."""
        return tuple(one for one in self.sequences if one.on == on and one.stage == stage)


def load_followups(
    text: str | bytes, file: str, names: Names, roles: Mapping[str, str] | None = None
) -> tuple[Followups | None, tuple[Problem, ...]]:
    """Read `followups.yaml`; the value, or None with every problem found.

    `names` are the stages and templates there are; `roles` is template -> role, so that an
    acknowledgement is one. A list that is None is not checked.
    """
    root, found = load_text(text, file)
    loader = _Loader(Reader(found), names, roles)
    top = loader.reader.fields(
        root, ("acknowledge", "limits", "quiet_hours", "sequences"), "the follow-ups file"
    )
    acknowledge = loader.acknowledge(top)
    made = Followups(
        acknowledge=acknowledge[0],
        limits=loader.limits(top, acknowledge[1]),
        quiet=loader.quiet(top),
        quiet_except=loader.quiet_except(top),
        sequences=loader.sequences(top),
    )
    reader = loader.reader
    return (None if reader.errors or root is None else made), reader.problems


class _Loader:
    def __init__(self, reader: Reader, names: Names, roles: Mapping[str, str] | None) -> None:
        self.reader = reader
        self.names = names
        self.roles = roles

    def acknowledge(self, top: Fields) -> tuple[Acknowledge, int]:
        keys = ("who", "template", "after_hours", "strangers_an_hour")
        said = top.mapping("acknowledge", keys)
        strangers = said.integer("strangers_an_hour", Limits().strangers_an_hour, at_least=0)
        if said.node is None:
            return Acknowledge(), strangers
        who = said.text("who", required=True, choices=WHO)
        template = self._template(said, "template", required=who != "nobody")
        after_hours = self._template(said, "after_hours")
        for key, name in (("template", template), ("after_hours", after_hours)):
            if name and self.roles is not None and self.roles.get(name) != ACKNOWLEDGES:
                message = f"`{name}` is no acknowledgement: its role is {self.roles.get(name)}"
                hint = "an acknowledgement repeats nothing that the sender wrote"
                self._report(said, key, "wrong-role", message, hint)
        return Acknowledge(who, template, after_hours), strangers

    def limits(self, top: Fields, strangers: int) -> Limits:
        said = top.mapping("limits", ("most_a_day", "asks_a_day"))
        usual = Limits()
        return Limits(
            most_a_day=said.integer("most_a_day", usual.most_a_day, at_least=1, at_most=20),
            asks_a_day=said.integer("asks_a_day", usual.asks_a_day, at_least=1, at_most=5),
            strangers_an_hour=strangers,
        )

    def quiet(self, top: Fields) -> tuple[time, time] | None:
        said = top.mapping("quiet_hours", QUIET_KEYS)
        if said.node is None:
            return None
        begins, ends = self._time(said, "from"), self._time(said, "until")
        if begins is None or ends is None:
            return None
        if begins == ends:
            message = "quiet hours that end when they begin leave no time to send"
            self._report(said, "until", "bad-value", message, "")
            return None
        return begins, ends

    def quiet_except(self, top: Fields) -> tuple[str, ...]:
        said = top.mapping("quiet_hours", QUIET_KEYS)
        roles = said.texts("except")
        if any(one not in (ASKS, LATE, TELLS) for one in roles):
            said.wrong("except", f"a list of {ASKS}, {LATE}, {TELLS}")
        return roles

    def _time(self, said: Fields, key: str) -> time | None:
        text = said.text(key, required=True)
        if text and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
            said.wrong(key, "a time of day such as 20:00")
            return None
        return time.fromisoformat(text) if text else None

    def sequences(self, top: Fields) -> tuple[Sequence, ...]:
        found: list[Sequence] = []
        for fields in top.mappings("sequences", ("name", "why", "on", "steps"), "a sequence"):
            if fields.node is None:
                continue
            name = fields.text("name", required=True)
            if name in {one.name for one in found}:
                message = f"there is a sequence `{name}` already"
                self._report(fields, "name", "duplicate", message, "give it another name")
            why = fields.text("why", required=True)
            on, stage = self._start(fields)
            found.append(Sequence(name, why, on, stage, self._steps(fields)))
        return tuple(found)

    def _start(self, fields: Fields) -> tuple[str, str]:
        node = fields.require("on")
        if node is None:
            return "", ""
        if node.kind == "map":
            said = fields.mapping("on", ("stage",))
            stage = said.text("stage", required=True)
            stage_node = said.get("stage")
            if stage and stage_node is not None:
                check_name(self.reader, stage_node, "stages", self.names.stages)
            return "stage", stage
        on = fields.text("on", choices=STARTS)
        if on == "stage":
            self._report(fields, "on", "bad-value", "which stage?", "write `on: {stage: NAME}`")
        return on, ""

    def _steps(self, fields: Fields) -> tuple[SequenceStep, ...]:
        steps: list[SequenceStep] = []
        listed = fields.mappings("steps", ("after", "template", "then"), "a step")
        if fields.require("steps") is not None and not listed:
            self._report(fields, "steps", "no-steps", "a sequence needs a step", "")
        for said in listed:
            if said.node is None:
                continue
            template = self._template(said, "template", required=True)
            after = self._after(said)
            if steps and after.text and _minutes(after) <= _minutes(steps[-1].after):
                message = f"`{after.text}` is not after the step before (`{steps[-1].after.text}`)"
                hint = "every delay is counted from the start of the sequence"
                self._report(said, "after", "out-of-order", message, hint)
            then = said.text("then", choices=ACTS)
            steps.append(SequenceStep(f"{len(steps) + 1}-{template}", after, template, then))
        return tuple(steps)

    def _after(self, said: Fields) -> Span:
        text = said.text("after", required=True)
        span = read_span(text) if text else None
        if text and span is None:
            said.wrong("after", "a length of working time such as 30m, 4h or 2d")
        return span or NOTHING

    def _template(self, said: Fields, key: str, *, required: bool = False) -> str:
        name = said.text(key, required=required)
        node = said.get(key)
        if name and node is not None:
            check_name(self.reader, node, "templates", self.names.templates)
        return name

    def _report(self, said: Fields, key: str, code: str, message: str, hint: str) -> None:
        node = said.get(key)
        if node is not None:
            self.reader.report(node, code, message, hint)


def _minutes(span: Span) -> timedelta:
    """For the order of steps only: a working day counts as one of 24 hours."""
    return timedelta(days=span.days, minutes=span.minutes)
