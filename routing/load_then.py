"""Reads `then` and `run`: what a rule does and how often; carries nothing out.

`ACTIONS` is the one registry of actions: name, sentence, and the part that carries it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from routing.fields import CLOCKS, FILING, FOLLOW_UPS, NOTICES
from routing.names import Names, check_name
from routing.reader import Fields, Reader
from routing.ruleset import Actions, RunPolicy
from routing.strict_yaml import Node

PRIORITIES = ("low", "normal", "high", "urgent")
ACCOUNT_OWNER = "account-owner"
TEAM_STRATEGY = "team-strategy"
MAX_TAG = 64
MAX_NOTE = 2000
MAX_COOL_DOWN = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a rule may do."""

    name: str
    about: str
    part: str = FILING
    several: bool = False
    """May a list stand here, and do the actions of several rules add up?"""


_ALL = (
    Action("team", "The team that gets the thread; the first rule that names one decides."),
    Action(
        "assignee",
        "A person's handle, `account-owner`, or `team-strategy` for whom the team would choose.",
    ),
    Action("priority", "low, normal, high or urgent."),
    Action("tags", "Tags for the thread; `{name}` stands for a named capture.", several=True),
    Action("policy", "The SLA policy of the thread."),
    Action("stage", "The onboarding stage that the account moves to."),
    Action("note", "A note on the thread; `{name}` stands for a named capture.", several=True),
    Action("reply", "A follow-up template that is sent to the customer.", FOLLOW_UPS),
    Action("notify", "People or teams that are told.", NOTICES, several=True),
    Action("snooze", "How long the thread is put away, as in `3d`.", CLOCKS),
)
ACTIONS: dict[str, Action] = {action.name: action for action in _ALL}

_SECONDS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}


def read_duration(text: str) -> timedelta | None:
    """A time such as `30m`, `24h`, `3d`, `2w`; None where it is none."""
    number, unit = text.strip()[:-1].strip(), text.strip()[-1:]
    if unit not in _SECONDS or not (number.isascii() and number.isdigit()) or len(number) > 6:
        return None
    return timedelta(seconds=int(number) * _SECONDS[unit])


def read_then(fields: Fields, names: Names, captures: frozenset[str] | None) -> Actions:
    """The actions under a rule's `then`; problems go to the reader of `fields`.

    `captures` are the names that tags and notes may use; None where they are not known.
    """
    if fields.node is not None and not fields.node.entries:
        message = f"{fields.what} does nothing"
        fields.reader.report(
            fields.node, "empty-then", message, "name a team, a tag, a priority ..."
        )
    tags = _captured(fields, "tags", captures, MAX_TAG)
    notes = _captured(fields, "note", captures, MAX_NOTE)
    return Actions(
        team=_named(fields, "team", names, "teams"),
        assignee=_assignee(fields, names),
        priority=fields.text("priority", choices=PRIORITIES),
        tags=tags,
        policy=_named(fields, "policy", names, "policies"),
        stage=_named(fields, "stage", names, "stages"),
        notes=notes,
        reply=_named(fields, "reply", names, "templates"),
        notify=_notified(fields, names),
        snooze_for=read_snooze(fields),
    )


def _named(fields: Fields, key: str, names: Names, what: str) -> str:
    text, node = fields.text(key), fields.get(key)
    if text and node is not None:
        check_name(fields.reader, node, what, names.listed(what))
    return text


def _assignee(fields: Fields, names: Names) -> str:
    text, node = fields.text("assignee"), fields.get("assignee")
    if text and node is not None and text not in (ACCOUNT_OWNER, TEAM_STRATEGY):
        known = names.people
        allowed = None if known is None else (*known, ACCOUNT_OWNER, TEAM_STRATEGY)
        check_name(fields.reader, node, "people", allowed)
    return text


def _notified(fields: Fields, names: Names) -> tuple[str, ...]:
    known = None if names.people is None else (*names.people, *names.teams, ACCOUNT_OWNER)
    node = fields.get("notify")
    for item in () if node is None else (node.items or [node]):
        if isinstance(item.value, str):
            check_name(fields.reader, item, "people", known)
    return fields.texts("notify")


def read_snooze(fields: Fields) -> timedelta | None:
    """The time under `snooze`; None where there is none, or none that can be."""
    text = fields.text("snooze")
    return _duration(fields.reader, fields.get("snooze"), text) if text else None


def _duration(reader: Reader, node: Node | None, text: str) -> timedelta | None:
    found = read_duration(text)
    if node is not None and (found is None or not timedelta(0) < found <= MAX_COOL_DOWN):
        message = f'"{text}" is no time between 1 minute and 366 days'
        reader.report(node, "bad-duration", message, "write it as in `30m`, `24h`, `3d`, `2w`")
        return None
    return found


def _captured(
    fields: Fields, key: str, captures: frozenset[str] | None, longest: int
) -> tuple[str, ...]:
    """Tags or notes, with every `{name}` in them checked."""
    node = fields.get(key)
    texts = fields.texts(key)
    for item in () if node is None else (node.items or [node]):
        if not isinstance(item.value, str):
            continue
        if len(item.value) > longest:
            message = f"`{key}` has {len(item.value)} characters, at most {longest} are allowed"
            fields.reader.report(item, "too-long", message)
        for name in placeholders(item.value):
            if captures is not None and name not in captures:
                message = f"no pattern of this rule captures `{name}`"
                known = ", ".join(sorted(captures))
                hint = f"known: {known}" if known else f"write `(?P<{name}>...)` in a `matches`"
                fields.reader.report(item, "unknown-capture", message, hint)
    return tuple(dict.fromkeys(texts))


def placeholders(text: str) -> list[str]:
    """The names that stand in braces, in order: `order {number}` has `number`."""
    found = []
    for piece in text.split("{")[1:]:
        name, closed, _ = piece.partition("}")
        if closed and name.isidentifier():
            found.append(name)
    return found


def fill(text: str, captures: dict[str, str]) -> str | None:
    """The text with captures put in; None where one of them is not there, or shows nothing.

    A captured text comes from a stranger's mail: it becomes one line of at most 64 printable
    characters.
    """
    for name in placeholders(text):
        if not _one_line(captures.get(name, "")):
            return None
    pieces = text.split("{")
    out = [pieces[0]]
    for piece in pieces[1:]:
        name, closed, rest = piece.partition("}")
        if closed and name.isidentifier():
            out.append(_one_line(captures[name]) + rest)
        else:
            out.append("{" + piece)
    return "".join(out)


def _one_line(captured: str) -> str:
    shown = "".join(c if c.isprintable() else " " for c in captured[:200])
    return " ".join(shown.split())[:MAX_TAG]


def read_run(reader: Reader, node: Node | None, what: str) -> RunPolicy:
    """`once-per-thread`, `every-match` (also where nothing is said) or `{cool-down: 24h}`."""
    if node is None:
        return RunPolicy()
    if node.kind == "scalar" and node.value in ("once-per-thread", "every-match"):
        return RunPolicy(once=node.value == "once-per-thread")
    if node.kind != "map":
        message = f"`run` cannot be {node.describe()}"
        hint = "write once-per-thread, every-match or {cool-down: 24h}"
        reader.report(node, "bad-value", message, hint)
        return RunPolicy()
    fields = reader.fields(node, ("cool-down",), f"`run` of {what}")
    text = fields.text("cool-down", required=True)
    return RunPolicy(
        cool_down_for=_duration(reader, fields.get("cool-down"), text) if text else None
    )
