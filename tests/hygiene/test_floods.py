"""A flood is filed after everybody else's mail, and none of it is lost; loops are stopped."""

from __future__ import annotations

import pytest

from inbox.errors import AboardError
from inbox.flow.intake import file as filing
from inbox.flow.intake import loops
from inbox.flow.intake.accept import Incoming, accept
from inbox.store import intake, tables
from inbox.store import loops as store
from routing.floods import Bounds, Floods
from tests.authentication.signing import Zone
from tests.authentication.test_filing import receive
from tests.flow.house import House, mail


def _flood(house: House, count: int, to: str = "hello@aboard.example") -> None:
    floods = Floods(Bounds(sender=5, domain=500, mailbox=500), frozenset())
    path = "bot@noisy.example"
    incoming = [
        Incoming(
            mail(path, id=f"{n}@noisy.example", to=to),
            "smtp",
            house.now,
            reverse_path=path,
            forward_paths=(to,),
            deferred=floods.deferred(path, [to], 0.0),
        )
        for n in range(count)
    ]
    accept(house.db, incoming, "n1")


def test_other_peoples_mail_is_filed_before_a_flood(house: House) -> None:
    _flood(house, 40)
    house.later(minutes=1)
    house.accept(mail(id="ana@acme.example"))
    rules = filing.Rules("n1", batch=3)
    order: list[str] = []
    while claims := filing.claim(house.db, rules, house.now):
        filing.file_claimed(house.db, claims, house.context(), rules, lambda: house.now)
        order += [one.reverse_path or "ana" for one in claims]
    assert order.index("ana") == 5  # behind the five that were no flood yet, before 35 others
    assert house.states() == {"filed": 41}


def test_a_flood_is_part_of_the_ledger_like_all_mail(house: House) -> None:
    _flood(house, 20)
    with house.looking() as conn:
        lanes = [row.lane for row in conn.execute(tables.ledger.select())]
    assert lanes == [0] * 5 + [1] * 15
    house.file()
    with house.db.write() as conn:
        assert (
            intake.claim(conn, owner="n1", limit=9, now=house.now, lease_for=house.rules.lease_for)
            == ()
        )
    assert house.states() == {"filed": 20}


def auto(number: int, **headers: str | None) -> bytes:
    return mail(
        "Bot <bot@acme.example>",
        id=f"auto{number}@acme.example",
        headers={"Auto-Submitted": "auto-replied", **headers},
    )


def test_who_mails_by_machine_too_often_is_stopped_and_released_by_a_person(house: House) -> None:
    for number in range(6):
        house.receive(auto(number))
    with house.looking() as conn:
        assert not store.is_stopped(conn, "bot@acme.example")
    house.receive(auto(6), auto(7))
    with house.looking() as conn:
        assert store.is_stopped(conn, "bot@acme.example")
        (pair,) = store.listing(conn)
    assert (pair.mailbox, pair.address, pair.count) == (
        "hello@aboard.example",
        "bot@acme.example",
        8,
    )
    (event,) = house.rows(tables.events, kind="loop-stopped")
    assert event.data == {
        "mailbox": "hello@aboard.example",
        "address": "bot@acme.example",
        "count": 7,
        "pair": str(pair.id),
    }
    assert house.states() == {"filed": 8}
    house.later(days=2)
    house.receive(auto(8))
    with house.looking() as conn:
        assert store.is_stopped(conn, "bot@acme.example")
    loops.release(house.db, pair.id, "ines", house.now)
    with house.looking() as conn:
        assert not store.is_stopped(conn, "bot@acme.example")
    with pytest.raises(AboardError, match="is not stopped"):
        loops.release(house.db, pair.id, "ines", house.now)
    assert len(house.rows(tables.events, kind="loop-released")) == 1


def test_forged_machine_mail_stops_nobodys_automatic_mail(house: House) -> None:
    zone = Zone({"_dmarc.acme.example": [b"v=DMARC1; p=reject"]})
    receive(house, *(auto(number) for number in range(9)), zone=zone)
    assert {row.verified for row in house.rows(tables.messages)} == {"fail"}
    with house.looking() as conn:
        assert store.listing(conn, every=True) == ()
    assert house.states() == {"filed": 9}


def test_people_newsletters_and_slow_machines_are_not_stopped(house: House) -> None:
    for number in range(9):
        house.receive(mail(id=f"h{number}@acme.example"))
        house.receive(
            mail("news@acme.example", id=f"n{number}@acme.example", headers={"List-Id": "<a.b>"})
        )
        house.receive(auto(number))
        house.later(minutes=30)
    with house.looking() as conn:
        assert store.listing(conn) == ()
