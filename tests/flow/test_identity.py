"""Nobody gains a thread by what anybody can write into a mail (DESIGN I6)."""

from __future__ import annotations

from typing import Any

import pytest

from inbox.errors import AboardError
from inbox.flow.deciding.unit import Unit
from inbox.flow.people.confidential import Confidential
from inbox.flow.working import merging
from inbox.store import account_moves, accounts
from inbox.store.database import Conflict, is_conflict
from inbox.store.tables import metadata
from tests.flow.house import House, mail

REFS = {"refs": ["1@a"]}


@pytest.mark.parametrize(
    "forged",
    [
        mail(
            "eve@evil.example",
            id="2@e",
            headers={"Sender": "ana@acme.example", "References": "<1@a>"},
        ).replace(b"From: eve@evil.example", b"X-From: eve@evil.example"),
        mail("ana@acme.example, eve@evil.example", id="2@e", **REFS),
        b"From: ana@acme.example\nFrom: eve@evil.example\n" + b"To: hello@aboard.example\n"
        b"Message-ID: <2@e>\nReferences: <1@a>\nSubject: Re: Kickoff\n\nHi.\n",
    ],
    ids=["only Sender", "two authors", "two From fields"],
)
def test_only_one_single_from_joins_a_thread(house: House, forged: bytes) -> None:
    house.receive(mail(id="1@a"))
    house.receive(forged)
    assert house.components() == {frozenset({"1@a"}), frozenset({"2@e"})}


def test_a_reverse_path_joins_no_thread(house: House) -> None:
    house.receive(mail(id="1@a"))
    nameless = mail("x@y.example", id="2@e", **REFS).replace(b"From:", b"X-From:")
    house.accept(nameless, reverse_path="ana@acme.example")
    house.file()
    assert house.components() == {frozenset({"1@a"}), frozenset({"2@e"})}


def test_every_table_of_an_account_goes_along_with_a_merge() -> None:
    listed = {one.name for one in metadata.sorted_tables if "account_id" in one.c}
    assert {one.name for one in account_moves.OF_ACCOUNT} == listed


def test_two_merges_at_once_make_no_circle(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.receive(mail(id="1@a"), mail("bo@other.example", id="1@b"))
    ana, bo = house.message("1@a").account_id, house.message("1@b").account_id
    lock = accounts.lock

    def meanwhile(conn: Any, numbers: Any) -> None:
        lock(conn, numbers)
        account_moves.move_all(conn, bo, ana)

    monkeypatch.setattr(accounts, "lock", meanwhile)
    with pytest.raises(AboardError, match="has just been merged"):
        merging.merge(house.db, ana, bo, "tom", house.now)


def test_merging_accounts_joins_no_confidential_thread(house: House) -> None:
    house.receive(mail(id="1@a"), mail("bo@other.example", id="2@b", refs=["1@a"]))
    one, other = house.thread("1@a"), house.thread("2@b")
    Confidential(house.db).thread(one.id, "tom", True, "", house.now)
    merging.merge(house.db, other.account_id, one.account_id, "tom", house.now)
    assert house.components() == {frozenset({"1@a"}), frozenset({"2@b"})}


def test_an_account_that_was_merged_meanwhile_is_tried_again(house: House) -> None:
    house.receive(mail(id="1@a"), mail("bo@other.example", id="1@b"))
    ana, bo = house.message("1@a").account_id, house.message("1@b").account_id
    with house.db.write() as conn:
        account_moves.move_all(conn, ana, bo)
    with house.db.write() as conn:
        unit = Unit(conn, house.context(), house.now)
        with pytest.raises(Conflict) as caught:
            unit.account(ana)
    assert is_conflict(caught.value)
    house.receive(mail(id="2@a", refs=["1@a"]))
    assert house.message("2@a").account_id == bo
    assert house.components() == {frozenset({"1@a", "2@a"}), frozenset({"1@b"})}
