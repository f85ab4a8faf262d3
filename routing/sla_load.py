"""Reads `sla.yaml`: bytes in, a checked `SlaSet` or every problem out; no disk.

hours: {zone: Europe/Berlin, week: {mon-fri: 09:00-18:00}, holidays: [DE]}
policies:
  - name: urgent
    why: Something that stops the customer from working.
    when: {tier: [gold], stage: activation, team: support}   # else only rules name it
    hours: always                  # or `team` (what is usual), or hours of its own
    pause: [waiting]
    targets:
      first_response: 1h
      resolution: {within: 2d, hours: team}
    at_risk: [30m]                 # warns the owner so long before the deadline
    ladder:
      - {when: due, notify: [owner, lead], follow-up: first-response-late}
      - {when: 2h after, for: first_response, priority: urgent, tag: late, reassign: duty}
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from routing.hours import ALWAYS, Calendar
from routing.hours_reader import read_hours
from routing.names import Names, check_name
from routing.problems import Problem
from routing.reader import Fields, Reader
from routing.ruleset import content_hash
from routing.sla import BREACH, DEFAULT, DUE, METRICS, NOTHING, Policy, Promise, SlaSet, Span, Step
from routing.strict_yaml import Node, load_text

FILE_KEYS = ("hours", "policies")
POLICY_KEYS = ("name", "why", "when", "hours", "pause", "targets", "at_risk", "ladder")
WHEN_KEYS = ("tier", "stage", "team")
TARGET_KEYS = ("within", "hours")
STEP_ACTIONS = ("notify", "reassign", "priority", "tag", "follow-up")
STEP_KEYS = ("when", "for", *STEP_ACTIONS)
WHOM = ("owner", "lead", "duty", "admin")
TO_WHOM = ("duty", "lead", "team")
PRIORITIES = ("low", "normal", "high", "urgent")
PAUSES = ("waiting", "snoozed")
TEAM_HOURS = "team"
MOST_DAYS = 366
MAX_NAME = 60
"""Letters of a policy's name that the store has room for."""

_SPAN = re.compile(r"(?:(\d{1,4})d)?\s*(?:(\d{1,5})h)?\s*(?:(\d{1,6})m)?", re.ASCII)
_WHEN = re.compile(r"(.+?)\s+(before|after)")


@dataclass(frozen=True, slots=True)
class _Hours:
    """Whose hours a policy or a target names: None is the team's."""

    calendar: Calendar | None


def load_sla(
    text: str | bytes,
    file: str,
    names: Names | None = None,
    calendars: Mapping[str, bytes] | None = None,
) -> tuple[SlaSet | None, tuple[Problem, ...]]:
    """The policies, or None with every problem found. Never raises.

    `names` holds the teams, stages and templates that there are; without it they are not checked.
    `calendars` holds the iCal files that hours may name.
    """
    root, found = load_text(text, file)
    reader = Reader(found)
    top = reader.fields(root, FILE_KEYS, "the SLA file")
    if root is not None:
        top.require("policies")
    load = _Loader(reader, names or Names(()), names is not None, calendars or {})
    hours = read_hours(top, "hours", load.calendars)
    policies = tuple(
        policy
        for fields in top.mappings("policies", POLICY_KEYS, "a policy")
        if (policy := load.policy(fields)) is not None
    )
    node = top.get("policies")
    if node is not None and not reader.errors and DEFAULT not in load.named:
        message = f"there is no policy `{DEFAULT}`, so some threads would be under none"
        reader.report(node, "missing-default", message, f"add `- name: {DEFAULT}`")
    if reader.errors or root is None:
        return None, reader.problems
    data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    parts = [(file, data), *sorted(load.calendars.items())]
    return SlaSet(policies, hours, content_hash(parts)), reader.problems


def read_span(text: str) -> Span | None:
    """`2d`, `4h`, `30m`, `1d 4h`; None for anything else, nothing at all included."""
    match = _SPAN.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        return None
    days, hours, minutes = (int(one or 0) for one in match.groups())
    total = hours * 60 + minutes
    if not 0 < days * 24 * 60 + total <= MOST_DAYS * 24 * 60:
        return None
    return Span(" ".join(text.split()), days, total)


