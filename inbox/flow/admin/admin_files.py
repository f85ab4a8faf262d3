"""Admin files as they lie on disk: read whole, from a configuration or from a bare path.

Nothing here is checked or put in force; `inbox.flow.active` does both.
"""

from __future__ import annotations

import errno
import hashlib
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from inbox.config import Settings
from inbox.errors import AboardError
from routing.problems import Problem

Texts = Mapping[str, str]
"""File name -> its text; what is no UTF-8 is kept as lone surrogates and reported by the loader."""

LISTS = ("teams", "sla", "stages")
OPTIONAL = "followups"
"""The list that may be missing: then nothing goes out by itself."""
MACROS = "macros"
"""Texts of the composer; may be missing, too."""
WITH_HOURS = ("teams", "sla")
"""The lists in which working hours stand."""


@dataclass(frozen=True, slots=True)
class OnDisk:
    """What lies in the admin's files now: the texts by kind, and what could not be read."""

    texts: Mapping[str, Texts]
    """`teams`, `sla`, `stages`, `rules`, `templates` (`NAME/FILE` -> text); where there are any,
    `followups`, `macros` and `shadow`; a kind without files is empty."""
    templates: tuple[str, ...] | None
    """Names of mail templates; None where nobody can know them, so that they are not checked."""
    problems: tuple[Problem, ...] = ()
    mailboxes: tuple[str, ...] = ()
    """Our addresses; empty where no configuration names them."""
    shadow_problems: tuple[Problem, ...] = ()
    """What could not be read of the shadow rules; never in the way of the live ones."""


def read_disk(settings: Settings) -> OnDisk:
    """Read every admin file; what cannot be read is a problem, not an exception."""
    problems: list[Problem] = []
    texts: dict[str, Texts] = {}
    for kind in LISTS:
        path = settings.path(getattr(settings.files, kind))
        texts[kind] = _read([path, *_calendars(kind, path)], problems)
    texts["rules"] = _read_folder(settings.path(settings.files.rules), problems)
    shadow, beside = settings.files.shadow_rules, list[Problem]()
    if shadow is not None:
        texts["shadow"] = _read_folder(settings.path(shadow), beside)
    follow_ups = settings.path(settings.files.followups)
    if follow_ups.exists():
        texts[OPTIONAL] = _read([follow_ups], problems)
    macros = settings.path(settings.files.macros)
    if macros.exists():
        texts[MACROS] = _read([macros], problems)
    folder = settings.path(settings.files.templates)
    texts["templates"] = _read_mail(folder, problems)
    templates = _templates(folder)
    mailboxes = tuple(one.address for one in settings.mailboxes)
    return OnDisk(texts, templates or (), tuple(problems), mailboxes, tuple(beside))


def read_path(path: Path) -> OnDisk:
    """Read the rules at a path, a folder or one file, without any configuration.

    Teams, policies and stages come from teams.yaml, sla.yaml and stages.yaml in the folder above
    (for one file also beside it), where they are there. Raises `AboardError` for a missing path.
    """
    if not exists(path):
        raise AboardError(f"{path}: there is no such file or folder")
    problems: list[Problem] = []
    if path.is_dir():
        places = [path / ".."]
        texts: dict[str, Texts] = {"rules": _read_folder(path, problems)}
    else:
        places = [path.parent, path.parent / ".."]
        texts = {"rules": _read([path], problems)}
    for kind in LISTS:
        beside = [place.resolve() / f"{kind}.yaml" for place in places]
        there = [one for one in beside if one.is_file() and one != path.resolve()]
        calendars = [one for path in there[:1] for one in _calendars(kind, path)]
        texts[kind] = _read([*there[:1], *calendars], problems)
    found = [_templates(place / "templates") for place in places]
    templates = next((names for names in found if names is not None), None)
    return OnDisk(texts, templates, tuple(problems))


def with_lists_of(disk: OnDisk, house: OnDisk) -> OnDisk:
    """What was read at a path, with the lists of the house where none lie beside it."""
    texts = {**disk.texts, **{kind: disk.texts[kind] or house.texts[kind] for kind in LISTS}}
    templates = house.templates if disk.templates is None else disk.templates
    return replace(disk, texts=texts, templates=templates, mailboxes=house.mailboxes)


