"""A copy of a SQLite database as it is at one instant, also while others write, and back again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from inbox.errors import StoreError

PATIENCE = 10.0
"""Seconds to wait for somebody who is writing."""


def copy(source: Path, target: Path) -> None:
    """Make `target` what `source` is now, in one transaction of each. Raises `StoreError`.

    Who has `target` open sees the copy from their next transaction on.
    """
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=PATIENCE)) as here,
            closing(sqlite3.connect(target, timeout=PATIENCE)) as there,
        ):
            here.backup(there)
    except sqlite3.Error as error:
        raise StoreError(f"{source} could not be copied to {target}: {error}") from error
