"""From labelled mail to a model of this installation: what is learned from, and how it is judged.

The arithmetic is `classifiers`'; putting a model into force is `flow/models.py`'s.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from classifiers.calibration import FEW_LABELS
from classifiers.compare import LEAST_HELD_OUT, Comparison, judge
from classifiers.dataset import Example
from classifiers.evaluate import Outcome, evaluate, summarise
from classifiers.fit import FitOptions, Progress, fit
from classifiers.grouping import group_examples
from classifiers.learn import ACCEPTED_WEIGHT, OWN_OPTIONS, mix
from classifiers.model import NONE, Model
from classifiers.shipped import read_shipped
from inbox.clock import iso
from inbox.flow import mail_text
from inbox.flow.models import LAST_LABEL
from inbox.store import labels, people
from inbox.store.database import Conn
from inbox.store.labels import LabelledMail

FEW_PER_LABEL = 20
"""Examples per label below which a label's own name is worth an example of it."""
BLOCKS = 3
"""Steps in time in which old and new model are compared: each on mail later than its training."""


def options_for(examples: Sequence[Example], unlabelled: int = 0) -> FitOptions:
    """How to fit what a file holds: by its number of labels and of examples per label.

    Mail to teams with an unlabelled mailbox beside it gets latent topics; intents (dozens of
    labels, a sentence each) with few examples learn from their labels' names.
    """
    named = len({example.label for example in examples}) or 1
    few = len(examples) / named < FEW_PER_LABEL
    if named > FEW_LABELS:
        return FitOptions(label_names=1.0 if few else 0.0)
    return FitOptions(topics=200 if unlabelled else 0)


def own_options(old: Model | None) -> FitOptions:
    """How own models are fitted: with the promise of the model that they are to replace.

    A stricter one would silently send to triage what was routed by itself until then.
    """
    promised = None if old is None else old.info.get("promise")
    if isinstance(promised, float) and 0.0 < promised < 1.0:
        return replace(OWN_OPTIONS, promise=replace(OWN_OPTIONS.promise, precision=promised))
    return OWN_OPTIONS


def _quick(old: Model) -> FitOptions:
    """As `own_options`, without a search for the best cost: for those only compared."""
    return replace(own_options(old), costs=(0.3,), folds=2)


@dataclass(frozen=True, slots=True)
class Material:
    """What there is to learn from."""

    shipped: tuple[Example, ...]
    own: tuple[Example, ...]
    """Mail that people labelled, in the order of the labels."""
    label_ids: tuple[int, ...]
    """The label of each of `own`."""
    settled: tuple[Example, ...] = ()
    """Closed threads that nobody moved: weak labels, never judged by."""


def gather(conn: Conn, folder: Path) -> Material:
    """Shipped examples and everything people have said, for the teams that there are now.

    Raises `DataError` where the shipped examples cannot be read.
    """
    teams = {*people.team_names(conn), NONE}
    mails = [one for one in labels.labelled(conn) if one.team in teams]
    settled = [one for one in labels.settled(conn) if one.team in teams]
    return Material(
        shipped=tuple(one for one in read_shipped(folder) if one.label in teams),
        own=tuple(example_of(one) for one in mails),
        label_ids=tuple(one.label_id for one in mails),
        settled=tuple(replace(example_of(one), weight=ACCEPTED_WEIGHT) for one in settled),
    )


def example_of(mail: LabelledMail) -> Example:
    """A stored message with its team, as an example of this installation."""
    return Example(
        mail=mail_text.of_message(mail),
        label=mail.team,
        account=f"account-{mail.account_id}",
        own=True,
        received_at=iso(mail.received_at),
        language=mail.language,
        source="labels",
    )


