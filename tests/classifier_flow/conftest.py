"""A company with four teams, on each kind of database."""

from __future__ import annotations

from pathlib import Path

import pytest

from inbox.store.database import Database
from tests.classifier_flow.office import open_office
from tests.flow.house import House


@pytest.fixture
def office(db: Database, tmp_path: Path) -> House:
    """A company with four teams, its files in force, no model yet."""
    return open_office(db, tmp_path)
