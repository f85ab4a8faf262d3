"""Teams and people, read from `teams.yaml`; values only, no database and no credentials.

    people:
      - {handle: maya, name: Maya Okafor, address: maya@aboard.example, role: lead, cap: 30}
    teams:
      - {name: support, title: Support, duty: maya, members: [maya], strategy: [fewest-open]}

    confidential_fields: {account.tier: [support]}   # who else but leads and admins sees it

A team without a duty holder is refused: somebody answers for every thread at every instant. What
a strategy makes of members and their work is in `routing.ownership`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from routing.hours import Calendar
from routing.hours_reader import read_hours, read_zone
from routing.problems import Problem
from routing.reader import Fields, Reader, did_you_mean
from routing.strict_yaml import load_text

ROLES = ("viewer", "agent", "lead", "admin")

NARROWING = ("skills", "languages")
"""Steps of a strategy that leave only those who fit, if there are any."""
PICKING = ("account-owner", "round-robin", "fewest-open")
"""Steps of a strategy that name a person."""
PERSON_KEYS = ("handle", "name", "address", "role", "cap", "skills", "languages", "zone")
TEAM_KEYS = ("name", "title", "duty", "members", "lead", "strategy", "hours")
LIMITED = ("account.tier", "account.tags", "contact.role")
"""Fields that may be marked confidential: nobody needs them to address a mail or to give a thread
to a team by hand."""
_NEEDED = {
    "account.name": "a customer is known by it in every list, subject and address",
    "account.domain": "it stands in every address",
    "account.stage": "what is promised, planned, listed and counted goes by it",
    "account.owner": "who takes a thread has to know who owns the account",
    "contact.name": "it stands in every mail",
    "contact.address": "it stands in every mail",
}
"""Field -> why it cannot be marked."""
STRATEGY = ("account-owner",)
"""The strategy of a team that names none: who owns the account has it, else nobody yet."""


@dataclass(frozen=True, slots=True)
class Member:
    """A person of ours."""

    handle: str
    name: str
    address: str
    role: str
    cap: int | None = None
    """Most open threads that are given to this person; None for any number."""
    skills: tuple[str, ...] = ()
    """Tags of threads that this person knows about."""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes of the languages that this person answers in."""
    zone: str = ""
    """In which days and times are theirs, such as Europe/Berlin; empty where that is not said."""


@dataclass(frozen=True, slots=True)
class Team:
    """A team, who is in it, and who answers for what nobody has claimed."""

    name: str
    title: str
    duty: str
    members: tuple[str, ...]
    lead: str = ""
    """Who answers when the duty holder is away; empty for a team without one."""
    strategy: tuple[str, ...] = STRATEGY
    """Steps of `NARROWING` and `PICKING`, asked in turn."""
    hours: Calendar | None = None
    """When the team works; None where it says nothing, and the hours of `sla.yaml` count."""


