"""The demo's colleague gets in the way as a person would, and goes again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from inbox import shipped
from inbox.cli.demo_cast import HALF_WRITTEN, Colleague
from inbox.flow.promises import handoff
from inbox.flow.promises.handoff import Offer
from inbox.flow.working import live
from inbox.store import drafts, people, presence
from inbox.store.database import Database
from tests.databases import prepare
from tests.flow.house import House, mail, make


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path) -> Iterator[House]:
    prepare(sqlite_url)
    with closing(Database(sqlite_url)) as db:
        made = make(db, tmp_path)
        made.write("teams.yaml", (shipped.DATA / "teams.yaml").read_text())
        made.activate()
        yield made


def here(house: House, thread: int) -> set[tuple[str, str]]:
    with house.looking() as conn:
        found = presence.here(conn, house.now - live.EXPIRES)
    return {(one.handle, one.does) for one in found if one.thread_id == thread}


def test_somebody_starts_to_answer_where_one_writes_and_leaves_again(house: House) -> None:
    house.receive(mail(id="1@acme.example"))
    thread = house.thread("1@acme.example").id
    said: list[str] = []
    colleague = Colleague(house.db, said.append)
    colleague.look(house.now)
    assert not here(house, thread)
    with house.looking() as conn:
        maya = people.by_handle(conn, "maya")
    live.at_thread(house.db, maya.id, "tab", thread, "writes", house.now)
    colleague.look(house.now)
    assert ("priya", "writes") in here(house, thread)
    with house.looking() as conn:
        assert [one.text for one in drafts.of_thread(conn, thread)] == [HALF_WRITTEN]
    house.later(seconds=30)
    colleague.look(house.now)
    assert "priya" not in {handle for handle, _ in here(house, thread)}
    with house.looking() as conn:
        assert not drafts.of_thread(conn, thread)
    live.at_thread(house.db, maya.id, "tab", thread, "writes", house.now)
    colleague.look(house.now)
    assert here(house, thread) == {("maya", "writes")}, "once a thread"
    assert len(said) == 1


def test_a_handoff_is_accepted_by_who_is_on_duty_after_a_while(house: House) -> None:
    house.receive(mail(id="1@acme.example"))
    thread = house.thread("1@acme.example")
    handoff.offer(house.db, Offer(thread.id, "compliance", "tom", "a contract"), house.now)
    colleague = Colleague(house.db, lambda line: None)
    colleague.look(house.now + timedelta(seconds=3))
    assert house.thread("1@acme.example").team == "support"
    colleague.look(house.now + timedelta(seconds=9))
    there = house.thread("1@acme.example")
    with house.looking() as conn:
        assert people.by_id(conn, there.accountable_id).handle == "claire"
    assert there.team == "compliance"
