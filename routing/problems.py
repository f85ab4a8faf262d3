"""One problem in a file that an admin owns, and how it reads on a terminal.

Every loader (configuration, rules, SLA, teams) reports all its problems in one run, as
`file:line:column: code: sentence`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong, where, and what to do about it."""

    file: str
    line: int
    """1-based; 0 where the whole file is meant."""
    column: int
    """1-based; 0 where the whole line is meant."""
    code: str
    """Stable, such as `unknown-field`; documented in docs/."""
    message: str
    hint: str = ""
    """`did you mean ...` or what to do; empty where there is nothing to add."""
    severity: str = "error"
    """`error` refuses the load; `warning` is shown and the load goes on."""
    source_line: str = field(default="", compare=False)

    def __str__(self) -> str:
        where = self.file
        if self.line:
            where += f":{self.line}"
            if self.column:
                where += f":{self.column}"
        text = f"{where}: {self.code}: {self.message}"
        return f"{text} ({self.hint})" if self.hint else text

    def framed(self) -> str:
        """The one-line form, with the source line and a caret under the column where known."""
        if not (self.source_line and self.line):
            return str(self)
        gutter = f"{self.line:>5} | "
        caret = " " * (len(gutter) + max(self.column - 1, 0)) + "^" if self.column else ""
        lines = [str(self), gutter + self.source_line]
        return "\n".join([*lines, caret] if caret else lines)

    def as_json(self) -> dict[str, object]:
        """The JSON shape of docs/INTERFACES.md."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "severity": self.severity,
        }


def errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Those problems that refuse a load."""
    return tuple(problem for problem in problems if problem.severity == "error")


MOST_TOLD = 100
"""Problems of one load that are stored and logged; a slip in a large file makes thousands."""
LONGEST_TOLD = 500
"""Characters of a message of those; it may hold a value of the file."""


def few(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems that are worth keeping: the first, and how many there are in all."""
    found = tuple(problems)
    kept = tuple(_cut(one) for one in found[:MOST_TOLD])
    if len(found) <= MOST_TOLD:
        return kept
    message = f"there are {len(found):,} problems in all, these are the first of them"
    hint = "`aboard check` tells every one"
    return (*kept[:-1], Problem(found[0].file, 0, 0, "more-problems", message, hint))


def _cut(one: Problem) -> Problem:
    if len(one.message) <= LONGEST_TOLD:
        return one
    return replace(one, message=one.message[: LONGEST_TOLD - 3] + "...")
