"""`aboard classifier explain`: why a model says what it says, for texts, files, stored mail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifiers.dataset import read_mail, read_row
from classifiers.model import Explanation, Model, Prediction
from classifiers.text import MailText
from inbox.cli import classifying, opening, output
from inbox.errors import AboardError
from inbox.flow.learning.guess import Near, mail_of_message, nearest
from inbox.store.database import Conn


@dataclass(frozen=True, slots=True)
class Asked:
    """How to explain."""

    model: Path | None
    label: str
    terms: int
    json: bool


@dataclass(frozen=True, slots=True)
class Explained:
    """One mail's answer with its reasons."""

    prediction: Prediction
    explanation: Explanation
    nearest: tuple[Near, ...]

    def as_json(self, terms: int) -> dict[str, Any]:
        """What `predict` prints, with all the parts of one label's margin and the nearest."""
        said = self.explanation
        return self.prediction.as_json() | {
            "explained": said.label,
            "margin": round(said.margin, 6),
            "bias": round(said.bias, 6),
            "parts": [part.as_json() for part in said.parts[:terms]],
            "nearest": [one.as_json() for one in self.nearest],
        }


def explain(what: str, asked: Asked) -> None:
    """Explain a stored message (a number), the lines of a file or `-`, or a text as it stands."""
    model = classifying.model(asked.model)
    if asked.label and asked.label not in model.labels:
        raise AboardError(
            f"this model knows no label {asked.label!r}; it knows {', '.join(model.labels)}"
        )
    with _history(asked.model) as conn:
        for mail, thread_id in _mails(what, conn):
            found = Explained(
                model.predict(mail),
                model.explain(mail, asked.label or None),
                () if conn is None else nearest(conn, model, mail, without=thread_id),
            )
            if asked.json:
                output.as_json(found.as_json(asked.terms))
            else:
                _say(found, model, asked.terms)


@contextmanager
def _history(model: Path | None) -> Iterator[Conn | None]:
    """A view of the database; None where a model file was named and there is no database here."""
    if model is not None and not opening.config_path().exists():
        yield None
        return
    with opening.database() as (_, db), db.read() as conn:
        yield conn


def _mails(what: str, conn: Conn | None) -> Iterator[tuple[MailText, int]]:
    """(mail, its thread or 0)."""
    number = what.strip().lstrip("#")
    if number.isascii() and number.isdigit():
        if conn is None:
            raise AboardError(
                f"message {number}: there is no configuration here, so no stored mail"
            )
        yield mail_of_message(conn, opening.number(number, "message"))
    elif what == "-" or _is_file(what):
        with classifying.lines(what) as (name, found):
            for at, line in enumerate(found, start=1):
                if not line.strip():
                    continue
                try:
                    yield read_mail(read_row(line)), 0
                except ValueError as error:
                    raise AboardError(f"{name}:{at}: {error}") from None
    else:
        yield MailText(visible=what), 0


def _is_file(what: str) -> bool:
    try:
        return Path(what).is_file()
    except OSError:
        return False  # a text is longer than any file's name may be


def _say(found: Explained, model: Model, terms: int) -> None:
    said, why = found.prediction, found.explanation
    shares = ", ".join(
        f"{label} {score:.1%}"
        for label, score in sorted(said.scores.items(), key=lambda one: -one[1])[:5]
    )
    sure = "too unsure to route by itself" if said.abstain else "sure enough to route"
    output.line(f"{said.label}: {said.score:.1%}, {sure} (model {model.id})")
    output.line(f"all: {shares}")
    output.line(f"why {why.label}: margin {why.margin:+.3f} = bias {why.bias:+.3f} + the words")
    output.table(
        ("weight", "word or phrase"),
        ((f"{part.weight:+.4f}", part.term) for part in why.parts[:terms]),
        empty="It has no word in it.",
    )
    output.table(
        ("likeness", "thread", "now with", "about"),
        (
            (f"{one.likeness:.2f}", one.thread_id, one.team, one.subject or "(no subject)")
            for one in found.nearest
        ),
        empty="No past thread is like it.",
    )
    output.line()
