"""What admins own, read, checked and activated: teams, policies, stages, rules.

Files on disk are a proposal. `activate` puts a good set in force by its content hash; a bad one
is refused with its problems written down, and what was in force stays (DESIGN I8). Filing uses
what the database says is in force, never the disk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from inbox.config import Settings
from inbox.errors import ConfigError
from inbox.flow.admin.admin_files import MACROS, OPTIONAL, OnDisk, Texts, as_bytes, read_disk
from inbox.flow.admin.admin_set import KINDS, AdminFiles, load_live, load_shadow
from inbox.flow.admin.proof import depends_on, mails_named
from inbox.flow.admin.stored_sets import fallback_alone, in_force
from inbox.flow.promises.rehoming import hold_left_behind, house_of, rehome
from inbox.store import people, sets
from inbox.store.database import Conn, Database
from routing.problems import Problem, errors, few
from routing.ruleset import content_hash, in_name_order

__all__ = ["KINDS", "AdminFiles", "activate", "check", "in_force", "read_disk"]


def check(disk: OnDisk) -> tuple[AdminFiles | None, tuple[Problem, ...]]:
    """Load what was read, lint it and run its tests; a whole good set, or None with every problem
    of every file. Problems of shadow rules are told, and never refuse the live set."""
    files, problems = load_live(disk, proven=True)
    shadow, beside = load_shadow(disk, proven=True)
    if files is not None:
        files = replace(files, shadow=shadow)
    return files, tuple(sorted((*problems, *beside)))


def activate(
    db: Database, settings: Settings, now: datetime
) -> tuple[AdminFiles, tuple[Problem, ...]]:
    """Put the files on disk in force, or keep what was; the set in force and all problems.

    Raises `ConfigError` when the files are bad and nothing was ever in force.
    """
    disk = read_disk(settings)
    hashes = _hashes(disk)
    with db.read() as conn:
        kept = _unchanged(conn, disk, hashes)
    if kept is not None:
        return kept, ()  # proven when it was put in force: no second time at every start
    fresh, problems = check(disk)
    with db.write() as conn:
        beside = tuple(one for one in problems if _is_of_shadow(disk, one))
        if fresh is not None:
            _put_in_force(conn, disk, fresh, hashes, now)
        else:
            kept = in_force(conn)
            problems = (*problems, *_stand_in(conn, kept, now))
            _note_refusal(conn, KINDS, [one for one in problems if one not in beside], now)
        if fresh is None or fresh.shadow is None:
            _note_refusal(conn, ("shadow",), beside, now)
    found = fresh or kept
    if found is None:
        raise ConfigError(problems)
    return found, problems


def _is_of_shadow(disk: OnDisk, problem: Problem) -> bool:
    return problem in disk.shadow_problems or problem.file in disk.texts.get("shadow", ())


def _unchanged(conn: Conn, disk: OnDisk, hashes: Mapping[str, str]) -> AdminFiles | None:
    """What is in force, where it is just what lies on disk, usable, proven, and all of it good."""
    there = {one.kind: one for one in sets.everything_active(conn)}
    if any(one.problems for one in there.values()):
        return None
    if {kind: one.hash for kind, one in there.items() if kind != "proof"} != hashes:
        return None
    kept = in_force(conn)
    if kept is None or kept.problems or "proof" not in there:
        return None
    if "shadow" in there and kept.shadow is None:
        return None  # this program cannot use it: reading the files again tells why
    return kept if there["proof"].hash == _proof(disk, kept) else None


def _proof(disk: OnDisk, files: AdminFiles) -> str:
    """The hash of what else the tests read: another mail beside the rules is another proof."""
    both = {"rules": files.ruleset, "shadow": files.shadow}
    return depends_on(disk, {kind: one for kind, one in both.items() if one is not None})


def _stand_in(conn: Conn, kept: AdminFiles | None, now: datetime) -> tuple[Problem, ...]:
    """The problems of a set that stands in for an unusable one; its rules can be explained."""
    if kept is None or not kept.problems:
        return ()
    if sets.by_hash(conn, "rules", kept.ruleset.hash) is None:
        texts = fallback_alone(kept.ruleset.fallback.team)
        sets.keep(conn, "rules", kept.ruleset.hash, texts, now)
    return kept.problems


def compared(conn: Conn, disk: OnDisk) -> tuple[str, tuple[Problem, ...]]:
    """What is in force, in words, beside what lies on disk; and what nodes refused of it, or
    cannot use. For `check`, which reports the files themselves on its own."""
    kept = in_force(conn)
    if kept is None:
        return "nothing yet: `aboard serve` puts the files in force when they are good", ()
    there = {one.kind: one.hash for one in sets.everything_active(conn)}
    same = all(there.get(kind) == found for kind, found in _hashes(disk).items())
    what = f"ruleset {kept.ruleset.hash[:12]}, {len(kept.ruleset.rules)} rules"
    how = "the files as they are" if same else "other files than these; `aboard rules activate`"
    told = [replace(one, severity="warning") for one in sets.refused(conn)]
    return f"{what}, {how}", tuple(dict.fromkeys((*kept.problems, *told)))


def _hashes(disk: OnDisk) -> dict[str, str]:
    """kind -> hash of what lies on disk; the templates count as a kind."""
    found = {kind: _hash(disk.texts[kind]) for kind in ("teams", "sla", "stages")}
    for kind in ("rules", "shadow"):
        if kind in disk.texts:
            listed = [(name, as_bytes(text)) for name, text in disk.texts[kind].items()]
            found[kind] = content_hash(in_name_order(listed))
    for kind in (OPTIONAL, MACROS):
        if kind in disk.texts:
            found[kind] = _hash(disk.texts[kind])
    digest = hashlib.sha256(_listed(disk).encode())
    for name, text in sorted(disk.texts.get("templates", {}).items()):
        digest.update(f"\0{name}\0".encode() + hashlib.sha256(as_bytes(text)).digest())
    found["templates"] = digest.hexdigest()
    return found


def _hash(texts: Texts) -> str:
    digest = hashlib.sha256()
    for text in texts.values():
        digest.update(as_bytes(text))
    return digest.hexdigest()


def _listed(disk: OnDisk) -> str:
    return "\n".join(disk.templates or ())


def _put_in_force(
    conn: Conn, disk: OnDisk, fresh: AdminFiles, hashes: Mapping[str, str], now: datetime
) -> None:
    """All kinds in one transaction: no node ever sees rules of one set and teams of another."""
    hold_left_behind(conn, fresh.directory)
    for kind in KINDS:
        sets.activate(conn, kind, hashes[kind], _storable(disk.texts[kind]), now)
    mail = {"names": _listed(disk), **_storable(disk.texts.get("templates", {}))}
    sets.activate(conn, "templates", hashes["templates"], mail, now)
    for kind in (OPTIONAL, MACROS):
        if kind in disk.texts:
            sets.activate(conn, kind, hashes[kind], _storable(disk.texts[kind]), now)
        else:
            sets.withdraw(conn, kind)
    proof = {"mails": "\n".join(mails_named(fresh.ruleset))}
    sets.activate(conn, "proof", _proof(disk, fresh), proof, now)
    people.sync(conn, fresh.directory)
    # Nobody who has just left answers for anything when this transaction ends.
    rehome(conn, house_of(conn, fresh.directory, fresh.ruleset.fallback.team), now)
    if fresh.shadow is not None:
        sets.activate(conn, "shadow", hashes["shadow"], _storable(disk.texts["shadow"]), now)
    elif "shadow" not in disk.texts:
        sets.withdraw(conn, "shadow")


def _note_refusal(
    conn: Conn, kinds: Sequence[str], problems: Sequence[Problem], now: datetime
) -> None:
    kept = [problem.as_json() for problem in few(errors(problems))]
    for kind in kinds:
        sets.refuse(conn, kind, kept, now)


def _storable(texts: Texts) -> dict[str, str]:
    """Without lone surrogates, which no database takes; a good set has none."""
    return {name: as_bytes(text).decode("utf-8", "replace") for name, text in texts.items()}
