"""How commands speak: tables or JSON on standard output, errors as one line on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

CUT = {"subject": 80, "about": 80}
"""Columns that hold what a customer wrote -> most cells of one; JSON keeps all of it."""

MOST_ROWS = 10**9
"""Of a list; a database takes no number beyond 64 bits for a limit."""

ERRORS = Console(stderr=True, highlight=False, soft_wrap=True)


def as_json(value: Any) -> None:
    """One JSON value on a line of its own."""
    sys.stdout.buffer.write(orjson.dumps(value) + b"\n")
    sys.stdout.flush()


def json_lines(values: Iterable[Any]) -> None:
    """One JSON value a line."""
    for value in values:
        as_json(value)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """A table for people; `empty` says what it means when there is nothing to list.

    What customers wrote is shown as text, never read as markup or as terminal codes.
    """
    listed = [
        [_cell(column, cell) for column, cell in zip(columns, row, strict=True)] for row in rows
    ]
    if not listed:
        line(empty)
        return
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in listed:
        shown.add_row(*row)
    # A pipe has no width: there every row stays on one line, for grep.
    Console(width=None if sys.stdout.isatty() else 400, highlight=False).print(shown)


def _cell(column: str, value: object) -> Text:
    text = Text(_printable(str(value)))
    if column in CUT:
        text.truncate(CUT[column], overflow="ellipsis")
    return text


def line(text: str = "") -> None:
    """A line for people."""
    sys.stdout.write(_printable(text) + "\n")


def error(text: str) -> None:
    """A line on standard error."""
    ERRORS.print(Text(_printable(text)))


def _printable(text: str) -> str:
    """Without control characters, which a terminal would obey."""
    return "".join(c if c in "\n\t" or c.isprintable() else "\ufffd" for c in text)


@contextmanager
def progress(what: str, total: float | None) -> Iterator[Any]:
    """A progress bar on standard error while it is a terminal; gives `advance(amount)`."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn() if total and total > 10_000 else TextColumn("{task.completed:.0f}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=ERRORS, transient=True, disable=not ERRORS.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda amount=1: bar.advance(task, amount)
