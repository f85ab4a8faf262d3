"""A thread that our own people never open in a browser: told by mail, worked by mail, to its end."""

from __future__ import annotations

from inbox.store.agent_tables import agent_mails
from inbox.store.tables import messages
from tests.agents.conftest import db, office, postgres_of_agents  # noqa: F401 - the same office
from tests.agents.office import AgentOffice
from tests.followups.office import Letter

TOM, LENA = "tom@aboard.example", "lena@aboard.example"


def of(letters: list[Letter], word: str) -> Letter:
    return next(one for one in reversed(letters) if word in one.mail["Subject"])


def test_a_thread_is_answered_handed_over_and_closed_without_a_browser(
    office: AgentOffice,  # noqa: F811 - the fixture
) -> None:
    thread = office.write_in(id="m1@acme.example", subject="Kickoff")
    office.desk("tom").note(thread, "@ines, would you?", office.now)
    (named,) = office.mailed()
    office.answer(named, "#assign me\n\nDear Ana,\n\nwelcome aboard. Is Tuesday good?")
    office.mailed()
    assert [one.mail["To"] for one in office.to_customer()] == ["Ana Costa <ana@acme.example>"]
    assert office.thread("m1@acme.example").status == "waiting"
    answered = office.to_customer()[-1].mail
    office.later(hours=2)
    office.write_in(
        id="m2@acme.example",
        subject="Re: Kickoff",
        refs=["m1@acme.example", str(answered["Message-ID"]).strip("<>")],
        body="Tuesday is good. The invoice lacks our order number.",
    )
    news = of(office.mailed(), "New mail")
    office.answer(news, "#note Tuesday is fixed.\n#handoff success the invoice is theirs")
    letters = office.mailed() + [one for one in office.left if one.to == (LENA,)]
    offered = of(letters, "Handoff offered")
    assert "the invoice is theirs" in offered.mail.get_content()
    there = office.thread("m1@acme.example")
    assert (there.id, there.team, there.status) == (thread, "support", "open"), "not theirs yet"
    office.answer(
        of(office.left, "Done"),
        "#tag invoice\n#close\n\nDear Ana,\n\nthe corrected invoice is on its way.",
    )
    office.mailed()
    there = office.thread("m1@acme.example")
    assert (there.status, there.tags) == ("closed", ("invoice",))
    out = [row for row in office.rows(messages, thread_id=thread) if row.direction == "out"]
    assert len(out) == len(office.to_customer()) == 2
    assert {row.state for row in office.rows(agent_mails)} == {"done"}