class _Loader:
    def __init__(
        self, reader: Reader, names: Names, checked: bool, calendars: Mapping[str, bytes]
    ) -> None:
        self.reader = reader
        self.names = names
        self.checked = checked
        self.calendars = dict(calendars)
        self.named: dict[str, Node] = {}

    def policy(self, fields: Fields) -> Policy | None:
        if fields.node is None:
            return None
        name = self._name(fields)
        fields.what = f"policy `{name}`" if name else "a policy"
        why = fields.text("why")
        hours = self._hours(fields) or _Hours(None)
        pause = fields.texts("pause", choices=PAUSES) if "pause" in fields else ("waiting",)
        ladder = (*self._at_risk(fields), *self._ladder(fields))
        promises = {
            one.metric: one for one in self._promises(fields, hours, ladder) if one is not None
        }
        if not promises and ladder and fields.node is not None:
            key = fields.key("ladder") or fields.key("at_risk") or fields.node
            message = f"{fields.what} has a ladder and no target that could climb it"
            self.reader.report(key, "no-targets", message, "give it `targets:`")
        tiers, stages, teams = self._conditions(fields, name)
        return Policy(name, why, promises, pause, tiers, stages, teams)

    def _name(self, fields: Fields) -> str:
        name, node = fields.text("name", required=True), fields.get("name")
        if not name or node is None:
            return ""
        if len(name) > MAX_NAME or not name.isprintable() or name != name.strip():
            hint = f"use one line of at most {MAX_NAME} letters"
            self.reader.report(node, "bad-name", f"a policy cannot be named {name[:60]!r}", hint)
        first = self.named.setdefault(name, node)
        if first is not node:
            message = f"`{name}` is named twice, first at line {first.line}"
            self.reader.report(node, "duplicate", message, "give it another name")
        return name

    def _conditions(
        self, fields: Fields, name: str
    ) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        when = fields.mapping("when", WHEN_KEYS, f"`when` of {fields.what}")
        key = fields.key("when")
        if key is not None and name == DEFAULT:
            message = f"`{DEFAULT}` is for every thread that nothing else is for"
            self.reader.report(key, "condition-on-default", message, "remove its `when`")
        elif when.node is not None and not when.node.entries:
            self.reader.report(when.node, "empty-condition", "`when` must name something")
        for part, listed in (("stage", self.names.stages), ("team", self.names.teams)):
            if self.checked:
                what = "stages" if part == "stage" else "teams"
                for node in _nodes(when, part):
                    check_name(self.reader, node, what, listed)
        return when.texts("tier"), when.texts("stage"), when.texts("team")

    def _hours(self, fields: Fields) -> _Hours | None:
        """The hours under `hours`; None where nothing is said."""
        node = fields.get("hours")
        if node is None:
            return None
        if node.kind == "scalar" and node.value == TEAM_HOURS:
            return _Hours(None)
        if node.kind == "scalar" and node.value != "always":
            expected = "`team`, `always`, or a mapping with `zone` and `week`"
            fields.wrong("hours", expected)
            return None
        return _Hours(read_hours(fields, "hours", self.calendars) or ALWAYS)

    def _promises(
        self, fields: Fields, hours: _Hours, ladder: tuple[_Rung, ...]
    ) -> Iterator[Promise | None]:
        targets = fields.mapping("targets", METRICS, f"`targets` of {fields.what}")
        for metric in targets:
            node = targets.get(metric)
            assert node is not None
            own, span, at = hours, None, node
            if node.kind == "map":
                read = targets.mapping(metric, TARGET_KEYS, f"`{metric}`")
                within = read.require("within")
                own = self._hours(read) or hours
                if within is None:
                    continue
                at = within
            span = self._span(at, f"`{metric}`")
            if span is not None:
                yield self._promise(metric, span, own.calendar, ladder)
        for rung in ladder:
            for metric in rung.metrics:
                if targets.node is not None and metric not in targets:
                    message = f"{fields.what} has no target `{metric}`"
                    self.reader.report(rung.node, "unknown-target", message)

    def _promise(
        self, metric: str, limit: Span, calendar: Calendar | None, ladder: tuple[_Rung, ...]
    ) -> Promise:
        """The steps that are for this metric, in the order in which they are due."""
        counted = calendar or ALWAYS
        steps: dict[str, Step] = {DUE: BREACH}
        seen: dict[str, Node] = {}
        for rung in ladder:
            if rung.metrics and metric not in rung.metrics:
                continue
            step = rung.step
            if step.name in seen and not rung.warning:
                message = f"`{metric}` has two steps at `{step.name}`"
                self.reader.report(rung.node, "duplicate-step", message, "put them into one")
            seen[step.name] = rung.node
            steps[step.name] = _together(steps.get(step.name), step)
        ordered = sorted(steps.values(), key=lambda one: one.used(limit.in_(counted), counted))
        return Promise(metric, limit, calendar, tuple(ordered))

    def _span(self, node: Node, what: str) -> Span | None:
        span = read_span(str(node.value)) if isinstance(node.value, str) else None
        if span is None:
            message = f"{what} cannot be {node.describe()}"
            hint = "write a time such as 30m, 4h, 1h 30m or 2d (working days), at most 366d"
            self.reader.report(node, "bad-duration", message, hint)
        return span

    def _at_risk(self, fields: Fields) -> Iterator[_Rung]:
        for node in _nodes(fields, "at_risk"):
            span = self._span(node, "`at_risk`")
            if span is not None:
                step = Step(f"{span.text} before", -1, span, notify=("owner",))
                yield _Rung(step, (), node, warning=True)

    def _ladder(self, fields: Fields) -> Iterator[_Rung]:
        for read in fields.mappings("ladder", STEP_KEYS, "a step"):
            if read.node is None:
                continue
            step = self._when(read)
            if not any(action in read for action in STEP_ACTIONS):
                message = "a step must do something"
                hint = "give it one of " + ", ".join(STEP_ACTIONS)
                self.reader.report(read.node, "empty-step", message, hint)
            follow_up, node = read.text("follow-up"), read.get("follow-up")
            if self.checked and node is not None and self.names.templates:
                check_name(self.reader, node, "templates", self.names.templates)
            full = replace(
                step,
                notify=read.texts("notify", choices=WHOM),
                reassign=read.text("reassign", choices=TO_WHOM),
                priority=read.text("priority", choices=PRIORITIES),
                tags=read.texts("tag"),
                follow_up=follow_up,
            )
            yield _Rung(full, read.texts("for", choices=METRICS), read.node)

    def _when(self, read: Fields) -> Step:
        text, node = read.text("when", required=True), read.get("when")
        if text == DUE or node is None or not text:
            return BREACH
        match = _WHEN.fullmatch(text.strip())
        span = read_span(match[1]) if match else None
        if match is None or span is None:
            message = f"{node.describe()} is no time of a step"
            self.reader.report(node, "bad-step", message, "write `due`, `30m before` or `2h after`")
            return BREACH
        return Step(f"{span.text} {match[2]}", -1 if match[2] == "before" else 1, span)


@dataclass(frozen=True, slots=True)
class _Rung:
    """A step with the metrics it is for (none: all) and where it stands."""

    step: Step
    metrics: tuple[str, ...]
    node: Node
    warning: bool = False
    """From `at_risk`, so that a step of the ladder at the same time adds to it."""


def _together(one: Step | None, other: Step) -> Step:
    """Two steps at one time are one: each is done once, in one transaction."""
    if one is None:
        return other
    return replace(
        other,
        away=other.away if other.away != NOTHING else one.away,
        notify=tuple(dict.fromkeys((*one.notify, *other.notify))),
    )


def _nodes(fields: Fields, key: str) -> list[Node]:
    node = fields.get(key)
    if node is None:
        return []
    return list(node.items) if node.kind == "list" else [node]
