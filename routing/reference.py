"""Tables of what rules may say, made from the registries, for docs/RULES.md."""

from __future__ import annotations

from collections.abc import Iterable

from routing.fields import FIELDS, HEADER, Field
from routing.load_then import ACTIONS

BEGIN = "<!-- generated from the registries by routing.reference; do not edit -->"
END = "<!-- end of what is generated -->"


def _fields() -> Iterable[Field]:
    for field in FIELDS.values():
        if field.name == "attachment.name":
            yield HEADER
        yield field


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
