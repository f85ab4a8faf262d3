"""Tables of what rules may say, made from the registries: for docs/RULES.md and for terminals."""

from __future__ import annotations

from collections.abc import Iterable

from routing.fields import FIELDS, HEADER, Field
from routing.load_then import ACTIONS
from routing.load_when import operators

BEGIN = "<!-- generated from the registries by routing.reference; do not edit -->"
END = "<!-- end of what is generated -->"


def _fields() -> Iterable[Field]:
    for field in FIELDS.values():
        if field.name == "attachment.name":
            yield HEADER
        yield field


def fields_text() -> str:
    """All fields for a terminal: name, type, sentence, and which part feeds it."""
    fields = list(_fields())
    names = max(len(field.name) for field in fields)
    types = max(len(field.type) for field in fields)
    lines = []
    for field in fields:
        lines.append(f"{field.name:{names}}  {field.type:{types}}  {field.about}")
    return "\n".join(lines) + "\n"


def fields_json() -> list[dict[str, object]]:
    """All fields with their types, operators, values and parts."""
    return [
        {
            "name": field.name,
            "type": str(field.type),
            "about": field.about,
            "group": field.group,
            "part": field.part,
            "values": list(field.choices),
            "operators": [str(operator) for operator in operators(field)],
        }
        for field in _fields()
    ]


def markdown() -> str:
    """The generated section of docs/RULES.md, with its markers."""
    lines = [BEGIN, "", "| field | holds | what it is | fed by |", "| --- | --- | --- | --- |"]
    for field in _fields():
        about = field.about
        if field.choices and not field.listed:
            about += " One of " + ", ".join(f"`{choice}`" for choice in field.choices) + "."
        lines.append(f"| `{field.name}` | {field.type} | {about} | {field.part} |")
    lines += ["", "| action | what it does | carried out by |", "| --- | --- | --- |"]
    for action in ACTIONS.values():
        lines.append(f"| `{action.name}` | {action.about} | {action.part} |")
    return "\n".join([*lines, "", END])
