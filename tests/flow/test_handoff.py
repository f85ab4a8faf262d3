"""A handoff is accepted or it comes back; until then the giver answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from inbox.errors import AboardError, NotFound
from inbox.flow.promises import handoff
from inbox.flow.promises.handoff import Offer
from inbox.store import absences, handoffs, people
from inbox.store.handoffs import Handoff
from inbox.store.tables import assignments, events
from inbox.store.threads import Thread
from tests.flow.house import House, mail


@pytest.fixture
def offered(house: House) -> Handoff:
    """A thread of support, offered to success by Ines."""
    house.receive(mail(id="one@acme.example", subject="Kickoff"))
    return handoff.offer(house.db, offer_of(thread(house)), house.now)


def thread(house: House) -> Thread:
    return house.thread("one@acme.example")


def offer_of(found: Thread, **changed: Any) -> Offer:
    said: dict[str, Any] = {
        "thread_id": found.id,
        "to_team": "success",
        "by": "ines",
        "reason": "It is about the contract now",
        "summary": "They are live; they ask for another seat.",
        "asks": ("price of a seat",),
    }
    return Offer(**(said | changed))


def handle(house: House, found: Thread) -> str:
    with house.looking() as conn:
        return people.by_id(conn, found.accountable_id).handle


def kinds(house: House, found: Thread) -> list[tuple[str, str]]:
    listed = house.rows(events, thread_id=found.id)
    return [(one.kind, one.actor) for one in listed if one.kind.startswith("handoff")]


def test_until_it_is_accepted_the_giver_answers_and_the_thread_stays(
    house: House, offered: Handoff
) -> None:
    found = thread(house)
    assert (found.team, handle(house, found)) == ("support", "tom")
    assert (offered.state, offered.from_team, offered.to_team) == ("offered", "support", "success")
    assert offered.asks == ("price of a seat",)
    assert kinds(house, found) == [("handoff-offered", "person:ines")]


def test_who_accepts_owns_it_and_it_is_a_persons_decision(house: House, offered: Handoff) -> None:
    house.later(minutes=10)
    done = handoff.accept(house.db, offered.id, "maya", house.now)
    found = thread(house)
    assert (done.state, done.settled_at) == ("accepted", house.now)
    assert (found.team, handle(house, found), found.claimed_at) == ("success", "maya", house.now)
    assert found.decided_by == "person"
    last = house.rows(assignments)[-1]
    assert (last.team, last.decided_by) == ("success", "person")
    assert last.decision["reason"].startswith("accepted by Maya Okafor, handed off by support")
    assert kinds(house, found)[-1] == ("handoff-accepted", "person:maya")


def test_a_refusal_needs_a_sentence_and_leaves_the_thread_where_it_was(
    house: House, offered: Handoff
) -> None:
    with pytest.raises(AboardError, match="a refusal needs a sentence"):
        handoff.decline(house.db, offered.id, "maya", "  ", house.now)
    done = handoff.decline(house.db, offered.id, "maya", "Not signed yet", house.now)
    assert (done.state, done.answer) == ("declined", "Not signed yet")
    found = thread(house)
    assert (found.team, handle(house, found)) == ("support", "tom")
    again = handoff.offer(house.db, offer_of(found), house.now)
    assert again.state == "offered"


def test_what_nobody_accepts_comes_back_by_the_clock_and_only_once(
    house: House, offered: Handoff
) -> None:
    told: list[int] = []
    with house.db.write() as conn:
        assert handoff.return_overdue(
            conn, offered.id, house.now, lambda c, made, event: told.append(event)
        )
        assert not handoff.return_overdue(conn, offered.id, house.now)
    assert len(told) == 1
    found = thread(house)
    assert found.team == "support"
    assert kinds(house, found)[-1] == ("handoff-returned", "aboard")
    with pytest.raises(AboardError, match="was returned at"):
        handoff.accept(house.db, offered.id, "maya", house.now)


def test_the_giver_can_take_it_back(house: House, offered: Handoff) -> None:
    handoff.withdraw(house.db, offered.id, "ines", house.now)
    with house.looking() as conn:
        assert handoffs.open_of(conn, thread(house).id) is None
        assert [one.state for one in handoffs.listing(conn, settled=True)] == ["withdrawn"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"to_team": "succes"}, "there is no team 'succes'.*success"),
        ({"to_team": "support"}, "is with support already"),
        ({"reason": " "}, "needs a reason"),
        ({"by": "eve"}, "there is no person 'eve'"),
        ({"thread_id": 999}, "there is no thread 999"),
    ],
)
def test_an_offer_that_cannot_be_says_why(house: House, changed: dict[str, Any], said: str) -> None:
    house.receive(mail(id="one@acme.example"))
    with pytest.raises((AboardError, NotFound), match=said):
        handoff.offer(house.db, offer_of(thread(house), **changed), house.now)


def test_a_thread_is_on_offer_once(house: House, offered: Handoff) -> None:
    with pytest.raises(AboardError, match="is on offer to success already"):
        handoff.offer(house.db, offer_of(thread(house)), house.now)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda db, one, now: handoff.accept(db, one, "ines", now), "ines is not in success"),
        (lambda db, one, now: handoff.accept(db, 77, "maya", now), "there is no handoff 77"),
    ],
)
def test_only_the_receiving_team_its_leads_and_admins_accept(
    house: House, offered: Handoff, act: Callable[..., Handoff], said: str
) -> None:
    with pytest.raises((AboardError, NotFound), match=said):
        act(house.db, offered.id, house.now)


def test_who_is_away_does_not_accept(house: House, offered: Handoff) -> None:
    with house.db.write() as conn:
        maya = people.by_handle(conn, "maya")
        absences.add(conn, maya.id, house.now, None, "leave", house.now)
    with pytest.raises(AboardError, match="maya is noted as away"):
        handoff.accept(house.db, offered.id, "maya", house.now)
