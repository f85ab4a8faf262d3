"""Reports: what they count, and that a number and the threads behind it are the same, on both
databases."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from inbox.store import accounts, assignments, people, reports
from inbox.store.accounts import NewAccount
from inbox.store.assignments import Assignment
from inbox.store.database import Conn, Database
from inbox.store.finding import Eyes
from inbox.store.hits import TAKES_BACK
from inbox.store.reports import BY, REPORTS, Asking
from inbox.store.tables import threads as threads_table
from tests.databases import NOW
from tests.store.company import MINUTE, open_thread
from tests.store.test_lists import write_message

DAY = timedelta(days=1)
WENT: tuple[tuple[str, ...], ...] = (
    ("support",),
    ("support", "success"),
    ("support", "success", "support"),
    ("support", "support"),
    ("support", "success", "support", "success"),
    (),
)
"""The teams that threads 1, 2, ... were given to, one after another."""


def assign(conn: Conn, thread: int, team: str, decision: dict[str, Any]) -> int:
    tom = people.by_handle(conn, "tom").id
    made = Assignment(
        thread, None, NOW, "person", team, tom, tom, None, None, None, None, decision, {}
    )
    return assignments.append(conn, made)


@pytest.fixture
def told(house: Database) -> Database:
    """Six threads of two accounts that are both called Acme (1 and 2), each with a mail."""
    with house.write() as conn:
        accounts.create(conn, NewAccount("Acme", NOW), ["other.example"])
        for number, teams in enumerate(WENT, start=1):
            at = NOW + number * MINUTE
            open_thread(conn, at, account_id=1 + number % 2, team=(*teams, "support")[0])
            write_message(conn, number, number, account_id=1 + number % 2)
            for team in teams:
                assign(conn, number, team, {})
    return house


def asking(name: str, by: str = "team", **more: Any) -> Asking:
    return Asking(name, by, NOW - DAY, NOW + DAY, Eyes(None, NOW + 2 * DAY), **more)


def behind(conn: Conn, one: Asking) -> list[int]:
    wanted = select(threads_table.c.id).where(reports.in_cell(one)).order_by(threads_table.c.id)
    return list(conn.scalars(wanted))


def test_reassignments_count_moves_and_not_teams(told: Database) -> None:
    with told.read() as conn:
        found = {
            part: behind(conn, asking("reassignments", part=part))
            for part in REPORTS["reassignments"].parts
        }
    assert found == {"never": [1, 4, 6], "once": [2], "more often": [3, 5]}


def test_a_move_that_was_taken_back_was_none(told: Database) -> None:
    with told.write() as conn:
        moved = assign(conn, 1, "success", {})
        assign(conn, 1, "support", {TAKES_BACK: moved})
        assert 1 in behind(conn, asking("reassignments", part="never"))
        assign(conn, 1, "success", {})
        assert 1 in behind(conn, asking("reassignments", part="once"))


def test_accounts_of_one_name_are_two_groups(told: Database) -> None:
    with told.read() as conn:
        cells = reports.cells(conn, asking("volume", "account"))
        assert {(one.key, one.part, one.count) for one in cells} == {
            (key, part, 3) for key in ("1", "2") for part in ("mails", "new threads")
        }
        assert behind(conn, asking("volume", "account", key="1")) == [2, 4, 6]
        names = reports.account_names(conn, {one.key for one in cells})
        assert names == {"1": "Acme · 1", "2": "Acme · 2"}
        assert reports.account_names(conn, {"1"}) == {"1": "Acme"}


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("by", BY)
def test_every_number_opens_exactly_the_threads_of_its_facts(
    told: Database, name: str, by: str
) -> None:
    with told.read() as conn:
        facts = list(reports.rows(conn, asking(name, by)))
        cells = reports.cells(conn, asking(name, by))
        assert sum(one.count for one in cells) == len(facts)
        for one in cells:
            mine = list(reports.rows(conn, asking(name, by, key=one.key, part=one.part)))
            assert len(mine) == one.count
            assert not Counter(mine) - Counter(facts)
            threads = behind(conn, asking(name, by, key=one.key, part=one.part))
            assert threads == sorted({row[0] for row in mine})
