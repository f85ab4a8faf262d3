"""What admins own, read, checked and activated: teams, policies, stages, rules.

Files on disk are a proposal. `activate` puts a good set in force by its content hash; a bad one
is refused with its problems written down, and what was in force stays (DESIGN I8). Filing uses
what the database says is in force, never the disk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from inbox.config import Settings
from inbox.errors import ConfigError
from inbox.store import people, sets
from inbox.store.database import Conn, Database
from routing.catalogue import load_names
from routing.load import load_ruleset
from routing.names import Names
from routing.problems import Problem, errors
from routing.ruleset import Ruleset
from routing.teams import Directory, load_directory

KINDS = ("teams", "sla", "stages", "rules")
"""In the order in which they are read: rules are checked against the others' names."""

Texts = Mapping[str, str]
Loaded = TypeVar("Loaded")


@dataclass(frozen=True, slots=True)
class AdminFiles:
    """One whole, good set of everything that admins own."""

    directory: Directory
    policies: tuple[str, ...]
    stages: tuple[str, ...]
    templates: tuple[str, ...]
    ruleset: Ruleset
    hashes: Mapping[str, str] = field(default_factory=dict)

    def names(self) -> Names:
        """The lists that rules are checked against."""
        return names_of(self.directory, self.policies, self.stages, self.templates)


def names_of(
    directory: Directory,
    policies: tuple[str, ...],
    stages: tuple[str, ...],
    templates: tuple[str, ...],
) -> Names:
    """The lists that rules are checked against."""
    return Names(
        teams=directory.team_names,
        policies=policies,
        stages=stages,
        templates=templates,
        people=directory.handles,
    )


@dataclass(frozen=True, slots=True)
class OnDisk:
    """What lies in the admin's files now: the texts by kind, and the names of mail templates."""

    texts: Mapping[str, Texts]
    templates: tuple[str, ...]
    problems: tuple[Problem, ...] = ()


def read_disk(settings: Settings) -> OnDisk:
    """Read every admin file; what cannot be read is a problem, not an exception."""
    problems: list[Problem] = []
    texts: dict[str, Texts] = {}
    for kind in ("teams", "sla", "stages"):
        path = settings.path(getattr(settings.files, kind))
        texts[kind] = _read([path], problems)
    folder = settings.path(settings.files.rules)
    found = sorted(folder.glob("*.yaml"))
    if not found:
        hint = "rules are *.yaml files in this folder; `aboard init` writes some to start from"
        problems.append(Problem(str(folder), 0, 0, "no-rules", "there is no rule file", hint))
    texts["rules"] = _read(found, problems)
    mail = settings.path(settings.files.templates) / "mail"
    templates = tuple(sorted(one.name for one in mail.glob("*") if one.is_dir()))
    return OnDisk(texts, templates, tuple(problems))


def _read(paths: Sequence[Path], problems: list[Problem]) -> Texts:
    texts: dict[str, str] = {}
    for path in paths:
        try:
            texts[str(path)] = path.read_bytes().decode("utf-8", "surrogateescape")
        except OSError as error:
            message = error.strerror or str(error)
            problems.append(Problem(str(path), 0, 0, "unreadable", message))
    return texts


def check(disk: OnDisk) -> tuple[AdminFiles | None, tuple[Problem, ...]]:
    """Load what was read; a whole good set, or None with every problem of every file."""
    problems = list(disk.problems)
    directory = _load(load_directory, disk.texts["teams"], problems)
    policies = _load(_names("policies"), disk.texts["sla"], problems)
    stages = _load(_names("stages"), disk.texts["stages"], problems)
    ruleset = None
    if directory is not None:
        # A broken list of names is reported once, in its own file, not again at every rule.
        names = names_of(directory, policies or (), stages or (), disk.templates)
        files = [(name, _bytes(text)) for name, text in disk.texts["rules"].items()]
        ruleset, found = load_ruleset(files, names)
        problems += [
            one
            for one in found
            if not (policies is None and one.code == "unknown-policy")
            and not (stages is None and one.code == "unknown-stage")
        ]
    good = not errors(problems)
    if not good or directory is None or policies is None or stages is None or ruleset is None:
        return None, tuple(sorted(problems))
    hashes = {kind: _hash(disk.texts[kind]) for kind in KINDS[:-1]} | {"rules": ruleset.hash}
    whole = AdminFiles(directory, policies, stages, disk.templates, ruleset, hashes)
    return whole, tuple(sorted(problems))


def _names(
    listed: str,
) -> Callable[[bytes, str], tuple[tuple[str, ...] | None, tuple[Problem, ...]]]:
    return lambda text, file: load_names(text, file, listed)


def _load(
    loader: Callable[[bytes, str], tuple[Loaded | None, tuple[Problem, ...]]],
    texts: Texts,
    problems: list[Problem],
) -> Loaded | None:
    for file, text in texts.items():
        loaded, found = loader(_bytes(text), file)
        problems.extend(found)
        return loaded
    return None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _hash(texts: Texts) -> str:
    digest = hashlib.sha256()
    for text in texts.values():
        digest.update(_bytes(text))
    return digest.hexdigest()


def activate(
    db: Database, settings: Settings, now: datetime
) -> tuple[AdminFiles, tuple[Problem, ...]]:
    """Put the files on disk in force, or keep what was; the set in force and all problems.

    Raises `ConfigError` when the files are bad and nothing was ever in force.
    """
    disk = read_disk(settings)
    fresh, problems = check(disk)
    with db.write() as conn:
        if fresh is not None:
            for kind in KINDS:
                texts = {name: _storable(text) for name, text in disk.texts[kind].items()}
                sets.activate(conn, kind, fresh.hashes[kind], texts, now)
            _write_templates(conn, disk.templates, now)
            people.sync(conn, fresh.directory)
            return fresh, problems
        for kind in KINDS:
            sets.refuse(conn, kind, [problem.as_json() for problem in errors(problems)])
        kept = in_force(conn)
    if kept is None:
        raise ConfigError(problems)
    return kept, problems


def _storable(text: str) -> str:
    return _bytes(text).decode("utf-8", "replace")


def _write_templates(conn: Conn, templates: tuple[str, ...], now: datetime) -> None:
    listed = "\n".join(templates)
    digest = hashlib.sha256(listed.encode()).hexdigest()
    sets.activate(conn, "templates", digest, {"names": listed}, now)


def in_force(conn: Conn) -> AdminFiles | None:
    """The set that the database says is in force; None before the first activation."""
    texts: dict[str, Texts] = {}
    for kind in KINDS:
        active = sets.active(conn, kind)
        if active is None:
            return None
        texts[kind] = active.files
    templates = sets.active(conn, "templates")
    listed = templates.files["names"].split("\n") if templates else []
    whole, problems = check(OnDisk(texts, tuple(name for name in listed if name)))
    if whole is None:
        raise ConfigError(problems)
    return whole
