"""One self-contained HTML page about an evaluation: no script, no fetch, plots as SVG.

It draws what `evaluate.py` measured and measures only what a curve needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from classifiers.evaluate import Evaluation, Outcome, accuracy_at

_SIZE = 320
_MARGIN = 46
_LEFT = 20
"""Room for the name of the upright axis beside its numbers."""
_STYLE = """
:root { color-scheme: light dark; --ink: #1c2733; --soft: #5b6b7b; --line: #c9d3dc;
  --fill: 31 99 168; --paper: #fff }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9fb0c0; --line: #3b4957;
  --fill: 110 170 235; --paper: #12181f } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 76rem; margin: 2rem auto; padding: 0 1rem }
main { display: flex; flex-wrap: wrap; gap: 2rem } figure { margin: 0; min-width: 0 }
figcaption { font-weight: 600; margin-bottom: .4rem } svg { max-width: 100%; height: auto }
svg text { fill: var(--soft); font-size: 12px } .axis { stroke: var(--line); fill: none }
.curve { stroke: rgb(var(--fill)); fill: none; stroke-width: 2 }
.bar { fill: rgb(var(--fill) / .55) }
.ideal { stroke: var(--soft); stroke-dasharray: 4 4 } svg .value { fill: var(--ink) }
table { border-collapse: collapse } td, th { padding: .2rem .7rem; text-align: right;
  border-bottom: 1px solid var(--line) } td:first-child, th:first-child { text-align: left }
.wide { overflow-x: auto; max-width: 100% }
"""


@dataclass(frozen=True, slots=True)
class Bin:
    """One bar of the reliability diagram."""

    confidence: float
    accuracy: float
    count: int


def report(evaluation: Evaluation, title: str) -> str:
    """The whole page. `title` is shown as text."""
    shown = escape(title)
    routed = evaluation.accuracy_when_routed
    accuracy_routed = "" if routed is None else f", of which {routed:.1%} right"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{shown}</title>
<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>
<h1>{shown}</h1>
<p>{evaluation.examples} mails: accuracy {evaluation.accuracy:.1%} (always the most frequent label:
{evaluation.majority_baseline:.1%}), macro F1 {evaluation.macro_f1:.1%}, calibration error
{evaluation.ece:.3f}. Routed without a person: {evaluation.routed:.1%}{accuracy_routed}.</p>
<main>
<figure><figcaption>Accuracy against coverage</figcaption>{_coverage(evaluation.outcomes)}</figure>
<figure><figcaption>Reliability</figcaption>{_reliability(evaluation.outcomes)}</figure>
<figure class="wide"><figcaption>Confusion</figcaption>{_confusion(evaluation)}</figure>
<figure class="wide"><figcaption>Per team</figcaption>{_per_class(evaluation)}</figure>
</main></body></html>
"""


def bins(outcomes: Sequence[Outcome], count: int = 15) -> list[Bin]:
    """Mean confidence and accuracy per bin of equal width; empty bins are left out."""
    found: dict[int, list[Outcome]] = {}
    for outcome in outcomes:
        found.setdefault(min(int(outcome.score * count), count - 1), []).append(outcome)
    return [
        Bin(
            confidence=sum(outcome.score for outcome in inside) / len(inside),
            accuracy=sum(outcome.right for outcome in inside) / len(inside),
            count=len(inside),
        )
        for _, inside in sorted(found.items())
    ]


def _x(share: float) -> float:
    return round(_MARGIN + share * (_SIZE - _MARGIN - 12), 1)


def _y(share: float) -> float:
    return round(_SIZE - _MARGIN - share * (_SIZE - _MARGIN - 12), 1)


def _frame(content: str, across: str, up: str, description: str) -> str:
    """Axes from 0 to 100 % around `content`."""
    marks = "".join(
        f'<text x="{_x(share)}" y="{_SIZE - _MARGIN + 18}" text-anchor="middle">{share:.0%}</text>'
        f'<text x="{_MARGIN - 6}" y="{_y(share) + 4}" text-anchor="end">{share:.0%}</text>'
        for share in (0.0, 0.25, 0.5, 0.75, 1.0)
    )
    return (
        f'<svg viewBox="{-_LEFT} 0 {_SIZE + _LEFT + 8} {_SIZE}" width="{_SIZE + _LEFT + 8}" '
        f'height="{_SIZE}" role="img" '
        f'aria-label="{escape(description)}">'
        f'<path class="axis" d="M{_x(0)} {_y(1)}V{_y(0)}H{_x(1)}"/>{marks}{content}'
        f'<text x="{_x(0.5)}" y="{_SIZE - 6}" text-anchor="middle">{escape(across)}</text>'
        f'<text x="-6" y="{_y(0.5)}" text-anchor="middle" '
        f'transform="rotate(-90 -6 {_y(0.5)})">{escape(up)}</text></svg>'
    )


def _coverage(outcomes: Sequence[Outcome]) -> str:
    shares = list(range(2, 101, 2))
    accuracy = accuracy_at(outcomes, shares)
    points = " ".join(f"{_x(share / 100)},{_y(accuracy[share])}" for share in shares)
    return _frame(
        f'<polyline class="curve" points="{points}"/>',
        "share of mail answered, surest first",
        "accuracy",
        "Accuracy at coverage: "
        + ", ".join(f"{share} % {accuracy[share]:.1%}" for share in (50, 80, 90, 100)),
    )


def _reliability(outcomes: Sequence[Outcome]) -> str:
    found = bins(outcomes)
    most = max(part.count for part in found)
    bars = "".join(
        f'<rect class="bar" x="{_x(part.confidence) - 5}" y="{_y(part.accuracy)}" width="10" '
        f'height="{round(_y(0) - _y(part.accuracy), 1)}" '
        f'opacity="{0.35 + 0.65 * part.count / most:.2f}"><title>{part.count} mails, confidence '
        f"{part.confidence:.1%}, right {part.accuracy:.1%}</title></rect>"
        for part in found
    )
    line = f'<line class="ideal" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>'
    description = "Reliability: " + ", ".join(
        f"{part.confidence:.0%} said, {part.accuracy:.0%} right ({part.count})" for part in found
    )
    return _frame(bars + line, "confidence", "share that was right", description)


def _confusion(evaluation: Evaluation) -> str:
    """Rows are the truth, columns the answer; up to 30 labels are drawn."""
    labels = evaluation.labels
    if len(labels) > 30:
        return f"<p>{len(labels)} labels are too many to draw; see the JSON output.</p>"
    head = "".join(f'<th scope="col">{escape(label)}</th>' for label in labels)
    body = ""
    for label, row in zip(labels, evaluation.confusion, strict=True):
        total = sum(row) or 1
        cells = "".join(
            f'<td style="background:rgb(var(--fill) / {0.6 * count / total:.2f})">{count}</td>'
            for count in row
        )
        body += f'<tr><th scope="row">{escape(label)}</th>{cells}</tr>'
    return f"<table><tr><th>truth \\ answer</th>{head}</tr>{body}</table>"


def _per_class(evaluation: Evaluation) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(label)}</th><td>{score.precision:.1%}</td>'
        f"<td>{score.recall:.1%}</td><td>{score.f1:.1%}</td><td>{score.support}</td></tr>"
        for label, score in evaluation.per_class.items()
    )
    return (
        '<table><tr><th>team</th><th scope="col">precision</th><th scope="col">recall</th>'
        f'<th scope="col">F1</th><th scope="col">mails</th></tr>{rows}</table>'
    )
