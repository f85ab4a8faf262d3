"""One problem in a file that an admin owns, and how it reads on a terminal.

Every loader (configuration, rules, SLA, teams) reports all its problems in one run, as
`file:line:column: code: sentence`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


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
