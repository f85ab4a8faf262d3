"""Who was asked aside is no customer: they end no follow-up, and get none (DESIGN I7)."""

from __future__ import annotations

from datetime import timedelta

from inbox.flow.working import reply
from inbox.flow.working.drafts import Drafting, Typed
from inbox.flow.working.reply import Wish
from inbox.flow.working.sending import Ordered, Sending
from tests.followups.office import ANA, Office

BANK = "desk@bank.example"


def ask_aside(office: Office, thread: int) -> str:
    """Forward something to the bank; the Message-ID of that mail."""
    typed = Typed(thread, "forward", "Is this account open?", {"to": [BANK]})
    saved = Drafting(office.db, "ines").save(typed, office.now)
    assert saved is not None
    sending = Sending(office.db, "ines", office.follow_ups.post)
    sending.send(Ordered(saved.draft.id, thread), office.now)
    office.carry()
    assert office.left[-1].to == (BANK,)
    return str(office.left[-1].mail["Message-ID"]).strip("<>")


def bank_answers(office: Office, asked: str, **fields: str) -> None:
    sender = f"Desk <{BANK}>"
    office.write_in(sender=sender, refs=(asked,), id="b1@bank.example", **fields)
    assert office.message("b1@bank.example").extras["side"]


def automatic(office: Office) -> list[tuple[str, str | None]]:
    return [(one.recipients[0].address, one.template) for one in office.items() if one.template]


def test_their_answer_ends_nothing_that_asks_the_customer(office: Office) -> None:
    waits = office.write_in()
    other = office.write_in(subject="Another matter")
    office.desk().wait(waits, office.now)
    asked = ask_aside(office, other)
    assert len(office.planned(waits)) == 3
    bank_answers(office, asked)
    office.work(days=3)
    assert (ANA, "waiting-for-you") in automatic(office)


def test_what_is_automatic_goes_to_the_customer_and_never_to_them(office: Office) -> None:
    thread = office.write_in(subject="Kickoff")
    asked = ask_aside(office, thread)
    office.later(hours=1)
    bank_answers(office, asked)
    office.work(hours=7)
    office.desk().wait(thread, office.now)
    office.work(days=3)
    sent = automatic(office)
    assert {to for to, _ in sent} == {ANA}
    assert {"first-response-late", "waiting-for-you"} <= {template for _, template in sent}


def test_what_waits_for_the_customers_silence_leaves_although_they_answered(
    office: Office,
) -> None:
    thread = office.write_in()
    asked = ask_aside(office, thread)
    office.later(minutes=5)
    at = office.now + timedelta(hours=2)
    wish = Wish(thread, "ines", "Any news?", at=at)
    reply.reply(office.db, wish, office.follow_ups.post, office.now)
    office.later(minutes=5)
    bank_answers(office, asked)
    office.later(hours=2)
    office.carry()
    assert office.left[-1].to == (ANA,)
    assert office.thread("m0@acme.example").status == "waiting"
