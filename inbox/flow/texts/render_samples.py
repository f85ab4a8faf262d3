"""What every mail template is rendered with as it is read: plain values, the worst, and none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MOST_ITEMS = 50
"""Items of a list; templates are given no more."""


def _sample(name: str, word: str, asks: Sequence[str]) -> dict[str, Any]:
    return {
        "team": {"title": "Implementation"},
        "mailbox": {"name": "Onboarding", "address": "hello@aboard.example"},
        "contact": {"name": name, "first_name": name.partition(" ")[0]},
        "account": {"name": word},
        "thread": {"subject": word},
        "person": {"name": name},
        "asks": list(asks),
        "due": {"day": "Monday, 2 March", "time": "17:00"},
        "waiting_days": 3,
        "previous": {"name": name},
        "stage": "activation",
    }


SAMPLES = {
    "plain": _sample("Ana Costa", "Acme Logistics", ("the signed contract", "a list of users")),
    "worst": _sample(
        "\u202e<b>&{{x}} " + "M\u00fc" * 150, "<script>\n" * 40, ["a" * 200] * MOST_ITEMS
    ),
    "empty": _sample("", "", ()),
}
"""What every template is rendered with as it is read."""
