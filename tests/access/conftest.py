"""The small company of `tests/flow/house.py`, on each kind of database."""

from __future__ import annotations

from pathlib import Path

import pytest

from inbox.store.database import Database
from tests.access.hashes import cheapened
from tests.flow.house import House, make


@pytest.fixture
def house(db: Database, tmp_path: Path) -> House:
    """A small company with its files in force."""
    return make(db, tmp_path)


@pytest.fixture(autouse=True)
def cheap_hashes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cheap hashes, but where a test asks for the real ones."""
    if "real_hashes" not in request.fixturenames:
        cheapened(monkeypatch)


@pytest.fixture
def real_hashes() -> None:
    """For a test that looks at the parameters of a hash."""