def export_lines(conn: Conn) -> Iterator[str]:
    """Every labelled mail as one line of JSON, in the order of the labels."""
    for one in labels.labelled(conn):
        mail = mail_text.of_message(one)
        row = {
            "subject": mail.subject,
            "body": mail.visible,
            "quoted": mail.quoted,
            "attachments": list(mail.attachments),
            "from": mail.sender,
            "team": one.team,
            "account": f"account-{one.account_id}",
            "own": True,
            "received_at": iso(one.received_at),
            "language": one.language,
        }
        yield json.dumps(row, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Lesson:
    """A new model, how its recipe did beside the old model, and whether it is to replace it."""

    model: Model
    comparison: Comparison | None
    """None where there was no old model, or too little new mail to compare on."""
    promote: bool
    reason: str
    own: int
    settled: int

    def as_json(self) -> dict[str, object]:
        """The JSON shape of docs/INTERFACES.md."""
        return {
            "model": self.model.id,
            "own_labels": self.own,
            "settled": self.settled,
            "comparison": None if self.comparison is None else self.comparison.as_json(),
            "better": self.promote,
            "reason": self.reason,
        }


def teach(material: Material, old: Model | None, progress: Progress | None = None) -> Lesson:
    """A model of everything, compared with `old` on mail that neither had been trained on.

    Judged is own mail labelled after the old model was trained, in steps of time: for each, the
    recipe is fitted on shipped examples and own mail of earlier accounts only (no account and no
    near-duplicate on both sides), and both models answer the step's mail. One exact McNemar test
    over all of it decides (`classifiers.compare`). The model that is handed back learned from all.
    Raises `FitError` for fewer than two labels altogether.
    """
    comparison = None
    if old is None:
        promote, reason = True, "there was no model before"
    else:
        before, after = _outcomes(material, old, progress)
        if len(before) < LEAST_HELD_OUT:
            promote = False
            reason = (
                f"not promoted: {len(before)} mails were labelled since the old model was trained,"
                f" {LEAST_HELD_OUT} are needed to judge by; until then each correction counts by"
                " itself"
            )
        else:
            comparison = judge(summarise(before), summarise(after))
            promote, reason = comparison.promote, comparison.reason
    everything = mix(material.shipped, (*material.own, *material.settled))
    model = fit(everything, own_options(old), progress=progress)
    last = max(material.label_ids, default=0)
    model = replace(model, info={**model.info, LAST_LABEL: last, "own_labels": len(material.own)})
    return Lesson(model, comparison, promote, reason, len(material.own), len(material.settled))


def _outcomes(
    material: Material, old: Model, progress: Progress | None
) -> tuple[list[Outcome], list[Outcome]]:
    """What the old model and the new recipe say of the same mail."""
    since = old.info.get(LAST_LABEL, 0)
    after = since if isinstance(since, int) else 0
    fresh = [at for at, label in enumerate(material.label_ids) if label > after]
    old_said: list[Outcome] = []
    new_said: list[Outcome] = []
    if len(fresh) < LEAST_HELD_OUT:
        return [outcome for one in fresh for outcome in _said(old, [material.own[one]])], []
    for known, held in steps_in_time((*material.own, *material.settled), fresh):
        recipe = fit(mix(material.shipped, known), _quick(old), progress=progress)
        old_said += _said(old, held)
        new_said += _said(recipe, held)
    return old_said, new_said


def _said(model: Model, held: Sequence[Example]) -> tuple[Outcome, ...]:
    return evaluate(model, held).outcomes


def steps_in_time(
    own: Sequence[Example], fresh: Sequence[int], blocks: int = BLOCKS
) -> Iterator[tuple[list[Example], list[Example]]]:
    """(known, held out) for each step: whole groups, in the order of their newest fresh mail.

    `fresh` are the places in `own` that may be judged by. A group is an account with all
    near-duplicates of its mail; a group whose turn has not come is neither known nor held out.
    """
    groups = group_examples(own).tolist()
    newest: dict[int, str] = {}
    for at in fresh:
        newest[groups[at]] = max(newest.get(groups[at], ""), own[at].received_at)
    turn: dict[int, int] = {}
    taken = 0
    for group in sorted(newest, key=lambda group: (newest[group], group)):
        turn[group] = min(blocks - 1, taken * blocks // len(fresh))
        taken += sum(groups[at] == group for at in fresh)
    for block in range(blocks):
        held = [own[at] for at in fresh if turn[groups[at]] == block]
        if held:
            known = [one for at, one in enumerate(own) if turn.get(groups[at], -1) < block]
            yield known, held