def read_sla_path(path: Path) -> OnDisk:
    """Read an SLA file without any configuration; teams, stages and templates from beside it.

    Raises `AboardError` for a missing file.
    """
    if not path.is_file():
        raise AboardError(f"{path}: there is no such file")
    problems: list[Problem] = []
    texts: dict[str, Texts] = {"sla": _read([path, *_calendars("sla", path)], problems)}
    for kind in ("teams", "stages"):
        beside = path.parent / f"{kind}.yaml"
        there = [beside, *_calendars(kind, beside)] if beside.is_file() else []
        texts[kind] = _read(there, problems)
    return OnDisk(texts, _templates(path.parent / "templates"), tuple(problems))


def _read_folder(folder: Path, problems: list[Problem]) -> Texts:
    # An editor's lock file or hidden copy is none of the admin's rules.
    found = sorted(one for one in folder.glob("*.yaml") if not one.name.startswith("."))
    for one in sorted(folder.glob("*.y*ml*")):
        if one.suffix != ".yaml" and not one.name.startswith("."):
            hint = "only *.yaml files are read: give it that ending, or move it away"
            message = "this file is not read"
            problems.append(Problem(str(one), 0, 0, "ignored-file", message, hint, "warning"))
    if not found:
        hint = "rules are *.yaml files in this folder; `aboard init` writes some to start from"
        problems.append(Problem(str(folder), 0, 0, "no-rules", "there is no rule file", hint))
    return _read(found, problems)


def _calendars(kind: str, path: Path) -> list[Path]:
    """The iCal files beside a file whose hours may name them: they are part of the set."""
    return sorted(path.parent.glob("*.ics")) if kind in WITH_HOURS else []


def _templates(folder: Path) -> tuple[str, ...] | None:
    mail = folder / "mail"
    if not mail.is_dir():
        return None
    return tuple(sorted(one.name for one in mail.glob("*") if one.is_dir()))


def _read_mail(folder: Path, problems: list[Problem]) -> Texts:
    """`NAME/FILE` -> text of every mail template."""
    found = sorted(one for one in (folder / "mail").glob("*/*") if not one.name.startswith("."))
    texts = _read([one for one in found if one.is_file()], problems)
    return {f"{Path(name).parent.name}/{Path(name).name}": text for name, text in texts.items()}


def _read(paths: Sequence[Path], problems: list[Problem]) -> Texts:
    texts: dict[str, str] = {}
    for path in paths:
        try:
            texts[str(path)] = contents(path).decode("utf-8", "surrogateescape")
        except OSError as error:
            message = error.strerror or str(error)
            problems.append(Problem(str(path), 0, 0, "unreadable", message))
    return texts


MOST_BYTES = 32 * 1024 * 1024
"""Of one file that is read at all; what it may hold is said by who reads its text."""


def contents(path: Path) -> bytes:
    """The bytes of a regular file. Raises `OSError` for any other: a pipe or a device may have no
    end, and a huge file would take the memory that mail needs."""
    there = path.stat()
    if not stat.S_ISREG(there.st_mode) and not stat.S_ISDIR(there.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file: put the text itself there")
    if there.st_size > MOST_BYTES:
        message = f"it has {there.st_size:,} bytes, at most {MOST_BYTES:,} are read"
        raise OSError(errno.EFBIG, message)
    return path.read_bytes()


def exists(path: Path) -> bool:
    """Is there anything at this path? Not where no system could have such a path."""
    try:
        return path.exists()
    except OSError:
        return False  # such as a name longer than any name may be


def set_hash(texts: Texts) -> str:
    """The hash under which a set of these texts (but rules) is in force."""
    digest = hashlib.sha256()
    for text in texts.values():
        digest.update(as_bytes(text))
    return digest.hexdigest()


def as_bytes(text: str) -> bytes:
    """The very bytes that were read."""
    return text.encode("utf-8", "surrogateescape")
