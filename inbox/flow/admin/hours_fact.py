"""The fact `business_hours`: did a mail arrive while its team works?

A mail on a thread arrives for the thread's team. One that opens a thread has no team yet when the
rules are asked, so it arrives for the team of the fallback, which gets whatever nobody names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from routing.facts import Facts
from routing.hours import ALWAYS, Calendar
from routing.sla import SlaSet
from routing.teams import Directory

NAME = "business_hours"


def calendar_of(directory: Directory, sla: SlaSet | None, team: str) -> Calendar:
    """When a team works: its own hours, else those of sla.yaml, else round the clock."""
    own = next((one.hours for one in directory.teams if one.name == team), None)
    return own or (None if sla is None else sla.hours) or ALWAYS


def is_open(
    directory: Directory, sla: SlaSet | None, fallback: str, team: str, at: datetime
) -> bool:
    """Does the team (empty: the fallback's) work at this instant?"""
    return calendar_of(directory, sla, team or fallback).is_open(at)


def timed(
    directory: Directory | None, sla: SlaSet | None, fallback: str
) -> Callable[[Facts, datetime], Mapping[str, object]] | None:
    """What a test's `at:` makes known; None where no teams are."""
    if directory is None:
        return None

    def at(facts: Facts, instant: datetime) -> Mapping[str, object]:
        team = facts.text("thread.team") or ""
        return {NAME: is_open(directory, sla, fallback, team, instant)}

    return at
