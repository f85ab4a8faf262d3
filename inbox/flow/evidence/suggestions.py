"""Rules proposed from what people moved by hand; a patch for review, never put in force."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

from inbox.flow import active
from inbox.flow.admin.proof import load_rules
from inbox.flow.evidence.replay import facts_of
from inbox.store import assignments, sets
from inbox.store.assignments import Decided
from inbox.store.database import Conn
from routing.cases import run_cases
from routing.facts import Facts
from routing.problems import errors
from routing.suggest import Move, Suggestion, suggest

BATCH = 500
MOST_STAYED = 20_000
"""Threads that stayed where they were; of more, the newest tell what a rule would hit."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One proposed rule, and what would stand in its way."""

    suggestion: Suggestion
    file: str
    """The name of a new rule file; read before those in force."""
    objections: tuple[str, ...]
    """Problems and red tests of the whole set with this rule in it; empty where it would load."""

    def patch(self, folder: PurePath | str = "rules") -> str:
        """The rule as a patch that adds its file to the folder of rules, which is given as seen
        from where the patch is applied (`git apply` or `patch -p1`)."""
        lines = self.suggestion.text.splitlines()
        head = [
            "--- /dev/null",
            f"+++ b/{(PurePath(folder) / self.file).as_posix()}",
            f"@@ -0,0 +1,{len(lines)} @@",
        ]
        return "\n".join([*head, *(f"+{line}" for line in lines)]) + "\n"

    def as_json(self) -> dict[str, object]:
        """The JSON shape of docs/RULES.md."""
        one = self.suggestion
        return {
            "rule": one.name,
            "condition": one.condition,
            "team": one.to_team,
            "moves": one.moves,
            "against": one.against,
            "file": self.file,
            "text": one.text,
            "objections": list(self.objections),
        }


def proposals(conn: Conn, since: datetime) -> tuple[Proposal, ...]:
    """Rules that would have made moves since then unnecessary, each tried beside those in force."""
    moves: list[Move] = []
    stayed: deque[tuple[Facts, str]] = deque(maxlen=MOST_STAYED)
    for one in _decided(conn, since):
        if one.thread_decided_by == "person" and one.thread_team != one.made.team:
            moves.append(Move(facts_of(one), one.made.team, one.thread_team))
        else:
            stayed.append((facts_of(one), one.thread_team))
    return tuple(_tried(conn, one) for one in suggest(moves, tuple(stayed)))


def _decided(conn: Conn, since: datetime) -> Iterator[Decided]:
    after = 0
    while batch := assignments.first_of_threads(conn, since, after=after, limit=BATCH):
        yield from batch
        after = batch[-1].made.id


def _tried(conn: Conn, one: Suggestion) -> Proposal:
    file = f"05-{one.name}.yaml"
    files, kept = active.in_force(conn), sets.active(conn, "rules")
    if files is None or kept is None:
        return Proposal(one, file, ())
    ruleset, problems = load_rules({**kept.files, file: one.text}, files.names())
    objections = [str(problem) for problem in errors(problems)]
    if ruleset is not None:
        # Tests that start from a mail file are left to `aboard rules test`, which has the files.
        cases = [case for case in ruleset.cases if not case.mail]
        for result in run_cases(ruleset, cases=cases).failed:
            place = f"{result.case.file}:{result.case.line}"
            objections.append(f"{place}: test-failed: {'; '.join(result.failures)}")
    return Proposal(one, file, tuple(objections))
