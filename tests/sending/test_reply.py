"""A person's reply: who gets it, what it looks like, when it may still be taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest

from inbox.errors import AboardError, NotFound
from inbox.flow.leaving import outbox_deeds
from inbox.flow.people.audience import Asked
from inbox.flow.working import reply as flow
from inbox.flow.working.reply import Queued, StaleReply, Wish
from inbox.store import ledger
from tests.flow.house import mail
from tests.sending.office import ANA, HELLO, Office

BEN, EVE = "ben@acme.example", "eve@evil.example"


def wish(office: Office, **how: Any) -> Wish:
    asked = Asked(how.pop("everybody", False), how.pop("to", ()), how.pop("cc", ()))
    made = Wish(
        office.thread_id, how.pop("by", "ines"), how.pop("text", "On Monday at ten."), asked=asked
    )
    return replace(made, **how)


def answer(office: Office, **how: Any) -> Queued:
    return flow.reply(office.house.db, wish(office, **how), office.post(), office.house.now)


def planned(office: Office, **how: Any) -> flow.Planned:
    with office.house.db.read() as conn:
        return flow.plan(conn, wish(office, **how), office.post())


def sent(office: Office, number: int = -1) -> Any:
    office.house.later(minutes=1)
    assert office.carry() == ["sent"]
    return message_from_bytes(office.sink.kept[number].content, policy=policy.default)


def test_a_reply_carries_the_thread_the_teams_name_and_a_signed_address(office: Office) -> None:
    answer(office)
    letter = sent(office)
    assert letter["From"] == f"Support <{HELLO}>"
    assert letter["To"] == f"Ana Costa <{ANA}>"
    assert letter["Reply-To"].startswith("Support <hello+r")
    assert letter["In-Reply-To"] == "<one@acme.example>"
    assert letter["References"] == "<one@acme.example>"
    assert letter["Subject"] == "Re: Kickoff"
    assert letter["Auto-Submitted"] is None
    body = letter.get_content().replace("\r\n", "\n")
    assert body.startswith(
        "On Monday at ten.\n\n2026-11-02 09:00 UTC, Ana Costa wrote:\n> When do we"
    )
    assert office.sink.kept[0].mail_from.startswith("hello+b")
    assert all(not name.lower().startswith("bcc") for name in letter)


def test_references_grow_by_the_answered_mail(office: Office) -> None:
    office.house.receive(mail(id="two@acme.example", refs=["one@acme.example"]))
    answer(office)
    assert sent(office)["References"] == "<one@acme.example> <two@acme.example>"


def test_a_reply_owns_what_nobody_owned_and_leaves_it_waiting(office: Office) -> None:
    done = answer(office)
    thread = office.house.thread("one@acme.example")
    assert thread.claimed_at == office.house.now
    assert thread.status == "open"  # nothing has left yet
    assert [one.kind for one in office.events("mail-queued", "owner-changed")] == [
        "mail-queued",
        "owner-changed",
    ]
    sent(office)
    thread = office.house.thread("one@acme.example")
    assert thread.status == "waiting"
    (counted,) = office.events("reply-queued")
    assert counted.actor == "person:ines"
    assert counted.at == office.item(done.item_id).created_at
    # A colleague's answer does not take the thread away from its owner.
    answer(office, by="tom")
    assert office.house.thread("one@acme.example").accountable_id == thread.accountable_id


def test_a_customers_mail_that_came_meanwhile_keeps_the_thread_open(office: Office) -> None:
    answer(office)
    office.house.later(seconds=5)
    office.house.receive(mail(id="two@acme.example", refs=["one@acme.example"]))
    sent(office)
    assert office.house.thread("one@acme.example").status == "open"


def test_undo_works_for_as_long_as_the_window_is_open(office: Office) -> None:
    done = answer(office)
    assert done.run_after == office.house.now + timedelta(seconds=10)
    office.house.later(seconds=9)
    assert office.carry() == []
    outbox_deeds.cancel(office.house.db, done.item_id, office.house.now, "ines")
    office.house.later(minutes=9)
    assert office.carry() == []
    assert not office.sink.kept
    (event,) = office.events("mail-cancelled")
    assert (event.actor, event.data["cause"]) == ("person:ines", "undo")
    later = answer(office)
    sent(office)
    with pytest.raises(AboardError, match="cannot be cancelled"):
        outbox_deeds.cancel(office.house.db, later.item_id, office.house.now)


def test_send_later_waits_and_is_cancelled_when_the_customer_answers_first(office: Office) -> None:
    done = answer(office, at=office.house.now + timedelta(hours=8))
    office.house.later(hours=2)
    assert office.carry() == []
    office.house.receive(mail(id="two@acme.example", refs=["one@acme.example"]))
    office.house.later(hours=7)
    office.carry()
    assert office.item(done.item_id).state == "cancelled"
    assert not office.sink.kept
    with pytest.raises(AboardError, match="has passed"):
        answer(office, at=office.house.now)


def test_something_newer_stops_a_reply_until_it_was_read(office: Office) -> None:
    seen = office.house.message("one@acme.example").id
    answer(office, seen_id=seen)
    sent(office)
    office.house.receive(mail(id="two@acme.example", refs=["one@acme.example"]))
    with pytest.raises(StaleReply, match="Ana Costa arrived"):
        answer(office, seen_id=seen)
    assert len(office.items()) == 1
    answer(office, seen_id=seen, anyway=True)
    newest = office.house.message("two@acme.example").id
    answer(office, seen_id=newest)
    with pytest.raises(NotFound):
        answer(office, seen_id=999)


def test_two_people_who_answer_at_once_are_told_of_each_other(office: Office) -> None:
    answer(office, by="ines")
    with pytest.raises(StaleReply, match="ines is answering too"):
        answer(office, by="tom")
    answer(office, by="ines")  # a second mail of one's own is no surprise


# --- Who gets it -------------------------------------------------------------------------------


def add(office: Office, id: str, sender: str = f"Ana Costa <{ANA}>", **fields: Any) -> int:
    office.house.receive(mail(sender, id=id, refs=["one@acme.example"], **fields))
    return office.house.message(id).id


def test_everybody_on_the_answered_mail_who_belongs_gets_it_and_strangers_do_not(
    office: Office,
) -> None:
    add(office, "two@acme.example", headers={"Cc": f"{BEN}, {EVE}, {HELLO}"})
    alone, everybody = planned(office).audience, planned(office, everybody=True).audience
    assert [one.address for one in alone.to] == [ANA]
    assert (alone.added, alone.missing, alone.left_out) == ((), (BEN, EVE), ())
    assert [one.address for one in everybody.cc] == [BEN]
    assert (everybody.missing, everybody.left_out) == ((EVE,), (EVE,))
    named = planned(office, everybody=True, cc=(EVE,)).audience
    assert [one.address for one in named.cc] == [BEN, EVE]
    assert named.left_out == ()


def test_a_recipient_who_was_not_on_the_answered_mail_is_shown_as_added(office: Office) -> None:
    who = planned(office, cc=("new@other.example",)).audience
    assert who.added == ("new@other.example",)
    instead = planned(office, to=("new@other.example",)).audience
    assert (instead.added, instead.missing) == (("new@other.example",), (ANA,))


@pytest.mark.parametrize(
    ("reply_to", "to", "warned"),
    [("desk@acme.example", "desk@acme.example", False), (EVE, ANA, True), (ANA, ANA, False)],
)
def test_reply_to_is_followed_inside_the_authors_domain_only(
    office: Office, reply_to: str, to: str, warned: bool
) -> None:
    add(office, "two@acme.example", headers={"Reply-To": reply_to})
    who = planned(office).audience
    assert [one.address for one in who.to] == [to]
    assert bool(who.warnings) is warned


def test_an_answer_to_our_own_mail_goes_to_whom_it_went(office: Office) -> None:
    done = answer(office, to=(BEN,))
    sent(office)
    own = office.item(done.item_id).message_id
    assert [one.address for one in planned(office, answers_id=own).audience.to] == [BEN]
    assert planned(office).answers.mail_id == "one@acme.example"  # else the customer's newest


def test_our_own_addresses_signed_or_not_never_get_a_reply(office: Office) -> None:
    signed = "hello+r" + "a" * 42 + "@aboard.example"
    add(office, "two@acme.example", headers={"Cc": f"{signed}, {HELLO}", "Reply-To": HELLO})
    who = planned(office, everybody=True).audience
    assert [one.address for one in (*who.to, *who.cc)] == [ANA]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"text": " \n"}, "empty"),
        ({"to": ("no address",)}, "no mail address"),
        ({"cc": ("x@y.example\r\nBcc: z@z.example",)}, "no mail address"),
        ({"by": "nobody"}, "no person"),
        ({"answers_id": 999}, "no message 999"),
        ({"thread_id": 999}, "no thread 999"),
    ],
)
def test_what_cannot_be_sent_is_said_and_nothing_is_queued(
    office: Office, how: dict[str, Any], message: str
) -> None:
    with pytest.raises(AboardError, match=message):
        answer(office, **how)
    assert office.items() == ()


def test_a_plan_changes_nothing(office: Office) -> None:
    before = office.house.thread("one@acme.example")
    assert planned(office).draft.subject == "Re: Kickoff"
    assert office.items() == ()
    assert office.house.thread("one@acme.example") == before


def test_the_bytes_that_leave_are_those_that_were_put_in(office: Office) -> None:
    done = answer(office, text="Grüße, 你好 👋\n.\nFrom here on.\n" + "x" * 2000)
    raw_id = office.item(done.item_id).raw_id
    letter = sent(office)
    with office.house.db.read() as conn:
        assert office.sink.kept[0].content == ledger.raw_bytes(conn, raw_id)
    assert (
        letter.get_content()
        .replace("\r\n", "\n")
        .startswith("Grüße, 你好 👋\n.\nFrom here on.\n" + "x" * 2000)
    )
