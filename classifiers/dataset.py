"""Labelled mail on disk: JSON lines in, examples out, every problem with its line. Not a database.

A row is `{"subject", "body", "attachments", "from", "team"}` or `{"text", "label"}`; it may carry
`quoted`, `account`, `own`, `weight`, `received_at`, `labelled_at`, `industry`, `language`, `kind`.
The label field can be named. Unknown fields are ignored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from classifiers.text import MailText

MAX_LINE = 8 * 1024 * 1024
"""Characters in one line; more is not a mail but a mistake."""
_SHOWN = 50
"""Problems reported in one run before the rest is only counted."""


@dataclass(frozen=True, slots=True)
class DataProblem:
    """One line that cannot be used."""

    file: str
    line: int
    """1-based; 0 where the whole file is meant."""
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.message}"


class DataError(Exception):
    """Labelled mail that cannot be read; `problems` lists every line found wrong."""

    def __init__(self, problems: Sequence[DataProblem]) -> None:
        self.problems = tuple(problems)
        shown = [str(problem) for problem in self.problems[:_SHOWN]]
        if len(self.problems) > _SHOWN:
            shown.append(f"... and {len(self.problems) - _SHOWN} more")
        super().__init__("\n".join(shown))


@dataclass(frozen=True, slots=True)
class Example:
    """One mail and the label a person gave it."""

    mail: MailText
    label: str
    account: str | None = None
    """All mail of one account stays on one side of a split."""
    weight: float = 1.0
    own: bool = False
    """From this installation, not shipped: its held-out mail is what counts."""
    received_at: str = ""
    """ISO 8601 in UTC, so that text order is time order; empty where unknown."""
    labelled_at: str = ""
    """When its label became known, in the same form; empty: it was always known."""
    industry: str = ""
    language: str = ""
    kind: str = ""
    source: str = ""
    """File name without folder."""


def read_mail(row: Mapping[str, object]) -> MailText:
    """The mail of one row. ValueError says which field is wrong."""
    attachments = row.get("attachments") or []
    if not isinstance(attachments, list) or not all(isinstance(n, str) for n in attachments):
        raise ValueError('"attachments" must be a list of file names')
    if "text" in row:
        return MailText(visible=_text(row, "text"), attachments=tuple(attachments))
    if "body" not in row and "subject" not in row:
        raise ValueError('a row needs "text", or "subject" and "body"')
    visible, quoted = split_quoted(_text(row, "body"))
    return MailText(
        subject=_text(row, "subject"),
        visible=visible,
        quoted=_text(row, "quoted") or quoted,
        attachments=tuple(attachments),
        sender=_text(row, "from"),
    )


def _text(row: Mapping[str, object], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f'"{name}" must be text, not {type(value).__name__}')
    return value


def split_quoted(body: str) -> tuple[str, str]:
    """(what was written, what was quoted with `>`). Mail from the inbox comes already split."""
    if "\n>" not in body and not body.startswith(">"):
        return body, ""
    lines = body.split("\n")
    quoted = [line for line in lines if line.lstrip().startswith(">")]
    return "\n".join(line for line in lines if not line.lstrip().startswith(">")), "\n".join(quoted)


def read_example(line: str, label_field: str = "team", source: str = "") -> Example:
    """One line of JSON as an example. ValueError says what is wrong with it."""
    row = read_row(line)
    label = row.get(label_field, row.get("label"))
    if label is None:
        others = ", ".join(f'"{name}"' for name in row)
        raise ValueError(f'there is no "{label_field}" and no "label" in it, only {others}')
    if not isinstance(label, str) or not label.strip() or len(label) > 200:
        raise ValueError(f'"{label_field}" (or "label") must be a text of 1 to 200 characters')
    weight = row.get("weight", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight <= 100:
        raise ValueError('"weight" must be a number above 0 and at most 100')
    return Example(
        mail=read_mail(row),
        label=label.strip(),
        account=_text(row, "account") or None,
        weight=float(weight),
        own=row.get("own") is True,
        received_at=_text(row, "received_at"),
        labelled_at=_text(row, "labelled_at"),
        industry=_text(row, "industry"),
        language=_text(row, "language"),
        kind=_text(row, "kind"),
        source=source,
    )


def read_row(line: str) -> dict[str, object]:
    """One JSON object. ValueError says what is there instead."""
    if len(line) > MAX_LINE:
        raise ValueError(f"a line of {len(line)} characters; at most {MAX_LINE} are read")
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at column {error.colno}") from None
    except RecursionError:
        raise ValueError("not JSON that can be read: nested too deeply") from None
    if not isinstance(row, dict):
        raise ValueError(f"a JSON object is needed, this is {type(row).__name__}")
    return row


def read_examples(paths: Iterable[Path], label_field: str = "team") -> list[Example]:
    """All examples of `paths` in order; empty lines are passed over.

    DataError lists every unusable line of every file at once.
    """
    examples: list[Example] = []
    problems: list[DataProblem] = []
    for path in paths:
        try:
            for number, line in _lines(path):
                try:
                    text = decoded(line, first=number == 1)
                    if text.strip():
                        examples.append(read_example(text, label_field, path.name))
                except ValueError as error:
                    problems.append(DataProblem(str(path), number, str(error)))
        except OSError as error:
            reason = error.strerror or str(error)
            problems.append(DataProblem(str(path), 0, f"cannot be read: {reason}"))
    if problems:
        raise DataError(problems)
    return examples


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        yield from enumerate(file, start=1)


def decoded(line: bytes, *, first: bool = False) -> str:
    """One line of UTF-8; the `first` of a file may begin with a byte order mark.

    ValueError names the byte of this line, counted from 0, that is none.
    """
    try:
        return line.decode("utf-8-sig" if first else "utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start} of the line") from None


def data_hash(examples: Iterable[Example]) -> str:
    """SHA-256 over the examples as read, whatever their order: which data made this model."""
    rows = sorted(
        json.dumps(
            [
                example.label,
                example.weight,
                example.mail.subject,
                example.mail.visible,
                example.mail.quoted,
                list(example.mail.attachments),
                example.mail.sender,
            ]
        )
        for example in examples
    )
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
