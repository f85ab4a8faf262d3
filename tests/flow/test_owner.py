"""Who holds a lease: the living keep theirs, what the dead of a node held is given back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from inbox.flow import owner
from inbox.flow.intake import file as filing
from inbox.flow.owner import is_gone, new_owner, recover
from inbox.store import intake
from tests.flow.house import House, mail

on_linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc")


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """Another living process."""
    process = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    yield process
    process.kill()
    process.communicate()


def owned_by(pid: int, node: str = "n1") -> str:
    return f"{node}/{pid}/{owner._token(pid)}/abcd"


def claimed(house: House, *owners: str) -> None:
    """One mail for each owner, who holds it."""
    for name in owners:
        house.accept(mail(id=f"{name}@a"))
        assert len(filing.claim(house.db, filing.Rules(name, 1), house.now)) == 1


@pytest.mark.parametrize("node", ["n1", "a/b/c/d", "ö" * 200])
def test_an_owner_fits_the_store_lives_and_is_named_but_once(node: str) -> None:
    names = {new_owner(node) for _ in range(50)}
    assert len(names) == 50
    assert all(len(name) <= owner.MOST_LETTERS for name in names)
    assert not any(is_gone(name, node) for name in names)


def test_long_nodes_that_begin_alike_are_told_apart() -> None:
    assert owner._short("n" * 70) != owner._short("n" * 71)


def test_a_process_that_ended_is_gone_and_its_successor_by_number_is_not_it(
    other: subprocess.Popen[bytes],
) -> None:
    name = owned_by(other.pid)
    assert not is_gone(name, "n1")
    other.kill()
    other.communicate()
    assert is_gone(name, "n1")


@on_linux
def test_a_process_with_the_number_of_a_dead_one_is_another() -> None:
    pid = new_owner("n1").split("/")[1]
    assert is_gone(f"n1/{pid}/123456789abc/abcd", "n1")
    assert not is_gone(f"n1/{pid}/{owner._UNKNOWN}/abcd", "n1")


@on_linux
def test_a_zombie_is_gone(other: subprocess.Popen[bytes]) -> None:
    name = owned_by(other.pid)
    other.kill()
    with (Path("/proc") / str(other.pid) / "stat").open() as stat:
        while ") Z " not in stat.read():
            stat.seek(0)
    assert is_gone(name, "n1")


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("n1", True),
        ("n2", False),
        ("n2/1/0/abcd", False),
        ("n1/x/0/abcd", False),
        ("n1/1", False),
        ("", False),
        (f"n1/{10**18}/0/abcd", True),
        (f"n1/{10**30}/0/abcd", True),
    ],
)
def test_only_owners_of_the_node_are_gone(name: str, gone: bool) -> None:
    assert is_gone(name, "n1") is gone


def test_a_node_that_starts_gets_back_what_its_dead_held_and_nothing_else(
    house: House, other: subprocess.Popen[bytes]
) -> None:
    dead = owned_by(other.pid)
    claimed(house, dead, "n1", new_owner("n1"), f"n2/{10**18}/0/abcd")
    other.kill()
    other.communicate()
    assert recover(house.db, "n1", 2, house.now) == 2
    again = [filing.claim(house.db, house.rules, house.now) for _ in range(3)]
    assert [[one.ledger_id for one in claims] for claims in again] == [[1], [2], []]
    house.now += house.rules.lease_for + timedelta(seconds=1)
    assert recover(house.db, "n1", 2, house.now) == 2
    left = [filing.claim(house.db, house.rules, house.now) for _ in range(4)]
    assert sorted(one.ledger_id for claims in left for one in claims) == [1, 2, 3, 4]


def test_a_mail_that_brings_the_node_down_again_and_again_ends_in_quarantine(
    house: House,
) -> None:
    house.accept(mail(id="1@a"))
    starts = 0
    while claims := filing.claim(house.db, house.rules, house.now):
        assert len(claims) == 1
        recover(house.db, "n1", 2, house.now)
        starts += 1
    assert starts == 20
    (row,) = house.ledger()
    assert (row.state, row.cause, row.attempts) == ("quarantined", "over-limit", 20)
    assert "20 attempts" in (row.detail or "")
    with house.db.write() as conn:
        assert intake.retry(conn, None, house.now) == 1
    house.file()
    assert house.states() == {"filed": 1}
