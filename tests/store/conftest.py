"""People, teams and an account, on each kind of database."""

from __future__ import annotations

import pytest

from inbox.store import accounts, people
from inbox.store.accounts import NewAccount
from inbox.store.database import Database
from tests.databases import NOW
from tests.store.company import BOTH_PEOPLE


@pytest.fixture
def house(db: Database) -> Database:
    """People, teams and one account (number 1, `Acme`, acme.example)."""
    with db.write() as conn:
        people.sync(conn, BOTH_PEOPLE)
        accounts.create(conn, NewAccount("Acme", NOW), ["acme.example", "acme.test"])
    return db
