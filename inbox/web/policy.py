"""What a request must bring: the policy of a route. Which objects it shows is the query's part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from fastapi import Request
from starlette.responses import Response

Handler = Callable[[Request], Response]

_RANKS = {"viewer": 1, "agent": 2, "lead": 3, "admin": 4}


class Policy(Enum):
    """Who may ask. Whatever is no GET needs same origin and a form token beside it."""

    OPEN = "anybody: it shows no mail"
    READ = "anybody of ours who is signed in; it changes nothing"
    OWN = "anybody of ours who is signed in, also a viewer; it changes what is theirs alone"
    CHANGE = "an agent, a lead or an admin"
    LEAD = "a lead or an admin"
    ADMIN = "an admin"

    def admits(self, role: str) -> bool:
        """Is the role high enough?"""
        return _RANKS.get(role, 0) >= _NEEDED[self]


_NEEDED = {
    Policy.OPEN: 0,
    Policy.READ: 1,
    Policy.OWN: 1,
    Policy.CHANGE: 2,
    Policy.LEAD: 3,
    Policy.ADMIN: 4,
}


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path, who answers, and under which policy."""

    method: str
    path: str
    handler: Handler
    policy: Policy
    most_body: int | None = None
    """Bytes that a request may bring; None: what the application allows."""
    fields: tuple[str, ...] = ()
    """Form fields that a change takes; any other one is refused (422)."""
    files: int = 0
    """Files that a form may bring."""
    most_fields: int = 50
    """Fields that a form may bring, each as often as it comes."""
