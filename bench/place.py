"""A working folder and a fresh database for a measurement, and mails that nobody here wrote."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from inbox.app import open_database, put_in_force
from inbox.cli.starter import write_folder
from inbox.config import Settings, load
from inbox.mail.mbox import messages_at
from inbox.store.database import Database

SHARED = Path(os.environ.get("ABOARD_SHARED", Path(__file__).parent.parent.parent / "shared"))


@contextmanager
def fresh(workers: int = 2) -> Iterator[tuple[Settings, Database]]:
    """Settings and an empty SQLite database with the shipped files in force."""
    with tempfile.TemporaryDirectory(prefix="aboard-bench-") as folder:
        where = Path(folder) / "work"
        for _ in write_folder(where):
            pass
        settings = load(where / "aboard.yaml", {})
        settings = replace(settings, filing=replace(settings.filing, workers=workers))
        db = open_database(settings)
        put_in_force(db, settings)
        try:
            yield settings, db
        finally:
            db.close()


def real_mails() -> list[bytes]:
    """The SpamAssassin mails of the shared corpora; empty where they are not there."""
    folder = SHARED / "corpora" / "spamassassin"
    return [raw for path in sorted(folder.glob("*.mbox")) for _, _, raw in messages_at(path)]
