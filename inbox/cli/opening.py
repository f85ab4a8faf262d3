"""Open what a command works on: the configuration, the database, the files in force."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inbox.config import Settings, load
from inbox.errors import AboardError

if TYPE_CHECKING:
    from inbox.store.database import Database


MOST_DIGITS = 18
"""Digits of a number that a database key (64 bits) can hold for certain."""


@dataclass(slots=True)
class Where:
    """Which configuration the command line named."""

    config: Path | None = None


WHERE = Where()


def config_path() -> Path:
    """`--config`, else ABOARD_CONFIG, else ./aboard.yaml."""
    if WHERE.config is not None:
        return WHERE.config
    return Path(os.environ.get("ABOARD_CONFIG", "aboard.yaml"))


def settings() -> Settings:
    """The settings. Raises `ConfigError`."""
    return load(config_path(), os.environ)


@contextmanager
def database(given: Settings | None = None) -> Iterator[tuple[Settings, Database]]:
    """The settings and their database, closed at the end; a file database must be there already.

    Raises `ConfigError` and `StoreError`.
    """
    from inbox.app import open_database

    chosen = given or settings()
    db = open_database(chosen)
    try:
        yield chosen, db
    finally:
        db.close()


@contextmanager
def working(given: Settings | None = None) -> Iterator[tuple[Settings, Database]]:
    """As `database`, with the admin's files put in force first, as `serve` does."""
    from inbox.app import put_in_force
    from inbox.cli.output import error

    with database(given) as (chosen, db):
        for problem in put_in_force(db, chosen):
            error(problem.framed())
        yield chosen, db


def number(text: str, what: str) -> int:
    """A positive whole number that the command line gave as text."""
    cleaned = text.strip().lstrip("#")
    if not (cleaned.isascii() and cleaned.isdigit()):  # "²" is a digit too, which int() refuses
        raise AboardError(f"{what} {text!r} is not a number (the lists show them in front)")
    if len(cleaned) > MOST_DIGITS:
        raise AboardError(
            f"{what} {cleaned[:MOST_DIGITS]}...: there is no number this long"
            " (the lists show them in front)"
        )
    return int(cleaned)
