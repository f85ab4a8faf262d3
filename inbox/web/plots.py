"""Plots as SVG, made on the server: every one has a sentence for a title and its table beside it.

Colours come from classes of the style sheet, so that they follow light and dark; parts also differ
in their pattern of hatching, never by colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH, HEIGHT = 1000, 220
LEFT, BOTTOM, TOP = 40, 24, 8
ROW, LABEL = 32, 170
MOST_ROWS = 12


@dataclass(frozen=True, slots=True)
class Plot:
    """Numbers to be drawn: a bar a day, or a bar a group, each made of parts."""

    title: str
    """A sentence."""
    labels: Sequence[str]
    parts: Sequence[str]
    values: Mapping[tuple[str, str], int]
    """(label, part) -> how many."""
    stacked: bool = True
    """Do the parts of a bar make a whole? Else they stand side by side."""

    def of(self, label: str, part: str) -> int:
        """One number."""
        return self.values.get((label, part), 0)

    def total(self, label: str) -> int:
        """All parts of a bar; of parts that make no whole the largest."""
        parts = [self.of(label, part) for part in self.parts]
        return sum(parts) if self.stacked else max(parts, default=0)


def columns(plot: Plot) -> Markup:
    """A column for each label, as for days in a row."""
    most = max([plot.total(label) for label in plot.labels] or [0]) or 1
    top = _round_up(most)
    step = (WIDTH - LEFT) / max(len(plot.labels), 1)
    room = HEIGHT - BOTTOM - TOP
    drawn = [_grid(top, room)]
    every = max(len(plot.labels) // 7, 1)
    for at, label in enumerate(plot.labels):
        x, y = LEFT + at * step, float(HEIGHT - BOTTOM)
        wide = step * 0.76 / (1 if plot.stacked else len(plot.parts))
        for number, part in enumerate(plot.parts):
            height = plot.of(label, part) / top * room
            y = y - height if plot.stacked else HEIGHT - BOTTOM - height
            left = x + step * 0.12 + (0 if plot.stacked else number * wide)
            drawn.append(_bar(number, (left, y, wide, height)))
        if at % every == 0:
            drawn.append(_text(x + step / 2, HEIGHT - 6, label[5:], "middle"))
    return _figure(plot, HEIGHT, drawn, "plot days")


def bars(plot: Plot) -> Markup:
    """A bar for each label, the parts one behind the other, all to the same scale."""
    labels = list(plot.labels)[:MOST_ROWS]
    most = max([plot.total(label) for label in labels] or [0]) or 1
    height = len(labels) * ROW + 8
    drawn: list[Markup] = []
    for at, label in enumerate(labels):
        y, x = at * ROW + 6, float(LABEL)
        drawn.append(_text(LABEL - 10, y + 15, _short(label), "end"))
        for number, part in enumerate(plot.parts):
            width = plot.of(label, part) / most * (WIDTH - LABEL - 50)
            drawn.append(_bar(number, (x, y, width, ROW - 10)))
            x += width
        drawn.append(_text(x + 8, y + 15, f"{plot.total(label):,}", "start"))
    return _figure(plot, height, drawn)


def _figure(plot: Plot, height: int, drawn: Sequence[Markup], kind: str = "plot") -> Markup:
    hatch = Markup(
        '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse"'
        ' patternTransform="rotate(45)"><rect class="part-1" width="6" height="6"/>'
        '<rect class="gap" width="2" height="6"/></pattern></defs>'
    )
    return Markup(
        '<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}</svg>'
    ).format(kind, WIDTH, height, plot.title, hatch, Markup("").join(drawn))


def _bar(number: int, place: tuple[float, float, float, float]) -> Markup:
    x, y, width, height = (round(one, 1) for one in place)
    if width <= 0 or height <= 0:
        return Markup("")
    fill = Markup(' fill="url(#hatch)"') if number == 1 else Markup("")
    return Markup('<rect class="part-{}" x="{}" y="{}" width="{}" height="{}"{}/>').format(
        number if number != 1 else "hatched", x, y, width, height, fill
    )


def _grid(top: int, room: float) -> Markup:
    lines = []
    for share in (0.0, 0.5, 1.0):
        y = round(HEIGHT - BOTTOM - share * room, 1)
        lines.append(
            Markup('<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(LEFT, WIDTH, y, y)
        )
        lines.append(_text(LEFT - 6, y + 4, f"{round(top * share):,}", "end"))
    return Markup("").join(lines)


def _text(x: float, y: float, said: str, anchor: str) -> Markup:
    return Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(
        round(x, 1), round(y, 1), anchor, escape(said)
    )


def _short(label: str) -> str:
    return label if len(label) <= 22 else label[:21] + "…"


def _round_up(most: int) -> int:
    """The next even number of two digits that count: 7 -> 8, 43 -> 44, 187 -> 190."""
    scale = 10 ** max(len(str(most)) - 2, 0)
    top = -(-most // scale) * scale
    return int(top + top % 2)
