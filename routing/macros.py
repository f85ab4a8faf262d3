"""Macros of the composer, read from `macros.yaml`: a text and what is done as it is sent.

macros:
  - name: ask-for-w9
    title: Ask for the W-9
    why: Nothing can be paid before it is there.
    text: |
      Hello {{ contact.first_name }},
      please send us the W-9 of {{ account.name }}.
    then: wait
    tags: [w-9]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from routing.names import Names, check_name
from routing.problems import Problem
from routing.reader import Fields, Reader
from routing.strict_yaml import load_text

KINDS = ("reply", "note")
THEN = ("close", "wait")
PRIORITIES = ("low", "normal", "high", "urgent")
_AFTER = {"close": "close it", "wait": "wait for the customer"}
KEYS = (
    *("name", "title", "why", "kind", "text", "then", "tags", "untag", "priority", "team"),
    "claim",
)


@dataclass(frozen=True, slots=True)
class Macro:
    """A text for the composer, and what is done as it is sent."""

    name: str
    title: str
    why: str
    kind: str
    text: str
    line: int
    """Where in its file it stands."""
    then: str = ""
    tags: tuple[str, ...] = ()
    untag: tuple[str, ...] = ()
    priority: str = ""
    team: str = ""
    claim: bool = False

    @property
    def does(self) -> tuple[str, ...]:
        """What is done as it is sent, in words."""
        said = [f"tag {one}" for one in self.tags] + [f"take off {one}" for one in self.untag]
        said += [f"priority {self.priority}"] if self.priority else []
        said += ["take it on"] if self.claim else []
        said += [f"move to {self.team}"] if self.team else []
        said += [_AFTER[self.then]] if self.then else []
        return tuple(said)


@dataclass(frozen=True, slots=True)
class Macros:
    """All of `macros.yaml`."""

    by_name: Mapping[str, Macro] = field(default_factory=dict)


def load_macros(
    text: str | bytes, file: str, names: Names
) -> tuple[Macros | None, tuple[Problem, ...]]:
    """Read `macros.yaml`; the value, or None with every problem found. What stands between braces
    is checked by who renders it."""
    root, found = load_text(text, file)
    reader = Reader(found)
    top = reader.fields(root, ("macros",), "the macros file")
    macros: dict[str, Macro] = {}
    for said in top.mappings("macros", KEYS, "a macro"):
        if said.node is None:
            continue
        made = _macro(said, reader, names)
        node = said.get("name")
        if made.name in macros and node is not None:
            message = f"there is a macro `{made.name}` already"
            reader.report(node, "duplicate", message, "give it another name")
        macros[made.name] = made
    return (None if reader.errors or root is None else Macros(macros)), reader.problems


def _macro(said: Fields, reader: Reader, names: Names) -> Macro:
    team = said.text("team")
    node = said.get("team")
    if team and node is not None and names.teams:
        check_name(reader, node, "teams", names.teams)
    name = said.text("name", required=True)
    text_node = said.get("text")
    return Macro(
        name=name,
        title=said.text("title") or name.replace("-", " ").capitalize(),
        why=said.text("why", required=True),
        kind=said.text("kind", "reply", choices=KINDS),
        text=said.text("text", required=True),
        line=text_node.line if text_node is not None else 0,
        then=said.text("then", choices=THEN),
        tags=tuple(one.lower() for one in said.texts("tags")),
        untag=tuple(one.lower() for one in said.texts("untag")),
        priority=said.text("priority", choices=PRIORITIES),
        team=team,
        claim=said.flag("claim"),
    )
