"""A command that came by mail is done once, wherever its node dies and whoever takes it over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from inbox.errors import StoreError
from inbox.flow.working import agent_desk
from inbox.flow.working.agent_desk import LEASE, AgentDesk
from inbox.store import agent_mails
from inbox.store.agent_tables import agent_mails as mails_table
from inbox.store.agent_tables import agent_notices
from inbox.store.tables import events
from tests.agents.office import AgentOffice
from tests.agents.test_agents_by_mail import owned, states

COMMANDS = {
    "note": "#note call them first",
    "assigned": "#assign success",
    "owner-changed": "#assign tom",
    "handoff-offered": "#handoff success it is billing",
}


class Killed(BaseException):
    """The node dies here."""


def work(office: AgentOffice) -> int:
    return AgentDesk(office.db, office.follow_ups.post).work(office.now)


def done(office: AgentOffice, kind: str) -> int:
    mine = [one for one in office.rows(events, kind=kind) if one.actor == "person:ines"]
    return len(mine)


@pytest.mark.parametrize("kind", list(COMMANDS))
def test_a_node_that_dies_as_it_notes_a_command_has_not_done_it(
    office: AgentOffice, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, letter = owned(office)
    before = done(office, kind)
    office.answer(letter, f"#tag before\n{COMMANDS[kind]}")
    usual, count = agent_mails.save, iter(range(100))

    def dies(*args: Any, **values: Any) -> None:
        if "steps_done" in values and next(count) == 1:
            raise Killed
        usual(*args, **values)

    monkeypatch.setattr(agent_mails, "save", dies)
    with pytest.raises(Killed):
        work(office)
    assert done(office, kind) == before, "neither done nor noted"
    assert work(office) == 0, "its lease runs"
    office.now += LEASE + timedelta(seconds=1)
    assert work(office) == 1
    assert done(office, kind) == before + 1
    assert states(office) == ["done"]
    (told,) = office.rows(agent_notices, kind="answer-done")
    assert len(told.data["done"]) == 2


def test_a_node_that_comes_back_late_does_nothing_any_more(
    office: AgentOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stood still for longer than its lease; another node has done the mail meanwhile."""
    _, letter = owned(office)
    office.answer(letter, "#note call them first")
    usual, slept = agent_desk.agent_commands.read, []

    def sleeps(text: str) -> Any:
        if not slept:
            slept.append(text)
            office.now += LEASE + timedelta(seconds=1)
            assert work(office) == 1
        return usual(text)

    monkeypatch.setattr(agent_desk.agent_commands, "read", sleeps)
    assert work(office) == 0
    assert done(office, "note") == 1
    assert len(office.rows(agent_notices, kind="answer-done")) == 1


def test_a_database_in_trouble_refuses_nobodys_mail(
    office: AgentOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, letter = owned(office)
    office.answer(letter, "#note call them first")

    def broken(*args: Any, **values: Any) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(agent_mails, "save", broken)
    with pytest.raises(StoreError):
        work(office)
    monkeypatch.undo()
    assert [row.state for row in office.rows(mails_table)] == ["pending"]
