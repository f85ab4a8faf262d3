"""Claim, release, note, tag, close, reopen, snooze: a deed is an event and a state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import update

from inbox.errors import AboardError, NotFound
from inbox.flow.promises import handoff
from inbox.flow.promises.handoff import Offer
from inbox.flow.working.desk import assign
from inbox.flow.working.drafts import Drafting, Typed
from inbox.flow.working.regroup import Regrouping
from inbox.flow.working.work import Desk
from inbox.store import absences, handoffs, people
from inbox.store.tables import events
from inbox.store.tables import people as everybody
from inbox.store.threads import Thread
from tests.flow.house import House, mail


@pytest.fixture
def thread(house: House) -> Thread:
    """A thread that waits for support."""
    house.receive(mail(id="one@acme.example"))
    return house.thread("one@acme.example")


def desk(house: House, by: str = "ines") -> Desk:
    return Desk(house.db, by)


def handle(house: House, found: Thread) -> str:
    with house.looking() as conn:
        return people.by_id(conn, found.accountable_id).handle


def last(house: House) -> tuple[str, str, dict[str, object]]:
    row = house.rows(events)[-1]
    return row.kind, row.actor, row.data


def test_a_claim_makes_a_thread_somebodys_and_a_release_gives_it_back(
    house: House, thread: Thread
) -> None:
    claimed = desk(house).claim(thread.id, house.now)
    assert (handle(house, claimed), claimed.claimed_at) == ("ines", house.now)
    data = {"from": "tom", "to": "ines", "owned": True, "why": "claimed it"}
    assert last(house) == ("owner-changed", "person:ines", data)
    with pytest.raises(AboardError, match="is Ines Duarte's; they release it"):
        desk(house, "tom").claim(thread.id, house.now)
    released = desk(house, "tom").release(thread.id, house.now)
    assert (handle(house, released), released.claimed_at) == ("tom", None)
    with pytest.raises(AboardError, match="nobody has taken thread"):
        desk(house).release(thread.id, house.now)


def test_what_is_released_while_the_duty_holder_is_away_goes_up_the_chain(
    house: House, thread: Thread
) -> None:
    with house.db.write() as conn:
        absences.add(conn, people.by_handle(conn, "tom").id, house.now, None, "", house.now)
    desk(house).claim(thread.id, house.now)
    assert handle(house, desk(house).release(thread.id, house.now)) == "maya"


def test_an_agent_does_not_release_what_is_somebody_elses(house: House, thread: Thread) -> None:
    desk(house, "tom").claim(thread.id, house.now)
    with pytest.raises(AboardError, match="they or a lead release it"):
        desk(house).release(thread.id, house.now)


def test_notes_and_tags(house: House, thread: Thread) -> None:
    desk(house).note(thread.id, " They signed. ", house.now)
    assert last(house) == ("note", "person:ines", {"text": "They signed."})
    tagged = desk(house).tag(thread.id, ["#Sso", "go-live"], [], house.now)
    assert tagged.tags == ("sso", "go-live")
    tagged = desk(house).tag(thread.id, ["sso"], ["go-live", "never"], house.now)
    assert tagged.tags == ("sso",)
    assert last(house)[2] == {"added": [], "removed": ["go-live"]}
    before = len(house.rows(events))
    desk(house).tag(thread.id, ["sso"], [], house.now)
    assert len(house.rows(events)) == before


def test_closing_takes_an_open_offer_back_and_happens_once(house: House, thread: Thread) -> None:
    offer = handoff.offer(house.db, Offer(thread.id, "success", "ines", "billing"), house.now)
    assert desk(house).close(thread.id, house.now).status == "closed"
    with house.looking() as conn:
        assert handoffs.by_id(conn, offer.id).state == "withdrawn"
    before = len(house.rows(events))
    assert desk(house).close(thread.id, house.now).status == "closed"
    assert len(house.rows(events)) == before
    assert desk(house).reopen(thread.id, house.now).status == "open"
    assert last(house)[2] == {"status": "open", "from": "closed"}


def test_a_snooze_has_an_end_to_come_and_any_other_status_ends_it(
    house: House, thread: Thread
) -> None:
    until = house.now + timedelta(days=2)
    assert desk(house).snooze(thread.id, until, house.now).status == "snoozed"
    assert last(house)[2]["until"] == until.isoformat()
    assert desk(house).wait(thread.id, house.now).status == "waiting"
    with pytest.raises(AboardError, match="has passed"):
        desk(house).snooze(thread.id, house.now, house.now)


def test_clocks_hear_of_every_deed_in_its_transaction(house: House, thread: Thread) -> None:
    heard: list[tuple[str, int]] = []
    at_work = Desk(house.db, "ines", lambda conn, found, event: heard.append((found.status, event)))
    at_work.claim(thread.id, house.now)
    at_work.close(thread.id, house.now)
    assert [status for status, _ in heard] == ["open", "closed"]
    assert [number for _, number in heard] == [row.id for row in house.rows(events)[-2:]]


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        (lambda at, now: at.note(1, "  ", now), "the note is empty"),
        (lambda at, now: at.note(99, "x", now), "there is no thread 99"),
        (lambda at, now: at.tag(1, ["two words"], [], now), "'two words' is no tag"),
        (lambda at, now: at.tag(1, ["x" * 61], [], now), "at most 60 letters"),
    ],
)
def test_what_cannot_be_done_says_why(
    house: House, thread: Thread, deed: Callable[..., Thread], said: str
) -> None:
    with pytest.raises((AboardError, NotFound), match=said):
        deed(desk(house), house.now)


def test_somebody_who_is_not_in_the_file_does_nothing(house: House, thread: Thread) -> None:
    with pytest.raises(NotFound, match="there is no person 'eve'"):
        desk(house, "eve").close(thread.id, house.now)


@pytest.mark.parametrize(
    "deed",
    [
        lambda house, one: desk(house).claim(one.id, house.now),
        lambda house, one: desk(house).note(one.id, "Hm.", house.now),
        lambda house, one: assign(house.db, one.id, "support", "ines", house.now),
        lambda house, one: Regrouping(house.db, "ines").split(one.id, [], house.now),
        lambda house, one: handoff.offer(
            house.db, Offer(one.id, "success", "ines", "Theirs."), house.now
        ),
        lambda house, one: Drafting(house.db, "ines").save(
            Typed(one.id, "note", "Hm.", {}), house.now
        ),
    ],
    ids=["claim", "note", "assign", "split", "handoff", "draft"],
)
def test_a_viewer_changes_nothing_by_whatever_way(
    house: House, thread: Thread, deed: Callable[[House, Thread], object]
) -> None:
    """Pages refuse by their policy; commands and whatever comes later are refused here."""
    with house.db.write() as conn:
        conn.execute(update(everybody).where(everybody.c.handle == "ines").values(role="viewer"))
    before = len(house.rows(events))
    with pytest.raises(AboardError, match="Ines Duarte is a viewer and only reads"):
        deed(house, thread)
    assert len(house.rows(events)) == before
