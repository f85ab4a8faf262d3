"""What a mail asks for and only a person may allow is settled once, by whoever clicks first."""

from __future__ import annotations

from datetime import datetime

import pytest

from inbox.errors import AboardError, NotFound
from inbox.flow.deciding import thread
from inbox.flow.deciding.proposals import Appliers, propose
from inbox.flow.working import merging
from inbox.store import proposals, timeline
from inbox.store.database import Conn
from inbox.store.hygiene_tables import proposals as table
from inbox.store.people import Person
from inbox.store.proposals import Proposal
from tests.flow.house import House, mail


def _tag(conn: Conn, made: Proposal, person: Person, now: datetime) -> None:
    if made.data.get("refuse"):
        raise AboardError("it cannot be applied any more")
    note = timeline.Event(
        made.account_id, made.thread_id, None, now, "note", f"person:{person.handle}", {"text": "x"}
    )
    timeline.append(conn, [note])


def _made(house: House, mail_id: str = "one@acme.example", **data: object) -> int:
    found = house.thread(mail_id)
    data = {"what": "Note an x", **data}
    with house.db.write() as conn:
        return propose(
            conn,
            Proposal("note", found.account_id, found.id, None, data, house.now),
        )


@pytest.fixture
def asked(house: House) -> House:
    house.receive(mail(id="one@acme.example"))
    return house


def _kinds(house: House) -> list[str]:
    found = house.thread("one@acme.example")
    with house.looking() as conn:
        rows = timeline.of_thread(conn, found.id, timeline.Span(limit=50))
    return sorted(row.event.kind for row in rows if "proposal" in row.event.kind)


def test_applying_writes_the_effect_once_and_says_who(asked: House) -> None:
    number = _made(asked)
    settling = Appliers(asked.db, {"note": _tag})
    done = settling.apply(number, "ines", asked.now)
    assert (done.state, done.settled_at) == ("applied", asked.now)
    with pytest.raises(AboardError, match="was applied at 20"):
        settling.decline(number, "tom", asked.now)
    assert _kinds(asked) == ["proposal-applied", "proposal-made"]
    with asked.looking() as conn:
        assert proposals.listing(conn) == ()
        assert [one.id for one in proposals.listing(conn, settled=True)] == [number]


def test_declining_writes_no_effect(asked: House) -> None:
    number = _made(asked)
    assert Appliers(asked.db, {}).decline(number, "ines", asked.now).state == "declined"
    assert _kinds(asked) == ["proposal-declined", "proposal-made"]


def test_what_cannot_be_applied_stays_open_and_writes_nothing(asked: House) -> None:
    refused, unknown = _made(asked, refuse=True), _made(asked)
    with pytest.raises(AboardError, match="cannot be applied any more"):
        Appliers(asked.db, {"note": _tag}).apply(refused, "ines", asked.now)
    with pytest.raises(AboardError, match="nothing here can apply a proposal of kind 'note'"):
        Appliers(asked.db, {}).apply(unknown, "ines", asked.now)
    with pytest.raises(NotFound):
        Appliers(asked.db, {}).apply(unknown, "nobody", asked.now)
    with pytest.raises(NotFound, match="there is no proposal 4711"):
        Appliers(asked.db, {}).apply(4711, "ines", asked.now)
    assert [row.state for row in asked.rows(table)] == ["open", "open"]
    assert _kinds(asked) == ["proposal-made", "proposal-made"]


def test_proposals_follow_their_thread_and_their_account(house: House) -> None:
    house.receive(mail(id="one@acme.example"))
    house.receive(mail("Bo <bo@other.example>", id="two@other.example"))
    number = _made(house, "two@other.example")
    one, two = house.thread("one@acme.example"), house.thread("two@other.example")
    merging.merge(house.db, two.account_id, one.account_id, "maya", house.now)
    with house.db.write() as conn:
        thread.absorb(conn, one.id, two.id, "references", house.now)
    with house.looking() as conn:
        found = proposals.by_id(conn, number)
        assert (found.account_id, found.thread_id) == (one.account_id, one.id)
        assert [each.id for each in proposals.listing(conn, thread_id=one.id)] == [number]
