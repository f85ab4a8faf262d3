"""What the classifier's commands share: a model by file or from the database, files, progress."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from inbox.cli import opening, output
from inbox.errors import AboardError

if TYPE_CHECKING:
    from classifiers.dataset import Example
    from classifiers.model import Model

Tell = Callable[[str, int, int], None]


@contextmanager
def telling(what: str) -> Iterator[Tell]:
    """A progress bar on standard error while it is a terminal; gives `tell(what, done, of)`."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    shown = output.ERRORS.is_terminal
    with Progress(*columns, console=output.ERRORS, transient=True, disable=not shown) as bar:
        task = bar.add_task(what, total=None)

        def tell(now: str, done: int, of: int) -> None:
            bar.update(task, description=now, completed=done, total=of)

        yield tell


@contextmanager
def said_plainly() -> Iterator[None]:
    """What a person can act on (a bad model file, bad data) becomes one line and exit code 1."""
    from classifiers.artifact import ModelError
    from classifiers.dataset import DataError
    from classifiers.fit import FitError

    try:
        yield
    except (ModelError, DataError, FitError) as error:
        raise AboardError(str(error)) from None


def examples(paths: list[Path], label_field: str) -> list[Example]:
    """Labelled mail of files; every unusable line is named. Raises `AboardError`."""
    from classifiers.dataset import read_examples

    with said_plainly():
        found = read_examples(paths, label_field)
    if not found:
        raise AboardError(f"{', '.join(map(str, paths))}: there is not one labelled mail in it")
    return found


def model(path: Path | None) -> Model:
    """The model in a file, or the one in force. Raises `AboardError`."""
    from classifiers import artifact

    with said_plainly():
        if path is not None:
            return artifact.load(path)
        from inbox import shipped
        from inbox.flow.learning import models

        with opening.database() as (_, db), db.read() as conn:
            live = models.in_force(conn)
    if live is not None:
        return live.model
    output.error("no model is in force yet: this is the one that comes with Aboard")
    with said_plainly():
        return artifact.load(shipped.MODEL)


def save(made: Model, path: Path) -> int:
    """Write a model file; its size in bytes. Raises `AboardError`."""
    from classifiers import artifact

    try:
        artifact.save(made, path)
        return path.stat().st_size
    except OSError as error:
        raise AboardError(f"{path}: cannot be written: {error.strerror or error}") from None


def writable(path: Path) -> None:
    """Refuse a target in a folder that is not there before hours of work, not after."""
    if not path.parent.is_dir():
        raise AboardError(f"{path}: there is no folder {path.parent} to write it into")
    if path.is_dir():
        raise AboardError(f"{path}: this is a folder; name a file")


@contextmanager
def lines(file: str) -> Iterator[tuple[str, Iterator[str]]]:
    """(name for errors, lines) of a file, or of standard input for `-`; UTF-8, with or without BOM.

    Raises `AboardError` for a file that is not there, and at the line that is not UTF-8.
    """
    if file == "-":
        yield "standard input", _decoded(sys.stdin.buffer, "standard input")
        return
    try:
        with Path(file).open("rb") as stream:
            yield file, _decoded(stream, file)
    except BrokenPipeError:
        raise  # the reader of our answers went away; that is no fault of the file
    except OSError as error:
        raise AboardError(f"{file}: cannot be read: {error.strerror or error}") from None


def _decoded(stream: IO[bytes], name: str) -> Iterator[str]:
    from classifiers.dataset import decoded

    for number, raw in enumerate(stream, start=1):
        try:
            yield decoded(raw, first=number == 1)
        except ValueError as error:
            raise AboardError(f"{name}:{number}: {error}") from None


def write(text: str) -> None:
    """One line of JSON on standard output, at once; a lone surrogate stays the escape it was."""
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace") + b"\n")
    sys.stdout.buffer.flush()
