"""From labelled mail to a model of this installation: what is learned from, and how it is judged.

The arithmetic is `classifiers`'; putting a model into force is `flow/learning/models.py`'s.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from classifiers import artifact
from classifiers.calibration import FEW_LABELS
from classifiers.compare import LEAST_HELD_OUT, Comparison, judge, promise_of
from classifiers.dataset import Example
from classifiers.evaluate import Outcome, evaluate, summarise
from classifiers.fit import FitError, FitOptions, Progress, fit
from classifiers.grouping import group_examples
from classifiers.learn import ACCEPTED_WEIGHT, OWN_OPTIONS, mix
from classifiers.model import NONE, Model
from classifiers.shipped import SHIPPED_OPTIONS, read_shipped
from classifiers.text import MailText
from inbox.clock import iso
from inbox.flow.learning import learnt
from inbox.flow.learning.learnt import Mark
from inbox.flow.texts import mail_text
from inbox.mail.providers import PUBLIC_DOMAINS
from inbox.store import labels, people
from inbox.store.database import Conn
from inbox.store.labels import LabelledMail

FEW_PER_LABEL = 20
"""Examples per label below which a label's own name is worth an example of it."""
HELD_OUT = 4
"""One of so many own labels that the old model does not know is kept to judge by: the latest."""


def options_for(examples: Sequence[Example], unlabelled: int = 0) -> FitOptions:
    """How to fit what a file holds: by its number of labels and of examples per label.

    Mail to teams with an unlabelled mailbox beside it gets latent topics; intents (dozens of
    labels, a sentence each) with few examples learn from their labels' names.
    """
    named = len({example.label for example in examples}) or 1
    few = len(examples) / named < FEW_PER_LABEL
    own = any(example.own for example in examples)
    features = OWN_OPTIONS.features if own else FitOptions().features
    if named > FEW_LABELS:
        return FitOptions(features=features, label_names=1.0 if few else 0.0)
    return FitOptions(features=features, topics=200 if unlabelled else 0)


def fit_files(
    examples: Sequence[Example],
    unlabelled: Sequence[MailText] = (),
    progress: Progress | None = None,
) -> Model:
    """A model of what files hold (`options_for`). Raises `FitError`.

    Own mail among the examples keeps the rule of its vocabulary, which unlabelled mail, of which
    nobody knows whose it is, would go around: both together are refused.
    """
    if unlabelled and any(example.own for example in examples):
        raise FitError(
            'rows with "own": true keep only words that three accounts share, and mail without'
            " labels names no account: train on one of them without the other"
        )
    return fit(by_sender(examples), options_for(examples, len(unlabelled)), unlabelled, progress)


def by_sender(examples: Sequence[Example]) -> list[Example]:
    """The examples with the sender's domain as account where none is given.

    Two people at a public mail provider are not one account: there it is the whole address.
    """
    return [
        example
        if example.account is not None
        else replace(example, account=_account_of(example.mail.sender))
        for example in examples
    ]


def _account_of(sender: str) -> str | None:
    address = sender.rpartition("<")[2].rstrip("> ").casefold().strip()
    domain = address.rpartition("@")[2].strip()
    return (address if domain in PUBLIC_DOMAINS else domain) or None


def own_options(old: Model | None) -> FitOptions:
    """How own models are fitted: with the promise of the model that they are to replace.

    A stricter one would silently send to triage what was routed by itself until then. Without a
    model before, it is the promise of the model that comes with Aboard.
    """
    promised = SHIPPED_OPTIONS.promise.precision if old is None else promise_of(old)
    if promised is not None:
        return replace(OWN_OPTIONS, promise=replace(OWN_OPTIONS.promise, precision=promised))
    return OWN_OPTIONS


@dataclass(frozen=True, slots=True)
class Material:
    """What there is to learn from."""

    shipped: tuple[Example, ...]
    own: tuple[Example, ...]
    """Mail that people labelled, in the order of the labels."""
    marks: tuple[Mark, ...]
    """Which mail with which label each of `own` is."""
    settled: tuple[Example, ...] = ()
    """Closed threads that nobody moved: weak labels. A new model may not lose on them."""
    settled_marks: tuple[Mark, ...] = ()


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
        marks=tuple(map(_mark, mails)),
        settled=tuple(replace(example_of(one), weight=ACCEPTED_WEIGHT) for one in settled),
        settled_marks=tuple(map(_mark, settled)),
    )


def _mark(mail: LabelledMail) -> Mark:
    return Mark.of(mail.message_id, mail.received_at, mail.team)


def example_of(mail: LabelledMail) -> Example:
    """A stored message with its team, as an example of this installation."""
    return Example(
        mail=mail_text.of_message(mail),
        label=mail.team,
        account=f"account-{mail.account_id}",
        own=True,
        received_at=_instant(mail.received_at),
        labelled_at=_instant(mail.labelled_at),
        language=mail.language,
        source="labels",
    )


