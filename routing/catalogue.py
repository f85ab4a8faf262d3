"""The lists of names that rules are checked against: SLA policies and onboarding stages.

Each file is a list of entries with a name and a sentence; other parts add keys of their own and
read them with their own loaders, so keys beside `name` are left to them.
"""

from __future__ import annotations

from routing.problems import Problem
from routing.reader import Reader
from routing.strict_yaml import load_text


def load_names(
    text: str | bytes, file: str, listed: str
) -> tuple[tuple[str, ...] | None, tuple[Problem, ...]]:
    """The names under `listed` (`policies` of sla.yaml, `stages` of stages.yaml), in file order;
    None with every problem found where the file cannot be used."""
    root, found = load_text(text, file)
    reader = Reader(found)
    top = reader.fields(root, None, "the file")
    names: list[str] = []
    if root is not None:
        top.require(listed)
    for fields in top.mappings(listed, None, f"an entry of `{listed}`"):
        name = fields.text("name", required=True)
        node = fields.get("name")
        if name in names and node is not None:
            reader.report(node, "duplicate", f"`{name}` is named twice", "give it another name")
        names.append(name)
    if reader.errors or root is None:
        return None, reader.problems
    return tuple(names), reader.problems
