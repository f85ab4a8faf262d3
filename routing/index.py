"""Which rules could match at all; never says yes, only leaves out what must be no or unknown."""

from __future__ import annotations

from collections.abc import Iterable

from routing.facts import Facts
from routing.ruleset import Rule, Ruleset


def candidates(ruleset: Ruleset, facts: Facts) -> Iterable[Rule]:
    """The rules that could match these facts, in order."""
    return ruleset.rules
