"""People, teams and sets in force are kept in step with the files; assignments are appended."""

from __future__ import annotations

import pytest

from inbox.errors import NotFound
from inbox.store import assignments, people, sets
from inbox.store.database import Database
from routing.teams import Directory, Member, Team
from tests.databases import NOW
from tests.store.company import MAYA, MINUTE, TOM, open_thread

# --- People and what admins own --------------------------------------------------------------


def test_people_and_teams_are_as_the_file_says(house: Database) -> None:
    with house.read() as conn:
        assert people.team_names(conn) == ("success", "support")
        assert people.duty_holder(conn, "support").handle == "tom"
        assert {one.handle for one in people.everybody(conn).values()} == {"maya", "tom"}
        with pytest.raises(NotFound):
            people.duty_holder(conn, "legal")


def test_who_left_the_file_stays_known_but_is_not_found_any_more(house: Database) -> None:
    with house.write() as conn:
        tom = people.by_handle(conn, "tom").id
        people.sync(conn, Directory((MAYA,), (Team("success", "Success", "maya", ("maya",)),)))
        assert people.team_names(conn) == ("success",)
        assert people.by_id(conn, tom).active is False
        with pytest.raises(NotFound):
            people.by_handle(conn, "tom")


@pytest.mark.parametrize(
    "new",
    [
        (Member("maya-o", "Maya Okafor", "maya@aboard.example", "admin"), TOM),  # a new handle
        (
            Member("maya", "Maya", "tom@aboard.example", "admin"),
            Member("tom", "Tom", "maya@aboard.example", "lead"),
        ),  # swapped addresses
        (Member("new", "New", "tom@aboard.example", "agent"), MAYA),  # inherits an address
    ],
)
def test_handles_and_addresses_may_change_hands(house: Database, new: tuple[Member, ...]) -> None:
    handle = new[0].handle
    with house.write() as conn:
        people.sync(conn, Directory(new, (Team("support", "Support", handle, (handle,)),)))
        assert people.by_handle(conn, handle).address == new[0].address
        active = [one for one in people.everybody(conn).values() if one.active]
        assert sorted(one.address for one in active) == sorted(one.address for one in new)


def test_a_set_in_force_stays_until_a_better_one_comes(db: Database) -> None:
    with db.write() as conn:
        assert sets.active(conn, "rules") is None
        assert sets.activate(conn, "rules", "h1", {"a.yaml": "1"}, NOW)
        assert not sets.activate(conn, "rules", "h1", {"a.yaml": "1"}, NOW + MINUTE)
        sets.refuse(conn, "rules", [{"file": "a.yaml", "line": 3, "message": "no"}])
    with db.read() as conn:
        held = sets.active(conn, "rules")
        assert held is not None
        assert (held.hash, held.files, held.activated_at) == ("h1", {"a.yaml": "1"}, NOW)
        assert held.problems[0]["line"] == 3
    with db.write() as conn:
        assert sets.activate(conn, "rules", "h2", {"a.yaml": "2"}, NOW + MINUTE)
        assert sets.activate(conn, "rules", "h1", {"a.yaml": "1"}, NOW + 2 * MINUTE)
        sets.refuse(conn, "unknown", [{"file": "x"}])
    with db.read() as conn:
        held = sets.active(conn, "rules")
        assert held is not None
        assert (held.hash, held.problems, held.activated_at) == ("h1", (), NOW + 2 * MINUTE)
        assert sets.by_hash(conn, "rules", "h2") == {"a.yaml": "2"}
        assert sets.by_hash(conn, "rules", "h3") is None
        assert sets.active_hashes(conn) == {"rules": "h1"}


def test_assignments_are_appended_and_read_in_order(house: Database) -> None:
    with house.write() as conn:
        thread = open_thread(conn)
        for number in (1, 2):
            made = assignments.Assignment(
                thread_id=thread,
                message_id=None,
                at=NOW + number * MINUTE,
                decided_by="person",
                team="support",
                accountable_id=1,
                by_id=1,
                rule=None,
                ruleset=None,
                model=None,
                score=None,
                decision={"team": "support"},
                facts={"subject": "ü 契"},
            )
            assert assignments.append(conn, made) == number
        kept = assignments.of_thread(conn, thread)
    assert [one.at for one in kept] == [NOW + MINUTE, NOW + 2 * MINUTE]
    assert kept[0].facts == {"subject": "ü 契"}
