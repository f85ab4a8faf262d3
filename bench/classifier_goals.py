"""Goals as rows of a table: figure, peer, must, stretch, verdict. It measures nothing itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure to reach. `least` is false where smaller is better."""

    must: float
    stretch: float
    least: bool = True

    def met(self, value: float, error: float) -> bool:
        """At least the must, or within one standard error of it."""
        return value >= self.must - error if self.least else value <= self.must + error

    def stretched(self, value: float) -> bool:
        """At the stretch figure itself."""
        return value >= self.stretch if self.least else value <= self.stretch


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    goal: str
    metric: str
    value: str
    peer: str
    must: str
    stretch: str
    verdict: str
    met: bool | None
    """None: shown for information, without a goal."""


def share_error(accuracy: float, count: int) -> float:
    """Standard error of a share in percent points, from a share in percent."""
    part = min(max(accuracy / 100, 1e-9), 1 - 1e-9)
    return 100 * math.sqrt(part * (1 - part) / count)


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value with its standard error and how to print it."""

    value: float
    error: float = 0.0
    digits: int = 1
    unit: str = ""

    def __str__(self) -> str:
        text = f"{self.value:.{self.digits}f}{self.unit}"
        return f"{text} ± {self.error:.{self.digits}f}" if self.error else text


def row(goal: str, metric: str, figure: Figure, target: Goal | None, peer: str = "-") -> Row:
    """A figure beside its goal."""
    if target is None:
        return Row(goal, metric, str(figure), peer, "-", "-", "", None)
    sign = "≥" if target.least else "≤"
    met = target.met(figure.value, figure.error)
    exact = target.met(figure.value, 0.0)
    verdict = "**missed**"
    if target.stretched(figure.value):
        verdict = "stretch"
    elif met:
        verdict = "met" if exact else "met within one standard error"
    return Row(
        goal,
        metric,
        str(figure),
        peer,
        f"{sign} {target.must:g}{figure.unit}",
        f"{sign} {target.stretch:g}{figure.unit}",
        verdict,
        met,
    )


def table(rows: Sequence[Row]) -> str:
    """Markdown."""
    lines = ["| # | metric | measured | peer | must | stretch | verdict |", "|" + "---|" * 7]
    lines += [
        f"| {r.goal} | {r.metric} | {r.value} | {r.peer} | {r.must} | {r.stretch} | {r.verdict} |"
        for r in rows
    ]
    return "\n".join(lines)
