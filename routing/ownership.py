"""Who answers for a thread: a team's strategy over its members, and a chain that never ends empty.

Values in, a choice out. What members have to do and who is away is given by the caller.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from routing.teams import Directory, Team

ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Workload:
    """What a member has: open threads that they own, and when they were last given one."""

    open_threads: int = 0
    given_at: datetime | None = None


NOTHING = Workload()


@dataclass(frozen=True, slots=True)
class Need:
    """What is known of the thread that needs somebody."""

    account_owner: str = ""
    """Handle of who owns the customer's account for this team; empty for nobody."""
    tags: tuple[str, ...] = ()
    language: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """Who answers, and why."""

    handle: str
    owned: bool
    """Is the thread theirs? Else it waits for somebody of the team, and they answer for it."""
    why: tuple[str, ...]
    """One sentence a step, for the timeline and for `explain`."""


def choose(
    directory: Directory,
    team: Team,
    wanted: Need,
    loads: Mapping[str, Workload],
    away: Collection[str],
) -> Choice:
    """Ask the team's strategy, step by step; where it names nobody, who is on duty answers.

    `loads` and `away` are by handle; who is not in `loads` has nothing to do.
    """
    free, why = _free(directory, team, loads, away)
    for step in team.strategy:
        if step == "account-owner":
            if wanted.account_owner in free:
                return Choice(wanted.account_owner, True, (*why, "owns the account"))
            why = (*why, _not_the_owner(wanted.account_owner, team))
        elif step == "skills":
            free, said = _narrowed(free, _skilled(directory, wanted), "knows about the tags")
            why = (*why, said)
        elif step == "languages":
            free, said = _narrowed(free, _speaking(directory, wanted), "answers in the language")
            why = (*why, said)
        elif free:
            return _picked(step, free, loads, why)
    on_duty = answerable(directory, team, away)
    return Choice(on_duty.handle, False, (*why, *on_duty.why))


def answerable(directory: Directory, team: Team, away: Collection[str]) -> Choice:
    """Who answers for what nobody of the team owns: duty holder, lead, admin. Never nobody."""
    roles = {person.handle: person.role for person in directory.people}
    admins = [handle for handle in directory.handles if roles[handle] == ADMIN]
    leads = [one for one in team.members if roles.get(one) == "lead"]
    chain = [(team.duty, "is on duty"), (team.lead, "leads the team")]
    chain += [(one, "leads in the team") for one in leads] + [
        (one, "is an admin") for one in admins
    ]
    why: list[str] = []
    for handle, what in chain:
        if handle in roles and handle not in away:
            return Choice(handle, False, (*why, f"{handle} {what}"))
        if handle and len(why) < 2:
            why.append(f"{handle} {what} and is away")
    everybody = "everybody who could answer is away, so it stays with who is on duty"
    return Choice(team.duty, False, (*why, everybody))


def _free(
    directory: Directory, team: Team, loads: Mapping[str, Workload], away: Collection[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Members who are there and below their cap; why the others are passed over."""
    caps = {person.handle: person.cap for person in directory.people}
    free, why = [], []
    for handle in team.members:
        cap = caps.get(handle)
        if handle in away:
            why.append(f"{handle} is away")
        elif cap is not None and loads.get(handle, NOTHING).open_threads >= cap:
            why.append(f"{handle} has {cap} open threads already")
        else:
            free.append(handle)
    return tuple(free), tuple(why)


def _not_the_owner(owner: str, team: Team) -> str:
    if not owner:
        return f"nobody owns the account for {team.name}"
    return f"{owner} owns the account and cannot take it now"


def _skilled(directory: Directory, wanted: Need) -> set[str]:
    tags = set(wanted.tags)
    return {person.handle for person in directory.people if tags & set(person.skills)}


def _speaking(directory: Directory, wanted: Need) -> set[str]:
    return {person.handle for person in directory.people if wanted.language in person.languages}


def _narrowed(free: tuple[str, ...], fitting: set[str], what: str) -> tuple[tuple[str, ...], str]:
    left = tuple(handle for handle in free if handle in fitting)
    if not left:
        return free, f"nobody who is free {what}"
    return left, f"{what}: {', '.join(left)}"


def _picked(
    step: str, free: tuple[str, ...], loads: Mapping[str, Workload], why: tuple[str, ...]
) -> Choice:
    """One of `free`. Equals are taken in turn, and in the order of the file at first."""

    def last_given(handle: str) -> tuple[bool, float]:
        at = loads.get(handle, NOTHING).given_at
        return (at is not None, at.timestamp() if at is not None else 0.0)

    if step == "round-robin":
        handle = min(free, key=last_given)
        return Choice(handle, True, (*why, "is next in turn"))
    counts = {one: loads.get(one, NOTHING).open_threads for one in free}
    handle = min(free, key=lambda one: (counts[one], last_given(one)))
    return Choice(handle, True, (*why, f"has the fewest open threads ({counts[handle]})"))
