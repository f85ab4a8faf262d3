"""The arithmetic of a target for people and programs: which stretches counted, and to what sum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from routing.hours import NoOpenHours
from routing.targets import MET, NO_TIME, OPEN, PAUSED, Stretch, Target

MOST_SPANS = 40
"""Open times of one stretch that are listed; the sum is over all."""


@dataclass(frozen=True, slots=True)
class Rung:
    """A step of a ladder, when it is due, and what became of it."""

    step: str
    at: datetime | None
    done_at: datetime | None
    skipped: str | None


def length(time: timedelta) -> str:
    """`3h 05m`, `0m 20s`, `-1h 00m`."""
    seconds = int(time.total_seconds())
    sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{sign}{hours}h {minutes:02}m"
    return f"{sign}{minutes}m {left:02}s" if left else f"{sign}{minutes}m"


def rungs(target: Target, done: Mapping[str, Mapping[str, Any]]) -> tuple[Rung, ...]:
    """The ladder of a target; `done` holds the steps that happened, by name."""
    found = []
    for step, used in target.terms.steps:
        row = done.get(step.name)
        at: datetime | None = None
        if row is not None:
            at = row["due_at"]
        elif target.state == OPEN:
            at = _reached(target, used)
        done_at = None if row is None else row["fired_at"]
        found.append(Rung(step.name, at, done_at, None if row is None else row["skipped"]))
    return tuple(found)


def _reached(target: Target, used: timedelta) -> datetime | None:
    try:
        return target.reached_at(used)
    except NoOpenHours:
        return None


def due(target: Target) -> datetime | None:
    """The deadline, or None while there is none."""
    try:
        return target.due_at
    except NoOpenHours:
        return None


def stretches(target: Target, now: datetime) -> tuple[Stretch, ...]:
    """Every stretch in which the target ran, the running one up to now."""
    if target.state != OPEN or now <= target.resumed_at:
        return tuple(target.stretches)
    running = Stretch(target.resumed_at, now, target.total(now) - target.used)
    return (*target.stretches, running)


def text(target: Target, ladder: tuple[Rung, ...], now: datetime) -> str:
    """The whole arithmetic, in the calendar's own time zone."""
    return "\n".join(_lines(target, ladder, now))


def _lines(target: Target, ladder: tuple[Rung, ...], now: datetime) -> Iterator[str]:
    terms, zone = target.terms, ZoneInfo(target.terms.calendar.zone)

    def at(instant: datetime) -> str:
        return f"{instant.astimezone(zone):%a %Y-%m-%d %H:%M}"

    used, limit = target.total(now), terms.limit
    yield f"{target.metric.replace('_', ' ')}: {_outcome(target, used, now)}"
    yield f"  policy `{terms.policy}`: {terms.why}"
    hours = "round the clock" if terms.calendar.always_open else f"in the hours of {terms.team}"
    yield f"  {length(limit)} {hours} ({terms.calendar.zone}), set {terms.policy_set[:12]}"
    yield f"  opened   {at(target.opened_at)}   by event {target.cycle}"
    before: datetime | None = None
    for stretch in stretches(target, now):
        end = stretch.end or now
        if before is not None and stretch.start > before:
            yield f"  paused   {at(before)} to {at(stretch.start)}   waiting for the customer"
        yield from _stretch(target, stretch, end, at)
        before = end
    yield f"  used     {length(used)} of {length(limit)}, {_left(limit - used)}"
    deadline = due(target)
    if deadline is not None:
        yield f"  due      {at(deadline)}"
    for rung in ladder:
        yield f"  step     {_rung(rung, at)}"


def _stretch(target: Target, stretch: Stretch, end: datetime, at: Any) -> Iterator[str]:
    spans = target.terms.calendar.spans(stretch.start, end)
    for number, (begin, stop) in enumerate(spans):
        if number == MOST_SPANS:
            yield "           ... and so on"
            break
        yield f"  counted  {at(begin)} to {at(stop)}   {length(stop - begin)}"
    yield f"  together {length(stretch.used)} since {at(stretch.start)}"


def _outcome(target: Target, used: timedelta, now: datetime) -> str:
    deadline = due(target)
    late = target.breached_at is not None or (
        target.state == OPEN and deadline is not None and deadline <= now
    )
    if target.state == OPEN:
        return "late" if late else "running"
    if target.state == PAUSED:
        return "paused, and late already" if late else "paused"
    if target.state == MET:
        return "met, but late" if late else "met"
    return "stopped, late" if late else "stopped"


def _left(rest: timedelta) -> str:
    return f"{length(rest)} left" if rest >= NO_TIME else f"{length(-rest)} over"


def _rung(rung: Rung, at: Any) -> str:
    when = "" if rung.at is None else f"   {at(rung.at)}"
    if rung.skipped:
        return f"{rung.step}{when}   skipped: {rung.skipped}"
    if rung.done_at is not None:
        return f"{rung.step}{when}   done"
    return f"{rung.step}{when}"


def as_json(target: Target, ladder: tuple[Rung, ...], now: datetime) -> dict[str, Any]:
    """The JSON shape of docs/INTERFACES.md."""
    terms = target.terms
    return {
        "metric": target.metric,
        "state": target.state,
        "policy": terms.policy,
        "policy_set": terms.policy_set,
        "why": terms.why,
        "team": terms.team,
        "zone": terms.calendar.zone,
        "limit_seconds": int(terms.limit.total_seconds()),
        "used_seconds": int(target.total(now).total_seconds()),
        "cycle": str(target.cycle),
        "opened_at": _iso(target.opened_at),
        "due_at": _iso(due(target)),
        "breached_at": _iso(target.breached_at),
        "settled_at": _iso(target.settled_at),
        "stretches": [
            {
                "from": _iso(one.start),
                "to": _iso(one.end or now),
                "seconds": int(one.used.total_seconds()),
            }
            for one in stretches(target, now)
        ],
        "ladder": [
            {
                "step": one.step,
                "at": _iso(one.at),
                "done_at": _iso(one.done_at),
                "skipped": one.skipped,
            }
            for one in ladder
        ],
    }


def _iso(instant: datetime | None) -> str | None:
    if instant is None:
        return None
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
