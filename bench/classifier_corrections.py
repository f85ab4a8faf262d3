"""What corrections do before the next training: `python -m bench.classifier_corrections`.

Three industries play the shipped mail, the two others an installation of its own; half of it is
held out. Once people correct what is wrong (little of it is their own: the writers are the same),
once they have a convention that the shipped mail does not know: one topic goes to one other team.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean

from classifiers.dataset import Example
from classifiers.evaluate import evaluate
from classifiers.fit import fit
from classifiers.model import NONE, Model
from classifiers.online import corrected_by
from classifiers.shipped import SHIPPED_OPTIONS, read_shipped
from classifiers.text import MailText

TRAINING = Path(__file__).parent.parent / "data" / "training"
QUICK = replace(SHIPPED_OPTIONS, costs=(0.3,), folds=3)
TOPICS = (
    (r"invoice|rechnung|factur|fattura", "compliance"),
    (r"login|log in|sso|passw", "implementation"),
    (r"training|schulung|formation|workshop", "implementation"),
    (r"migrat|import", "support"),
)
PLAIN, OF_TOPIC = (0, 5, 20, 80), (0, 1, 5, 10)
STEPS = (0.1, 0.4, 1.0)
Correction = tuple[MailText, str]


def wrong(model: Model, mails: Sequence[Example]) -> list[Correction]:
    """What people would correct, in order."""
    return [
        (one.mail, one.label)
        for one in mails
        if model.predict(one.mail, evidence=0).label != one.label
    ]


def plain(model: Model, own: Sequence[Example], step: float, count: int) -> tuple[float, ...]:
    """(accuracy, share routed, right of routed) on held-out own mail after `count` corrections."""
    half = len(own) // 2
    moved = corrected_by(model, wrong(model, own[:half])[:count], step)
    found = evaluate(moved, own[half:])
    return found.accuracy, found.routed, found.accuracy_when_routed or 0.0


def convention(
    model: Model, own: Sequence[Example], topic: tuple[str, str], step: float, count: int
) -> tuple[float, ...] | None:
    """(accuracy on held-out mail of the topic, on all other, share of the corrected mails that
    would now go right); None where there are fewer corrections."""
    about = re.compile(topic[0])
    chosen, rest = list[Example](), list[Example]()
    for one in own:
        text = f"{one.mail.subject} {one.mail.visible}".casefold()
        here = one.label != NONE and about.search(text)
        (chosen if here else rest).append(replace(one, label=topic[1]) if here else one)
    half = len(chosen) // 2
    corrections = wrong(model, chosen[:half])[:count]
    if len(corrections) < count or not chosen[half:]:
        return None
    moved = corrected_by(model, corrections, step)
    followed = [moved.predict(mail, evidence=0).label == team for mail, team in corrections]
    on_topic = evaluate(moved, chosen[half:]).accuracy
    return on_topic, evaluate(moved, rest).accuracy, mean(followed) if followed else 0.0


def main() -> None:
    """Print both tables."""
    examples = read_shipped(TRAINING)
    industries = sorted({one.industry for one in examples})
    offices: list[tuple[Model, list[Example]]] = []
    for at in range(len(industries)):
        here = {industries[at], industries[(at + 1) % len(industries)]}
        own = [one for one in examples if one.industry in here]
        random.Random(at).shuffle(own)
        offices.append((fit([o for o in examples if o.industry not in here], QUICK), own))
    print("| step | corrections | accuracy | routed | right of routed |\n|---|---|---|---|---|")
    for step in STEPS:
        for count in PLAIN:
            rows = [plain(model, own, step, count) for model, own in offices]
            _row(step, count, rows)
    print("\n| step | corrections | of the topic | other mail | now right |\n|---|---|---|---|---|")
    for step in STEPS:
        for count in OF_TOPIC:
            tried = [convention(m, own, t, step, count) for m, own in offices for t in TOPICS]
            _row(step, count, [one for one in tried if one is not None])


def _row(step: float, count: int, rows: Sequence[tuple[float, ...]]) -> None:
    shares = " | ".join(f"{mean(column):.1%}" for column in zip(*rows, strict=True))
    print(f"| {step} | {count} | {shares} |", flush=True)


if __name__ == "__main__":
    main()