@dataclass(frozen=True, slots=True)
class Directory:
    """Everybody and every team."""

    people: tuple[Member, ...]
    teams: tuple[Team, ...]
    confidential_fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Field of `LIMITED` -> the teams that see it beside leads and admins."""

    def withheld_from(self, person: Member) -> tuple[str, ...]:
        """The confidential fields that this person does not see."""
        if person.role in ("lead", "admin"):
            return ()
        theirs = {team.name for team in self.teams if person.handle in team.members}
        listed = self.confidential_fields.items()
        return tuple(sorted(name for name, seeing in listed if theirs.isdisjoint(seeing)))

    @property
    def team_names(self) -> tuple[str, ...]:
        """The teams in file order."""
        return tuple(team.name for team in self.teams)

    @property
    def handles(self) -> tuple[str, ...]:
        """The people in file order."""
        return tuple(person.handle for person in self.people)

    def zone_of(self, person: Member) -> str:
        """The zone of a person: their own, else that of their first team with hours of its own."""
        theirs = (
            team.hours.zone
            for team in self.teams
            if person.handle in team.members and team.hours is not None
        )
        return person.zone or next(theirs, "")


def load_directory(
    text: str | bytes, file: str, calendars: Mapping[str, bytes] | None = None
) -> tuple[Directory | None, tuple[Problem, ...]]:
    """Read `teams.yaml`; the directory, or None with every problem found.

    `calendars` holds the iCal files that hours may name.
    """
    root, found = load_text(text, file)
    reader = Reader(found)
    top = reader.fields(root, ("people", "teams", "confidential_fields"), "the teams file")
    if root is not None:
        top.require("people")
        top.require("teams")
    people = _people(reader, top)
    roles = {person.handle: person.role for person in people}
    teams = tuple(
        team
        for fields in top.mappings("teams", TEAM_KEYS, "a team")
        if (team := _team(reader, fields, roles, calendars)) is not None
    )
    _refuse_doubles(reader, top, "teams", "name")
    limits = _limits(reader, top, tuple(team.name for team in teams))
    if reader.errors or root is None:
        return None, reader.problems
    return Directory(people, teams, limits), reader.problems


def _limits(reader: Reader, top: Fields, teams: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    given = top.mapping("confidential_fields", None)
    for name in given:
        if name in LIMITED:
            continue
        node = given.key(name)
        assert node is not None
        why = _NEEDED.get(name, "")
        message = f"`{name}` cannot be marked confidential{f': {why}' if why else ''}"
        hint = f"these can: {', '.join(LIMITED)}"
        reader.report(node, "unknown-field", message, hint)
    return {name: given.texts(name, choices=teams) for name in LIMITED if name in given}


def _people(reader: Reader, top: Fields) -> tuple[Member, ...]:
    people = []
    for fields in top.mappings("people", PERSON_KEYS, "a person"):
        address = fields.text("address", required=True).lower()
        if address and (address.count("@") != 1 or address.startswith("@") or " " in address):
            fields.wrong("address", "a mail address such as maya@company.example")
        people.append(
            Member(
                handle=fields.text("handle", required=True),
                name=fields.text("name", required=True),
                address=address,
                role=fields.text("role", "agent", choices=ROLES),
                cap=fields.integer("cap", at_least=0) if "cap" in fields else None,
                skills=fields.texts("skills"),
                languages=_languages(fields),
                zone=read_zone(fields, required=False),
            )
        )
    _refuse_doubles(reader, top, "people", "handle")
    _refuse_doubles(reader, top, "people", "address")
    return tuple(people)


def _languages(fields: Fields) -> tuple[str, ...]:
    found = fields.texts("languages")
    if any(len(one) != 2 or not one.isascii() or not one.islower() for one in found):
        fields.wrong("languages", "a list of ISO 639-1 codes such as `de`")
    return found


def _team(
    reader: Reader,
    fields: Fields,
    roles: Mapping[str, str],
    calendars: Mapping[str, bytes] | None,
) -> Team | None:
    if fields.node is None:
        return None
    handles = tuple(roles)
    name = fields.text("name", required=True)
    duty = fields.text("duty", required=True)
    members = fields.texts("members", required=True)
    if not members and "members" in fields:
        fields.wrong("members", "a list with at least one person")
    _known_people(reader, fields, "duty", handles)
    _known_people(reader, fields, "members", handles)
    _known_people(reader, fields, "lead", handles)
    _no_viewers(reader, fields, roles)
    everybody = members if duty in members else (*members, duty)
    leads = [handle for handle in everybody if roles.get(handle) == "lead"]
    return Team(
        name=name,
        title=fields.text("title", name.capitalize()),
        duty=duty,
        members=everybody,
        lead=fields.text("lead", leads[0] if leads else ""),
        strategy=_strategy(reader, fields),
        hours=read_hours(fields, "hours", calendars),
    )


def _strategy(reader: Reader, fields: Fields) -> tuple[str, ...]:
    steps = fields.texts("strategy", choices=(*PICKING, *NARROWING))
    node = fields.get("strategy")
    if node is None:
        return STRATEGY
    if len(set(steps)) < len(steps):
        reader.report(node, "duplicate", "`strategy` names a step twice", "each is asked once")
    whole = len(steps) == (len(node.items) if node.kind == "list" else 1)
    if whole and steps and steps[-1] in NARROWING:
        message = f"`strategy` ends with `{steps[-1]}`, which names nobody"
        reader.report(node, "no-effect", message, "end with `round-robin` or `fewest-open`")
    return steps


def _known_people(reader: Reader, fields: Fields, key: str, handles: tuple[str, ...]) -> None:
    node = fields.get(key)
    if node is None:
        return
    for item in node.items if node.kind == "list" else [node]:
        if item.kind == "scalar" and item.value not in handles:
            message = f"`{key}` names {item.describe()}, who is not among the people"
            reader.report(item, "unknown-person", message, did_you_mean(str(item.value), handles))


def _no_viewers(reader: Reader, fields: Fields, roles: Mapping[str, str]) -> None:
    """Who only reads answers for nothing."""
    for key in ("duty", "members", "lead"):
        node = fields.get(key)
        for item in [] if node is None else node.items if node.kind == "list" else [node]:
            if item.kind == "scalar" and roles.get(str(item.value)) == "viewer":
                message = f"`{key}` names {item.describe()}, who is a viewer and only reads"
                reader.report(item, "viewer", message, "give them the role `agent`")


def _refuse_doubles(reader: Reader, top: Fields, listed: str, key: str) -> None:
    seen: dict[str, int] = {}
    for item in top.items(listed):
        node = item.get(key) if item.kind == "map" else None
        if node is None or node.kind != "scalar":
            continue
        value = str(node.value).lower()
        if value in seen:
            message = f"{key} {node.describe()} stands at line {seen[value]} already"
            reader.report(node, "duplicate", message, "every one needs its own")
        seen.setdefault(value, node.at[0])
