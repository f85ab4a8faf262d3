"""A company with rules in force, on each kind of database, and a terminal in an empty folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from inbox.store import schema
from inbox.store.database import Database
from tests.cli.running import Terminal
from tests.flow.house import House, make


@pytest.fixture
def house(db: Database, tmp_path: Path) -> House:
    """The company with its files in force."""
    return make(db, tmp_path)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with our schema and nothing in it; copied, as making it costs more."""
    path = tmp_path_factory.mktemp("template") / "aboard.db"
    db = Database(f"sqlite:///{path}")
    schema.create(db)
    db.checkpoint()
    db.close()
    return path


@pytest.fixture
def small(tmp_path: Path, empty_database: Path) -> Iterator[House]:
    """The same on SQLite only, for what does not depend on the database."""
    shutil.copyfile(empty_database, tmp_path / "aboard.db")
    db = Database(f"sqlite:///{tmp_path / 'aboard.db'}")
    yield make(db, tmp_path)
    db.close()


@pytest.fixture
def terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Terminal:
    """A terminal in an empty folder, without any configuration."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ABOARD_CONFIG", raising=False)
    return Terminal(tmp_path, capsys)