def _instant(at: datetime) -> str:
    """ISO 8601 with as many digits each time, so that text order is time order."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


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
            "labelled_at": iso(one.labelled_at),
            "language": one.language,
        }
        yield json.dumps(row, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Lesson:
    """A new model, how it did beside the old one, and whether it is to replace it.

    `model` is the very one that `comparison` judged: nothing is fitted again after the verdict.
    """

    model: Model
    comparison: Comparison | None
    """None where there was no old model, or too little new mail to compare on."""
    promote: bool
    reason: str
    own: int
    """Own labels that the model was made from."""
    settled: int
    kept_back: int = 0
    """Own labels that it does not know: those it was judged by, or that would have told it about
    them. They count as corrections from the first moment, and are learned from the next time."""

    @property
    def hash(self) -> str:
        """SHA-256 of the model's file, under which it is kept when it is promoted."""
        return hashlib.sha256(artifact.dump(self.model)).hexdigest()

    def as_json(self) -> dict[str, object]:
        """The JSON shape of docs/INTERFACES.md."""
        return {
            "model": self.model.id,
            "hash": self.hash,
            "own_labels": self.own,
            "kept_back": self.kept_back,
            "settled": self.settled,
            "comparison": None if self.comparison is None else self.comparison.as_json(),
            "better": self.promote,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Split:
    """What to learn from and what to judge by: places in own, then settled mail."""

    known: tuple[int, ...]
    held: tuple[int, ...]
    """Mail that people labelled."""
    accepted: tuple[int, ...]
    """Settled mail of the same time."""


def teach(material: Material, old: Model | None, progress: Progress | None = None) -> Lesson:
    """A model of own and shipped mail, compared with `old` on mail that neither had learnt from.

    The latest own labels that `old` does not know are held out (`split`); the model is made of the
    rest, both answer the held-out mail, and `classifiers.compare.judge` decides. What was judged
    is what is handed back, byte for byte. With too few labels to judge by, or no old model, it is
    made of everything. Raises `FitError` for fewer than two labels altogether.
    """
    everything = range(len(material.own) + len(material.settled))
    if old is None:
        made = _fitted(material, everything, None, progress)
        return _lesson(material, everything, made, (None, True, "there was no model before"))
    learned = learnt.learnt_by(old.info)
    fresh = [at for at, mark in enumerate(material.marks) if not learned.has_mail(mark)]
    if len(fresh) < LEAST_HELD_OUT:
        made = _fitted(material, everything, old, progress)
        reason = (
            f"not promoted: {len(fresh)} mails were labelled that the old model does not know,"
            f" {LEAST_HELD_OUT} are needed to judge by; until then each correction counts by itself"
        )
        return _lesson(material, everything, made, (None, False, reason))
    marks = (*material.marks, *material.settled_marks)
    judgeable = {at for at, mark in enumerate(marks) if not learned.has_mail(mark)}
    parts = split((*material.own, *material.settled), len(material.own), judgeable)
    made = _fitted(material, parts.known, old, progress)
    found = judge(
        summarise(_said(old, material, parts.held)),
        summarise(_said(made, material, parts.held)),
        accepted=(_said(old, material, parts.accepted), _said(made, material, parts.accepted)),
        promise=promise_of(old),
    )
    reason = found.reason
    if not found.promote and not any(at < len(material.own) for at in parts.known):
        reason += (
            "; it learned from no own label, because none was given before the mail arrived by"
            " which it was judged: label newer mail"
        )
    return _lesson(material, parts.known, made, (found, found.promote, reason))


def split(examples: Sequence[Example], own: int, judgeable: set[int]) -> Split:
    """Split by account and time, so that nothing leaks.

    `examples` are `own` labelled mails and then settled ones; by those at the places `judgeable`
    may be judged. Held out are the latest of the labelled ones: a quarter, and no fewer than
    `LEAST_HELD_OUT`. Known is only what was labelled before the first of them arrived, and only
    mail of accounts that are not held out, near-duplicates of held-out mail aside.
    """
    fresh = sorted(examples[at].received_at for at in judgeable if at < own)
    count = max(LEAST_HELD_OUT, math.ceil(len(fresh) / HELD_OUT))
    since = fresh[-min(count, len(fresh))]
    late = [at for at in sorted(judgeable) if examples[at].received_at >= since]
    groups = group_examples(examples).tolist()
    aside = {groups[at] for at in late}
    known = [
        at
        for at, one in enumerate(examples)
        if groups[at] not in aside and one.labelled_at < since and one.received_at < since
    ]
    return Split(
        known=tuple(known),
        held=tuple(at for at in late if at < own),
        accepted=tuple(at for at in late if at >= own),
    )


def _fitted(
    material: Material, known: Sequence[int], old: Model | None, progress: Progress | None
) -> Model:
    """The model of shipped mail and of own at the places `known`; its info says which."""
    own = (*material.own, *material.settled)
    marks = (*material.marks, *material.settled_marks)
    model = fit(
        mix(material.shipped, [own[at] for at in known]), own_options(old), progress=progress
    )
    labelled = sum(at < len(material.own) for at in known)
    said = {"own_labels": labelled, **learnt.as_info(marks[at] for at in known)}
    return replace(model, info={**model.info, **said})


def _said(model: Model, material: Material, places: Sequence[int]) -> tuple[Outcome, ...]:
    own = (*material.own, *material.settled)
    return evaluate(model, [own[at] for at in places]).outcomes if places else ()


def _lesson(
    material: Material,
    known: Sequence[int],
    model: Model,
    verdict: tuple[Comparison | None, bool, str],
) -> Lesson:
    labelled = sum(at < len(material.own) for at in known)
    comparison, promote, reason = verdict
    return Lesson(
        model=model,
        comparison=comparison,
        promote=promote,
        reason=reason,
        own=labelled,
        settled=len(known) - labelled,
        kept_back=len(material.own) - labelled,
    )
