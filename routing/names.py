"""The lists of names that rules are checked against; made by whoever owns the lists."""

from __future__ import annotations

from dataclasses import dataclass

from routing.reader import Reader
from routing.strict_yaml import Node


@dataclass(frozen=True, slots=True)
class Names:
    """What exists outside the rules. A list that is None is not known, so not checked."""

    teams: tuple[str, ...]
    policies: tuple[str, ...] | None = None
    """SLA policies."""
    stages: tuple[str, ...] | None = None
    templates: tuple[str, ...] | None = None
    """Follow-up templates."""
    people: tuple[str, ...] | None = None
    """Handles of agents, leads and admins."""

    def listed(self, what: str) -> tuple[str, ...] | None:
        """The list called `teams`, `policies`, `stages`, `templates` or `people`."""
        found: tuple[str, ...] | None = getattr(self, what)
        return found


_ONE = {
    "teams": "team",
    "policies": "policy",
    "stages": "stage",
    "templates": "template",
    "people": "person",
}


def check_name(reader: Reader, node: Node, what: str, known: tuple[str, ...] | None) -> bool:
    """Is the node's text in the list `what`? If not, the problem `unknown-team` and so on."""
    if known is None or node.value in known:
        return True
    one = _ONE[what]
    message = f"there is no {one} `{node.value}`"
    reader.report(node, f"unknown-{one}", message, reader.suggest(str(node.value), known))
    return False
