"""What the database says is in force, made into values; and what stands in where it cannot be.

A newer program may refuse what an older one put in force. Mail flows all the same (DESIGN I8):
the newest stored rules that load stand in, else rules that only name a fallback team; teams are
known from their tables. What stands in bears the problem.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from threading import Lock

from inbox.errors import ConfigError
from inbox.flow.admin.admin_files import MACROS, OPTIONAL, OnDisk, as_bytes
from inbox.flow.admin.admin_set import (
    KINDS,
    AdminFiles,
    load_live,
    load_shadow,
    read_followups,
    read_macros,
)
from inbox.flow.admin.proof import Lists, load_rules, read_lists
from inbox.flow.texts.render import stored_templates
from inbox.store import people, sets
from inbox.store.database import Conn
from inbox.store.sets import ActiveSet
from routing.macros import Macros
from routing.problems import Problem, errors
from routing.ruleset import Ruleset
from routing.sequences import Followups
from routing.strict_yaml import load_text

Key = tuple[object, ...]

KEPT = 4
"""Sets that a process keeps read: those in force, and the last ones while they change."""
TOLD = 20
"""Problems of one kind that are told."""
KEPT_TEXTS = (*KINDS, "shadow", "templates", OPTIONAL, MACROS)
SHIPPED_FALLBACK = "support"
"""The fallback team of the rules that come with the program."""


class _Read:
    """The sets read last, by what they are made of; reading a large one takes seconds."""

    def __init__(self) -> None:
        self._found: OrderedDict[Key, AdminFiles] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Key) -> AdminFiles | None:
        with self._lock:
            found = self._found.get(key)
            if found is not None:
                self._found.move_to_end(key)
            return found

    def put(self, key: Key, made: AdminFiles) -> None:
        with self._lock:
            self._found[key] = made
            while len(self._found) > KEPT:
                self._found.popitem(last=False)


_READ = _Read()


def in_force(conn: Conn) -> AdminFiles | None:
    """The set that the database says is in force, or what stands in for it, with `problems`.

    None before the first activation. Raises `ConfigError` where not even teams are known.
    """
    there = {one.kind: one for one in sets.everything_active(conn)}
    if any(kind not in there for kind in KINDS):
        return None
    since = there["shadow"].activated_at if "shadow" in there else None
    key: Key = (since, *((one.kind, one.hash, tuple(one.files)) for one in there.values()))
    found = _READ.get(key)
    if found is None:
        disk = _as_on_disk(there)
        found, problems = load_live(disk, proven=False)
        if found is None:
            key = (*key, sets.known_hashes(conn))
            found = _READ.get(key) or _standing_in(conn, there, disk, problems)
        found = replace(found, shadow=load_shadow(disk, proven=False)[0], shadow_since=since)
        _READ.put(key, found)
    return found


def _as_on_disk(there: Mapping[str, ActiveSet]) -> OnDisk:
    listed = there["templates"].files["names"].split("\n") if "templates" in there else []
    texts = {kind: one.files for kind, one in there.items() if kind in KEPT_TEXTS}
    return OnDisk(texts, tuple(name for name in listed if name))


def _standing_in(
    conn: Conn, there: Mapping[str, ActiveSet], disk: OnDisk, problems: tuple[Problem, ...]
) -> AdminFiles:
    lists = read_lists(disk)[0]
    directory = lists.directory or people.directory(conn)
    if not directory.teams:
        raise ConfigError(problems)
    lists = Lists(
        directory, lists.policies, lists.stages, lists.sla
    )  # what is not known is not checked
    ruleset, standing = _rules(conn, there["rules"], disk, lists)
    told = [_unusable(kind, there[kind], problems, standing) for kind in KINDS]
    mail = stored_templates(disk.texts.get("templates", {}))
    return AdminFiles(
        directory=directory,
        policies=lists.policies or (),
        stages=lists.stages or (),
        templates=disk.templates or (),
        ruleset=ruleset,
        sla=lists.sla,
        mail=mail,
        followups=read_followups(disk, lists, mail)[0] or Followups(),
        macros=read_macros(disk, lists, proven=False)[0] or Macros(),
        problems=tuple(one for found in told for one in found),
    )


def _unusable(
    kind: str, active: ActiveSet, problems: tuple[Problem, ...], standing: str
) -> tuple[Problem, ...]:
    """What is wrong with the stored set of one kind, the sentence for people first."""
    own = [one for one in errors(problems) if one.file in active.files]
    if not own and kind != "rules":
        return ()
    stands = standing if kind == "rules" else "what the database knows of them stands in"
    if not own and not standing:
        return ()
    message = f"this program cannot use the {kind} in force (set {active.hash[:12]}): {stands}"
    hint = "mend the files (`aboard check`); they are put in force when they are good"
    return (Problem("database", 0, 0, "stored-set", message, hint), *own[:TOLD])


def _rules(conn: Conn, active: ActiveSet, disk: OnDisk, lists: Lists) -> tuple[Ruleset, str]:
    """The newest stored rules that load, and in words what they are; no words for the active."""
    names = lists.names(disk)
    team = _fallback_team(active, names.teams or ())
    alone = fallback_alone(team)
    for set_hash, files in _candidates(conn, active):
        ruleset, _ = load_rules(files, names, linted=False)
        if ruleset is not None and files != alone:
            standing = f"the rules of set {set_hash[:12]}, in force before, stand in"
            return ruleset, "" if set_hash == active.hash else standing
    ruleset, problems = load_rules(alone, names, linted=False)
    if ruleset is None:
        raise ConfigError(problems)
    return ruleset, f"without rules, the classifier decides, and below it team {team}"


def _candidates(conn: Conn, active: ActiveSet) -> Iterator[tuple[str, Mapping[str, str]]]:
    yield active.hash, active.files
    yield from sets.earlier(conn, "rules", active.hash)


def fallback_alone(team: str) -> dict[str, str]:
    """The texts of rules that only say where mail goes that nobody knows better about."""
    return {"fallback.yaml": f"rules: []\nfallback: {{team: {team}}}\n"}


def _fallback_team(active: ActiveSet, teams: tuple[str, ...]) -> str:
    """The team that the rules name for it, as far as they can be read; else the shipped one."""
    for file, text in active.files.items():
        root, _ = load_text(as_bytes(text), file)
        for key, value in root.entries if root is not None else ():
            if key.value == "fallback":
                named = next((one.value for name, one in value.entries if name.value == "team"), "")
                if named in teams:
                    return str(named)
    return SHIPPED_FALLBACK if SHIPPED_FALLBACK in teams else teams[0]
