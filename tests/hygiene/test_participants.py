"""Whom a customer names in a copy: proposed where the mail is proved, added by a click alone."""

from __future__ import annotations

from typing import Any

import pytest

from inbox.app import appliers
from inbox.flow.working.participants import KIND, MOST_OPEN
from inbox.flow.working.regroup import Regrouping
from inbox.flow.working.undo import undo
from inbox.store import accounts, audience, proposals, tables
from inbox.store.proposals import Proposal
from tests.authentication.test_filing import receive, signed
from tests.flow.house import House, mail

BO = "bo@partner.example"


def copied(number: int, *others: str, **fields: Any) -> bytes:
    """A signed answer of the customer's that names others beside us."""
    return signed(
        id=f"{number}@acme.example",
        refs=["1@acme.example"],
        headers={"Cc": ", ".join(others)},
        **fields,
    )


def asked(house: House) -> tuple[Proposal, ...]:
    with house.looking() as conn:
        return proposals.listing(conn)


def known(house: House, *addresses: str) -> set[str]:
    """Who of them would get a reply to everybody."""
    there = house.thread("1@acme.example")
    with house.looking() as conn:
        return audience.known(conn, there.account_id, there.id, addresses)


@pytest.fixture
def begun(house: House) -> House:
    """A proved customer's thread."""
    receive(house, signed(id="1@acme.example"))
    return house


def test_a_proved_senders_copy_is_proposed_and_added_by_one_click_alone(begun: House) -> None:
    receive(begun, copied(2, f"Bo <{BO.upper()}>", "ana@acme.example", "hello@aboard.example"))
    (made,) = asked(begun)
    assert (made.kind, made.what) == (KIND, f"Add {BO} to this thread")
    assert made.message_id == begun.message("2@acme.example").id
    assert known(begun, BO) == set()
    assert begun.rows(tables.thread_participants) == []

    appliers(begun.db, begun.settings).apply(made.id, "ines", begun.now)
    assert known(begun, BO) == {BO}
    receive(begun, mail(f"Bo <{BO}>", id="b1@partner.example", refs=["2@acme.example"]))
    assert begun.message("b1@partner.example").thread_id == begun.thread("1@acme.example").id


def test_an_addition_is_undone_where_they_have_not_written(begun: House) -> None:
    receive(begun, copied(2, BO))
    (made,) = asked(begun)
    appliers(begun.db, begun.settings).apply(made.id, "ines", begun.now)
    assert known(begun, BO) == {BO}
    assert undo(begun.db, f"proposal-{made.id}", "ines", begun.now).left == ()
    assert known(begun, BO) == set()
    receive(begun, mail(f"Bo <{BO}>", id="b1@partner.example", refs=["2@acme.example"]))
    assert begun.message("b1@partner.example").thread_id != begun.thread("1@acme.example").id


def test_what_was_declined_or_asked_is_not_asked_again(begun: House) -> None:
    receive(begun, copied(2, BO), copied(3, BO))  # filed as one batch
    (made,) = asked(begun)
    appliers(begun.db, begun.settings).decline(made.id, "ines", begun.now)
    receive(begun, copied(4, BO))
    assert asked(begun) == () and known(begun, BO) == set()


def test_who_has_written_since_stays_and_is_named_until_what_they_wrote_goes(
    begun: House,
) -> None:
    """Their answer made them a contact of the account: taking their row off changes nothing."""
    receive(begun, copied(2, BO))
    (made,) = asked(begun)
    appliers(begun.db, begun.settings).apply(made.id, "ines", begun.now)
    receive(begun, mail(f"Bo <{BO}>", id="b1@partner.example", refs=["2@acme.example"]))
    there, wrote = begun.thread("1@acme.example"), begun.message("b1@partner.example")
    assert wrote.thread_id == there.id

    (left,) = undo(begun.db, f"proposal-{made.id}", "ines", begun.now).left
    assert left.startswith(f"{BO} stays on thread {there.id}: they belong to acme.example by now")
    assert known(begun, BO) == {BO}

    # What the sentence says to do ends it.
    sort = Regrouping(begun.db, "ines")
    with begun.db.write() as conn:
        new = accounts.NewAccount("Partner", begun.now)
        other = accounts.create(conn, new)
    sort.move(sort.split(there.id, [wrote.id], begun.now).id, other, begun.now)
    assert known(begun, BO) == set()


