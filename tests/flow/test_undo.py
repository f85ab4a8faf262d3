"""Undo: what a person did is taken back, as far as nobody has changed the same thing since."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from inbox.errors import AboardError, NotFound
from inbox.flow.working import desk
from inbox.flow.working.undo import undo
from inbox.flow.working.work import Desk
from inbox.store.clock_tables import targets
from inbox.store.model_tables import labels
from inbox.store.tables import events, threads
from inbox.store.threads import Thread
from tests.flow.house import House, mail


@pytest.fixture
def thread(house: House) -> Thread:
    """A thread that waits for support."""
    house.receive(mail(id="one@acme.example"))
    house.later(minutes=1)
    return house.thread("one@acme.example")


def row(house: House, thread: Thread) -> dict[str, Any]:
    (found,) = house.rows(threads, id=thread.id)
    return {name: value for name, value in found._mapping.items() if name != "version"}


Deed = Callable[[House, int], object]


def at_desk(name: str, *what: Any) -> Deed:
    def do(house: House, number: int) -> object:
        given = [house.now + one if isinstance(one, timedelta) else one for one in what]
        return getattr(Desk(house.db, "ines", run="r1"), name)(number, *given, house.now)

    return do


DEEDS: dict[str, Deed] = {
    "claim": at_desk("claim"),
    "give": at_desk("give", "tom"),
    "tag": at_desk("tag", ["sso"], []),
    "close": at_desk("close"),
    "wait": at_desk("wait"),
    "snooze": at_desk("snooze", timedelta(hours=3)),
    "snooze until they write": at_desk("snooze", None),
    "prioritise": at_desk("prioritise", "urgent"),
    "assign": lambda house, number: desk.assign(
        house.db, number, "success", "ines", house.now, run="r1"
    ),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_every_deed_can_be_undone(house: House, thread: Thread, deed: str) -> None:
    before, clocks = row(house, thread), len(house.rows(targets))
    DEEDS[deed](house, thread.id)
    assert row(house, thread) != before
    house.later(seconds=5)
    done = undo(house.db, "r1", "ines", house.now)
    assert (done.threads, done.left) == ((thread.id,), ())
    assert row(house, thread) == before
    assert len(house.rows(targets)) == clocks
    with pytest.raises(AboardError, match="undone already"):
        undo(house.db, "r1", "ines", house.now)


def test_a_run_of_several_deeds_is_undone_as_one(house: House, thread: Thread) -> None:
    before = row(house, thread)
    at = Desk(house.db, "ines", run="many")
    at.claim(thread.id, house.now)
    at.tag(thread.id, ["sso", "billing"], [], house.now)
    at.close(thread.id, house.now)
    at.reopen(thread.id, house.now)
    undo(house.db, "many", "ines", house.now)
    assert row(house, thread) == before
    said = [one.data.get("why") for one in house.rows(events)[-4:]]
    assert said == ["undone"] * 4


def test_what_somebody_changed_since_stays(house: House, thread: Thread) -> None:
    Desk(house.db, "ines", run="r1").tag(thread.id, ["sso"], [], house.now)
    Desk(house.db, "tom").tag(thread.id, ["billing"], [], house.now)
    done = undo(house.db, "r1", "ines", house.now)
    assert done.threads == ()
    assert done.left == (f"thread {thread.id} stays as it is: somebody has changed it since",)
    assert row(house, thread)["tags"] == ["sso", "billing"]


def test_a_correction_that_is_undone_teaches_nothing(house: House, thread: Thread) -> None:
    desk.assign(house.db, thread.id, "success", "ines", house.now, run="r1")
    (label,) = house.rows(labels)
    assert label.undone_at is None
    house.later(seconds=5)
    undo(house.db, "r1", "ines", house.now)
    (label,) = house.rows(labels)
    assert label.undone_at == house.now
    assert house.rows(events)[-1].data["team"] == "support"


def test_only_who_did_it_or_a_lead_undoes_it(house: House, thread: Thread) -> None:
    Desk(house.db, "maya", run="r1").close(thread.id, house.now)
    with pytest.raises(AboardError, match="only who did it"):
        undo(house.db, "r1", "ines", house.now)
    undo(house.db, "r1", "tom", house.now)
    assert row(house, thread)["status"] == "open"
    with pytest.raises(NotFound, match="nothing to undo"):
        undo(house.db, "r2", "tom", house.now)


def test_a_deed_without_a_run_keeps_nothing(house: House, thread: Thread) -> None:
    Desk(house.db, "ines").close(thread.id, house.now)
    with pytest.raises(NotFound):
        undo(house.db, "", "ines", house.now)


def test_a_thread_is_given_within_its_team_only(house: House, thread: Thread) -> None:
    given = Desk(house.db, "tom").give(thread.id, "ines", house.now)
    assert given.claimed_at == house.now
    assert house.rows(events)[-1].data["why"] == "given by Tom Alvarez"
    Desk(house.db, "tom").give(thread.id, "tom", house.now)
    with pytest.raises(AboardError, match="they or a lead give it away"):
        Desk(house.db, "ines").give(thread.id, "ines", house.now)
    with pytest.raises(AboardError, match="one of low, normal"):
        Desk(house.db, "ines").prioritise(thread.id, "now", house.now)


SLA = """
hours: {zone: Europe/Berlin, week: {mon-sun: 00:00-24:00}}
policies:
  - name: default
    why: All else.
    targets: {first_response: 4h, next_response: 8h, resolution: 5d}
  - {name: urgent, why: It burns.}
"""


@pytest.mark.parametrize("deed", ["close", "wait", "snooze", "claim", "assign"])
def test_a_promise_that_a_deed_ended_stands_again_when_it_is_undone(
    house: House, deed: str
) -> None:
    house.write("sla.yaml", SLA)
    house.activate()
    house.receive(mail(id="one@acme.example"))
    house.later(minutes=30)
    number = house.thread("one@acme.example").id
    before = [row._mapping for row in house.rows(targets)]
    assert {row["state"] for row in before} == {"open"}
    DEEDS[deed](house, number)
    house.later(minutes=30)
    undo(house.db, "r1", "ines", house.now)
    assert [row._mapping for row in house.rows(targets)] == before
    house.receive(mail(id="two@acme.example", refs=["one@acme.example"]))
    assert [row._mapping for row in house.rows(targets)] == before
