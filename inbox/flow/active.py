"""What admins own, read, checked and activated: teams, policies, stages, rules.

Files on disk are a proposal. `activate` puts a good set in force by its content hash; a bad one
is refused with its problems written down, and what was in force stays (DESIGN I8). Filing uses
what the database says is in force, never the disk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from inbox.config import Settings
from inbox.errors import ConfigError
from inbox.flow.admin_files import OnDisk, Texts, as_bytes, read_disk
from inbox.flow.proof import Lists, load_rules, read_lists, red_tests
from inbox.store import people, sets
from inbox.store.database import Conn, Database
from routing.names import Names
from routing.problems import Problem, errors
from routing.ruleset import Ruleset, content_hash, in_name_order
from routing.teams import Directory

__all__ = ["KINDS", "AdminFiles", "activate", "check", "in_force", "read_disk"]

KINDS = ("teams", "sla", "stages", "rules")
"""In the order in which they are read: rules are checked against the others' names."""


@dataclass(frozen=True, slots=True)
class AdminFiles:
    """One whole, good set of everything that admins own."""

    directory: Directory
    policies: tuple[str, ...]
    stages: tuple[str, ...]
    templates: tuple[str, ...]
    ruleset: Ruleset
    shadow: Ruleset | None = None
    """Rules that run beside the live ones to be compared; they put nothing into force."""
    shadow_since: datetime | None = None
    """When those were put beside."""

    def names(self) -> Names:
        """The lists that rules are checked against."""
        return Names(
            teams=self.directory.team_names,
            policies=self.policies,
            stages=self.stages,
            templates=self.templates,
            people=self.directory.handles,
        )


def check(disk: OnDisk) -> tuple[AdminFiles | None, tuple[Problem, ...]]:
    """Load what was read, lint it and run its tests; a whole good set, or None with every problem
    of every file. Problems of shadow rules are told, and never refuse the live set."""
    files, problems = _live(disk, proven=True)
    shadow, beside = _shadow(disk, proven=True)
    if files is not None:
        files = replace(files, shadow=shadow)
    return files, tuple(sorted((*problems, *beside)))


def _live(disk: OnDisk, *, proven: bool) -> tuple[AdminFiles | None, tuple[Problem, ...]]:
    lists, listed = read_lists(disk)
    ruleset, found = _rules(disk, lists, "rules", proven=proven)
    problems = (*disk.problems, *listed, *found)
    if errors(problems) or ruleset is None:
        return None, problems
    if lists.directory is None or lists.policies is None or lists.stages is None:
        return None, problems
    templates = disk.templates or ()
    whole = AdminFiles(lists.directory, lists.policies, lists.stages, templates, ruleset)
    return whole, problems


def _shadow(disk: OnDisk, *, proven: bool) -> tuple[Ruleset | None, tuple[Problem, ...]]:
    if "shadow" not in disk.texts:
        return None, ()
    lists, _ = read_lists(disk)  # what is wrong with them is told with the live set
    ruleset, found = _rules(disk, lists, "shadow", proven=proven)
    problems = (*disk.shadow_problems, *found)
    return (None if errors(problems) else ruleset), problems


def _rules(
    disk: OnDisk, lists: Lists, kind: str, *, proven: bool
) -> tuple[Ruleset | None, tuple[Problem, ...]]:
    texts = disk.texts[kind]
    ruleset, found = load_rules(texts, lists.names(disk, kind), linted=proven)
    if ruleset is not None and proven:
        found = (*found, *red_tests(ruleset, disk.mailboxes, texts))
    return ruleset, found


def activate(
    db: Database, settings: Settings, now: datetime
) -> tuple[AdminFiles, tuple[Problem, ...]]:
    """Put the files on disk in force, or keep what was; the set in force and all problems.

    Raises `ConfigError` when the files are bad and nothing was ever in force.
    """
    disk = read_disk(settings)
    hashes = _hashes(disk)
    with db.read() as conn:
        kept = in_force(conn) if _is_active(conn, hashes) else None
    if kept is not None:
        return kept, ()  # proven when it was put in force: no second time at every start
    fresh, problems = check(disk)
    with db.write() as conn:
        if fresh is not None:
            _put_in_force(conn, disk, fresh, hashes, now)
        else:
            _note_refusal(conn, KINDS, problems)
            kept = in_force(conn)
        if fresh is None or fresh.shadow is None:
            _note_refusal(conn, ("shadow",), problems)
    found = fresh or kept
    if found is None:
        raise ConfigError(problems)
    return found, problems


def _hashes(disk: OnDisk) -> dict[str, str]:
    """kind -> hash of what lies on disk; the names of templates count as a kind."""
    found = {kind: _hash(disk.texts[kind]) for kind in ("teams", "sla", "stages")}
    for kind in ("rules", "shadow"):
        if kind in disk.texts:
            listed = [(name, as_bytes(text)) for name, text in disk.texts[kind].items()]
            found[kind] = content_hash(in_name_order(listed))
    found["templates"] = hashlib.sha256(_listed(disk).encode()).hexdigest()
    return found


def _hash(texts: Texts) -> str:
    digest = hashlib.sha256()
    for text in texts.values():
        digest.update(as_bytes(text))
    return digest.hexdigest()


def _listed(disk: OnDisk) -> str:
    return "\n".join(disk.templates or ())


def _is_active(conn: Conn, hashes: Mapping[str, str]) -> bool:
    """Is all of this in force, and was nothing refused since?"""
    there = {one.kind: one for one in sets.everything_active(conn)}
    same = {kind: one.hash for kind, one in there.items()} == hashes
    return same and not any(one.problems for one in there.values())


def _put_in_force(
    conn: Conn, disk: OnDisk, fresh: AdminFiles, hashes: Mapping[str, str], now: datetime
) -> None:
    """All kinds in one transaction: no node ever sees rules of one set and teams of another."""
    for kind in KINDS:
        sets.activate(conn, kind, hashes[kind], _storable(disk.texts[kind]), now)
    sets.activate(conn, "templates", hashes["templates"], {"names": _listed(disk)}, now)
    people.sync(conn, fresh.directory)
    if fresh.shadow is not None:
        sets.activate(conn, "shadow", hashes["shadow"], _storable(disk.texts["shadow"]), now)
    elif "shadow" not in disk.texts:
        sets.withdraw(conn, "shadow")


def _note_refusal(conn: Conn, kinds: Sequence[str], problems: Sequence[Problem]) -> None:
    for kind in kinds:
        sets.refuse(conn, kind, [problem.as_json() for problem in errors(problems)])


def _storable(texts: Texts) -> dict[str, str]:
    """Without lone surrogates, which no database takes; a good set has none."""
    return {name: as_bytes(text).decode("utf-8", "replace") for name, text in texts.items()}


def in_force(conn: Conn) -> AdminFiles | None:
    """The set that the database says is in force; None before the first activation.

    Raises `ConfigError` where this program cannot use what an earlier one put in force.
    """
    there = {one.kind: one for one in sets.everything_active(conn)}
    if any(kind not in there for kind in KINDS):
        return None
    listed = there["templates"].files["names"].split("\n") if "templates" in there else []
    texts = {kind: one.files for kind, one in there.items() if kind != "templates"}
    disk = OnDisk(texts, tuple(name for name in listed if name))
    whole, problems = _live(disk, proven=False)
    if whole is None:
        raise ConfigError(problems)
    since = there["shadow"].activated_at if "shadow" in there else None
    return replace(whole, shadow=_shadow(disk, proven=False)[0], shadow_since=since)
