"""One set of everything that admins own, made of texts: teams, policies, stages, rules.

Nothing is put in force here, and no disk or database is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from inbox.flow.admin_files import OnDisk
from inbox.flow.proof import Lists, load_rules, read_lists, red_tests
from routing.names import Names
from routing.problems import Problem, errors
from routing.ruleset import Ruleset
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

    With `proven` the rules are linted and their tests run.
    """
    lists, listed = read_lists(disk)
    ruleset, found = _rules(disk, lists, "rules", proven=proven)
    problems = (*disk.problems, *listed, *found)
    if errors(problems) or ruleset is None:
        return None, problems
    if lists.directory is None or lists.policies is None or lists.stages is None:
        return None, problems
    templates = disk.templates or ()
    whole = AdminFiles(
        lists.directory, lists.policies, lists.stages, templates, ruleset, sla=lists.sla
    )
    return whole, problems


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
        found = (*found, *red_tests(ruleset, disk.mailboxes, texts))
    return ruleset, found
