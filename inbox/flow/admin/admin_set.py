"""One set of everything that admins own, made of texts: teams, policies, stages, rules, follow-ups.

Nothing is put in force here, and no disk or database is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from inbox.flow.admin.admin_files import MACROS, OPTIONAL, OnDisk, as_bytes
from inbox.flow.admin.proof import Lists, load_rules, read_lists, red_tests
from inbox.flow.texts.render import MailTemplates, load_templates, stored_templates
from routing.macros import Macro, Macros, load_macros
from routing.names import Names
from routing.problems import Problem, errors
from routing.ruleset import Ruleset
from routing.sequences import Followups, load_followups
from routing.sla import SlaSet
from routing.teams import Directory

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
    sla: SlaSet | None = None
    """None where what stands in for it knows no promises."""
    mail: MailTemplates = field(default_factory=lambda: MailTemplates({}))
    """The mail templates that can be used; `templates` are the names of all of them."""
    followups: Followups = field(default_factory=Followups)
    """What goes out by itself; nothing where no file says so."""
    macros: Macros = field(default_factory=Macros)
    """Texts of the composer with what they do."""
    problems: tuple[Problem, ...] = ()
    """Why this is not what was put in force, but what stands in for it; empty where it is."""

    def names(self) -> Names:
        """The lists that rules are checked against."""
        return Names(
            teams=self.directory.team_names,
            policies=self.policies,
            stages=self.stages,
            templates=self.templates,
            people=self.directory.handles,
        )


def load_live(disk: OnDisk, *, proven: bool) -> tuple[AdminFiles | None, tuple[Problem, ...]]:
    """A whole set without its shadow, or None with every problem.

    With `proven` the rules are linted, their tests run, and the mail templates are checked.
    """
    lists, listed = read_lists(disk)
    ruleset, found = _rules(disk, lists, "rules", proven=proven)
    mail, in_mail = _mail(disk, proven=proven)
    follow_ups, beside = read_followups(disk, lists, mail)
    macros, in_macros = read_macros(disk, lists, proven=proven)
    problems = (*disk.problems, *listed, *found, *in_mail, *beside, *in_macros)
    if errors(problems) or ruleset is None:
        return None, problems
    if lists.directory is None or lists.policies is None or lists.stages is None:
        return None, problems
    templates = disk.templates or ()
    whole = AdminFiles(
        lists.directory,
        lists.policies,
        lists.stages,
        templates,
        ruleset,
        sla=lists.sla,
        mail=mail,
        followups=follow_ups or Followups(),
        macros=macros or Macros(),
    )
    return whole, problems


def _mail(disk: OnDisk, *, proven: bool) -> tuple[MailTemplates, tuple[Problem, ...]]:
    texts = disk.texts.get("templates", {})
    return load_templates(texts) if proven else (stored_templates(texts), ())


def read_followups(
    disk: OnDisk, lists: Lists, mail: MailTemplates
) -> tuple[Followups | None, tuple[Problem, ...]]:
    """What goes out by itself, and every problem of its file; None where it cannot be used."""
    names = Names((), stages=lists.stages, templates=disk.templates)
    roles = {name: one.role for name, one in mail.by_name.items()}
    for file, text in disk.texts.get(OPTIONAL, {}).items():
        return load_followups(as_bytes(text), file, names, roles)
    return Followups(), ()


def read_macros(
    disk: OnDisk, lists: Lists, *, proven: bool
) -> tuple[Macros | None, tuple[Problem, ...]]:
    """The composer's macros, and every problem; with `proven` their texts are tried, too."""
    teams = lists.directory.team_names if lists.directory else ()
    for file, text in disk.texts.get(MACROS, {}).items():
        macros, problems = load_macros(as_bytes(text), file, Names(teams))
        if macros is not None and proven:
            problems = (*problems, *_tried(macros, file))
        return macros, problems
    return Macros(), ()


def _tried(macros: Macros, file: str) -> Iterator[Problem]:
    for one in macros.by_name.values():
        for problem in load_templates(macro_texts(one))[1]:
            line = one.line + max(problem.line - 1, 0)
            message = f"macro `{one.name}`: {problem.message}"
            yield replace(problem, file=file, line=line, column=0, message=message)


def macro_texts(one: Macro) -> dict[str, str]:
    """A macro as the files of a mail template, so that it is checked and rendered as one."""
    return {
        f"{one.name}/about.yaml": "why: a macro\nrole: tells\n",
        f"{one.name}/subject.txt": "macro",
        f"{one.name}/body.txt": one.text,
    }


def load_shadow(disk: OnDisk, *, proven: bool) -> tuple[Ruleset | None, tuple[Problem, ...]]:
    """The rules of shadow mode and their problems; nothing where there are none."""
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
        beside = "" if kind == "rules" else str(Path(next(iter(texts))).parent)
        found = (*found, *red_tests(ruleset, disk.mailboxes, texts, lists, beside))
    return ruleset, found