def test_where_threads_were_joined_no_more_is_asked_than_fits(begun: House) -> None:
    receive(begun, copied(2, *(f"p{n}@partner.example" for n in range(MOST_OPEN))))
    receive(begun, signed(id="9@acme.example"))
    receive(
        begun,
        signed(
            id="10@acme.example",
            refs=["9@acme.example"],
            headers={"Cc": ", ".join(f"q{n}@partner.example" for n in range(MOST_OPEN))},
        ),
    )
    one, other = begun.thread("1@acme.example"), begun.thread("9@acme.example")
    Regrouping(begun.db, "ines").merge(one.id, other.id, begun.now)
    assert len(asked(begun)) == 2 * MOST_OPEN
    receive(begun, copied(3, *(f"r{n}@partner.example" for n in range(MOST_OPEN + 3))))
    assert len(asked(begun)) == 2 * MOST_OPEN


def test_of_another_customers_contact_is_said_where_their_answers_go(begun: House) -> None:
    receive(begun, mail(f"Bo <{BO}>", id="b0@partner.example"))
    theirs = begun.thread("b0@partner.example").account_id
    receive(begun, copied(2, BO, "cy@partner.example"))
    of_bo, of_cy = sorted(asked(begun), key=lambda one: one.what)
    assert (of_bo.what, of_cy.what) == (
        f"Add {BO} to this thread",
        "Add cy@partner.example to this thread",
    )
    assert "their answers will join" not in of_bo.data["why"]
    assert f"a contact of account {theirs}, and their answers go there" in of_bo.data["why"]
    assert "their answers will join" in of_cy.data["why"]

    # And so it is.
    for one in (of_bo, of_cy):
        appliers(begun.db, begun.settings).apply(one.id, "ines", begun.now)
    for who in ("bo", "cy"):
        answer = mail(f"{who}@partner.example", id=f"{who}@x.example", refs=["2@acme.example"])
        receive(begun, answer)
    here = begun.thread("1@acme.example")
    assert begun.thread("bo@x.example").account_id == theirs
    assert begun.thread("cy@x.example").id == here.id


def test_one_mail_cannot_fill_the_page_with_questions(begun: House) -> None:
    receive(begun, copied(2, *(f"p{n}@partner.example" for n in range(MOST_OPEN + 3))))
    receive(begun, copied(3, *(f"q{n}@partner.example" for n in range(3))))
    assert len(asked(begun)) == MOST_OPEN
    named = [row.data["cc_ignored"] for row in begun.rows(tables.events, kind="mail-in")[1:]]
    assert [len(one) for one in named] == [MOST_OPEN + 3, 3]


@pytest.mark.parametrize("how", ["unproved", "machine", "new thread", "stranger"])
def test_nobody_else_asks_for_anybody(begun: House, how: str) -> None:
    refs = ["1@acme.example"]
    raws = {
        "unproved": mail(id="2@acme.example", refs=refs, headers={"Cc": BO}),
        "machine": copied(2, BO, subject="Automatic reply: Kickoff"),
        "new thread": signed(id="2@acme.example", headers={"Cc": BO}),
        "stranger": mail("eve@evil.example", id="2@evil.example", refs=refs, headers={"Cc": BO}),
    }
    receive(begun, raws[how])
    assert len(begun.rows(tables.messages)) == 2
    assert asked(begun) == ()


def test_a_participant_stays_once_mail_has_left_to_the_thread(begun: House) -> None:
    receive(begun, copied(2, BO))
    (made,) = asked(begun)
    appliers(begun.db, begun.settings).apply(made.id, "ines", begun.now)
    there = begun.thread("1@acme.example")
    with begun.db.write() as conn:
        conn.execute(
            tables.threads.update()
            .where(tables.threads.c.id == there.id)
            .values(last_out_at=begun.now)
        )
    left = undo(begun.db, f"proposal-{made.id}", "ines", begun.now).left
    assert left == (f"{BO} stays on thread {there.id}: mail has left since",)
    assert known(begun, BO) == {BO}
