"""Clocks in words: how long is left, how late it is, and how long somebody has waited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from inbox.store.views import Clock

METRICS = {
    "first_response": "first answer",
    "next_response": "answer",
    "resolution": "solution",
    "handoff_acceptance": "handoff",
    "untouched": "first look",
}
SHORTLY = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Chip:
    """A clock as a list shows it: never by colour alone."""

    tone: str
    """`late`, `risk`, `soon`, `calm` or `paused`."""
    icon: str
    words: str
    about: str
    """The whole sentence, for the title and for those who cannot see the chip."""


def span(length: timedelta) -> str:
    """A length of time in the two largest units that say something: `3 d 4 h`, `25 min`."""
    minutes = max(int(length.total_seconds() // 60), 0)
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    if days >= 10:
        return f"{days} d"
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours >= 10 or (hours and not minutes):
        return f"{hours} h"
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min" if minutes else "under a minute"


def chip(clock: Clock | None, now: datetime) -> Chip | None:
    """The chip of a clock; None where no clock is there."""
    if clock is None:
        return None
    what = METRICS.get(clock.metric, clock.metric.replace("_", " "))
    if clock.due_at is None:
        return Chip("paused", "pause", "paused", f"The clock for the {what} is paused.")
    left = clock.due_at - now
    if clock.late or left <= timedelta(0):
        said = f"{span(-left)} late"
        return Chip("late", "alert", said, f"The {what} is {said}.")
    said = f"{span(left)} left"
    about = f"The {what} is due; {said}."
    if clock.at_risk:
        return Chip("risk", "hourglass", said, f"At risk: {about}")
    return Chip("soon" if left < SHORTLY else "calm", "clock", said, about)
