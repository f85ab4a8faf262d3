"""The small company of `tests/flow/house.py`, on each kind of database."""

from __future__ import annotations

from pathlib import Path

import pytest

from inbox.store.database import Database
from tests.flow.house import House, make


@pytest.fixture
def house(db: Database, tmp_path: Path) -> House:
    """A small company with its files in force."""
    return make(db, tmp_path)
