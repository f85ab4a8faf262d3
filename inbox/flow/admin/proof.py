"""Is a set of rules fit to decide? Loaded against the admin's lists, linted, its own tests run.

Works on texts that were read before; puts nothing in force.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from inbox.flow.admin import hours_fact
from inbox.flow.admin.admin_files import OnDisk, Texts, as_bytes, contents, set_hash
from inbox.flow.admin.loose_mail import mails_of_tests
from routing.cases import Report, run_cases
from routing.catalogue import load_names
from routing.lint import lint, lint_rules
from routing.load import load_parts
from routing.names import Names
from routing.problems import Problem, errors
from routing.ruleset import Ruleset
from routing.sla import SlaSet
from routing.sla_load import load_sla
from routing.strict_yaml import Node, load_text
from routing.teams import Directory, load_directory

Loaded = TypeVar("Loaded")
_TEAM_KEYS = ("team", "thread.team", "classifier.team")


@dataclass(frozen=True, slots=True)
class Lists:
    """What rules may name; None where the file is missing or cannot be used."""

    directory: Directory | None
    policies: tuple[str, ...] | None
    stages: tuple[str, ...] | None
    sla: SlaSet | None = None

    def names(self, disk: OnDisk, kind: str = "rules") -> Names:
        """The names to check rules against. What is not known is not checked; without a
        directory the teams that the rules themselves name count as there."""
        teams, people = teams_named(disk.texts[kind]), None
        if self.directory is not None:
            teams, people = self.directory.team_names, self.directory.handles
        return Names(teams, self.policies, self.stages, disk.templates, people)


def read_lists(disk: OnDisk) -> tuple[Lists, tuple[Problem, ...]]:
    """Teams, policies and stages, and every problem in their files."""
    problems: list[Problem] = []
    beside = calendars_of(disk.texts["teams"])
    teams = partial(load_directory, calendars=beside)
    directory = _load(teams, disk.texts["teams"], problems)
    stages = _load(_named("stages"), disk.texts["stages"], problems)
    names = None
    if directory is not None:
        names = Names(directory.team_names, None, stages, disk.templates)
    sla = read_sla(disk.texts["sla"], names, problems)
    policies = None if sla is None else sla.names
    return Lists(directory, policies, stages, sla), tuple(problems)


def calendars_of(texts: Texts) -> dict[str, bytes]:
    """The iCal files of a set, by the names under which hours may name them."""
    return {
        Path(name).name: as_bytes(text) for name, text in texts.items() if name.endswith(".ics")
    }


def read_sla(texts: Texts, names: Names | None, problems: list[Problem]) -> SlaSet | None:
    """The policies of these files, under the hash of all of them; problems are added."""
    for file, text in texts.items():
        sla, found = load_sla(as_bytes(text), file, names, calendars_of(texts))
        problems.extend(found)
        return None if sla is None else replace(sla, hash=set_hash(texts))
    return None


def _named(
    listed: str,
) -> Callable[[bytes, str], tuple[tuple[str, ...] | None, tuple[Problem, ...]]]:
    return lambda text, file: load_names(text, file, listed)


def _load(
    loader: Callable[[bytes, str], tuple[Loaded | None, tuple[Problem, ...]]],
    texts: Texts,
    problems: list[Problem],
) -> Loaded | None:
    for file, text in texts.items():
        loaded, found = loader(as_bytes(text), file)
        problems.extend(found)
        return loaded
    return None


def load_rules(
    texts: Texts, names: Names, *, linted: bool = True
) -> tuple[Ruleset | None, tuple[Problem, ...]]:
    """The rules and every problem, those of lint included; no ruleset where one is an error."""
    if not texts:
        return None, ()  # reported by whoever looked for files
    ruleset, good, problems = load_parts(
        [(name, as_bytes(text)) for name, text in texts.items()], names
    )
    if not linted:
        return ruleset, problems
    found = lint_rules(good) if ruleset is None else lint(ruleset)
    problems = (*problems, *with_lines(found, texts))
    return (None if errors(problems) else ruleset), problems


def red_tests(
    ruleset: Ruleset, mailboxes: Sequence[str], texts: Texts, lists: Lists, folder: str = ""
) -> tuple[Problem, ...]:
    """One problem `test-failed` for each test of the rules that does not pass; `folder` is where
    they lie if they are not those of the configuration."""
    found = []
    hint = f"`aboard rules test{' ' if folder else ''}{folder}` prints the trace"
    for result in run_tests(ruleset, mailboxes, lists).failed:
        case = result.case
        what = f"a test of rule `{case.rule}` fails" if case.rule else "a test fails"
        named = f" ({case.name})" if case.name else ""
        message = f"{what}{named}: {'; '.join(result.failures)}"
        found.append(Problem(case.file, case.line, case.column, "test-failed", message, hint))
    return with_lines(found, texts)


def run_tests(ruleset: Ruleset, mailboxes: Sequence[str], lists: Lists) -> Report:
    """Run all tests of the rules, with the mails that they name and the hours of the teams."""
    timed = hours_fact.timed(lists.directory, lists.sla, ruleset.fallback.team)
    return run_cases(ruleset, mails_of_tests(ruleset, mailboxes), timed=timed)


def mails_named(ruleset: Ruleset) -> tuple[str, ...]:
    """The mails that tests of these rules start from, as they name them."""
    return tuple(sorted({case.mail for case in ruleset.cases if case.mail}))


def depends_on(disk: OnDisk, rulesets: Mapping[str, Ruleset]) -> str:
    """A hash of what the tests of these rules (by kind) read besides the rules themselves: the
    mails that they name, and which mailboxes are ours."""
    digest = hashlib.sha256("\n".join(disk.mailboxes).encode())
    for kind, ruleset in rulesets.items():
        # The rules may have been put in force from another folder, by another node.
        folders = {Path(name).name: Path(name).parent for name in disk.texts.get(kind, ())}
        named = {(Path(case.file).name, case.mail) for case in ruleset.cases if case.mail}
        for file, mail in sorted(named):
            try:
                content = contents(folders.get(file, Path()) / mail)
            except OSError:
                content = b""
            for piece in (kind, file, mail, hashlib.sha256(content).hexdigest()):
                digest.update(f"\0{piece}".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def with_lines(problems: Sequence[Problem], texts: Texts) -> tuple[Problem, ...]:
    """The problems with the source lines that they are about."""
    lines = {file: text.splitlines() for file, text in texts.items()}
    return tuple(
        replace(one, source_line=lines[one.file][one.line - 1])
        if not one.source_line and 0 < one.line <= len(lines.get(one.file, ()))
        else one
        for one in problems
    )


def teams_named(texts: Mapping[str, str]) -> tuple[str, ...]:
    """The teams that rule files name themselves, for a set that stands without its teams.yaml."""
    found: dict[str, None] = {}
    for file, text in texts.items():
        root, _ = load_text(as_bytes(text), file)
        if root is not None:
            found.update(dict.fromkeys(_teams_in(root)))
    return tuple(found)


def _teams_in(node: Node) -> Iterator[str]:
    for item in node.items:
        yield from _teams_in(item)
    for key, value in node.entries:
        name = str(key.value)
        if name.partition(" ")[0] in _TEAM_KEYS:
            listed = value.items if value.kind == "list" else [value]
            yield from (str(one.value) for one in listed if isinstance(one.value, str))
        elif name == "classifier_at_least":
            yield from (str(one.value) for one, _ in value.entries if one.value != "default")
        else:
            yield from _teams_in(value)
