"""A person decides whose mail a forward is, and joins a stranger's thread; each is undone."""

from __future__ import annotations

import pytest

from inbox.app import appliers, forwards_of
from inbox.errors import AboardError
from inbox.flow.working.linked import join_linked
from inbox.flow.working.undo import undo
from inbox.store import draft_tables, proposals, tables, threads
from inbox.store.messages import Message
from tests.authentication.test_filing import receive
from tests.flow.house import House, mail
from tests.hygiene.test_forwards import ZONE, forwarded, ours


def _asked(house: House, **fields: object) -> Message:
    """A forward of a colleague whom nothing proves."""
    receive(house, forwarded(**fields), zone=ZONE)  # type: ignore[arg-type]
    return house.message("f1@aboard.example")


def _apply(house: House) -> None:
    with house.looking() as conn:
        (asked,) = proposals.listing(conn)
    appliers(house.db, house.settings).apply(asked.id, "ines", house.now)


def test_one_click_makes_it_the_original_senders_and_undo_makes_it_ours_again(
    house: House,
) -> None:
    receive(house, mail("Ada <ada@acme.example>", id="a1@acme.example"), zone=ZONE)
    before = _asked(house, headers={"References": "<a1@acme.example>"})
    _apply(house)
    made, customers = house.message("f1@aboard.example"), house.message("a1@acme.example")
    assert (made.from_address, made.contact_id) == ("ada@acme.example", customers.contact_id)
    assert (made.thread_id, made.account_id) == (customers.thread_id, customers.account_id)
    assert made.extras["forwarded_by"]["treated"] and not made.may_answer
    assert house.thread("a1@acme.example").messages == 2
    done = undo(house.db, "proposal-1", "ines", house.now)
    assert done.left == ()
    again = house.message("f1@aboard.example")
    assert (again.from_address, again.account_id) == ("ines@aboard.example", before.account_id)
    assert again.thread_id != customers.thread_id
    assert house.thread("a1@acme.example").messages == 1


def test_a_forward_joins_no_confidential_thread(house: House) -> None:
    receive(house, mail("Ada <ada@acme.example>", id="a1@acme.example"), zone=ZONE)
    secret = house.message("a1@acme.example").thread_id
    with house.db.write() as conn:
        threads.save(conn, secret, confidential=True)
    _asked(house, headers={"References": "<a1@acme.example>"})
    _apply(house)
    made = house.message("f1@aboard.example")
    assert made.from_address == "ada@acme.example" and made.thread_id != secret
    assert house.thread("a1@acme.example").messages == 1
    (link,) = house.rows(tables.thread_links)
    assert {link.thread_id, link.other_id} == {secret, made.thread_id}


def test_an_unknown_customer_gets_an_account_by_one_click(house: House) -> None:
    _asked(house)
    _apply(house)
    (account,) = house.rows(tables.accounts, kind="customer")
    assert (account.name, account.provisional) == ("acme.example", True)
    made = house.message("f1@aboard.example")
    assert made.account_id == account.id and house.thread("f1@aboard.example").messages == 1
    receive(
        house,
        mail("Ada <ada@acme.example>", id="a2@acme.example", refs=["f1@aboard.example"]),
        zone=ZONE,
    )
    assert house.message("a2@acme.example").thread_id == made.thread_id


def test_what_was_taken_for_a_forward_is_made_the_colleagues_own_or_anothers(house: House) -> None:
    receive(house, mail("Ada <ada@acme.example>", id="a1@acme.example"), zone=ZONE)
    receive(house, mail("Bo <bo@other.example>", id="b1@other.example"), zone=ZONE)
    receive(house, ours(forwarded(headers={"References": "<a1@acme.example>"})), zone=ZONE)
    correcting = forwards_of(house.db, house.settings)
    made, ada = house.message("f1@aboard.example"), house.message("a1@acme.example")
    assert made.thread_id == ada.thread_id
    correcting.correct(made.id, "", "ines", house.now, "r1")
    mine = house.message("f1@aboard.example")
    assert (mine.from_address, mine.contact_id) == ("ines@aboard.example", None)
    assert mine.thread_id != ada.thread_id and mine.account_id != ada.account_id
    assert house.thread("a1@acme.example").messages == 1
    correcting.correct(made.id, "Bo <bo@other.example>", "ines", house.now, "r2")
    bo, moved = house.message("b1@other.example"), house.message("f1@aboard.example")
    assert (moved.account_id, moved.contact_id) == (bo.account_id, bo.contact_id)
    assert undo(house.db, "r1", "ines", house.now).left == (
        f"message {made.id} stays: whose mail it is was changed again since",
    )
    assert undo(house.db, "r2", "ines", house.now).left == ()
    assert house.message("f1@aboard.example").from_address == "ines@aboard.example"
    house.file()


@pytest.mark.parametrize(
    ("sender", "said"),
    [
        ("tom@aboard.example", "is one of us"),
        ("nobody", "is not one mail address"),
        ("a@b.example, c@d.example", "is not one mail address"),
        ("ada@acme.example", "counts as the mail of ada@acme.example already"),
    ],
)
def test_what_cannot_be_says_why(house: House, sender: str, said: str) -> None:
    receive(house, ours(forwarded()), mail(id="1@acme.example"), zone=ZONE)
    correcting = forwards_of(house.db, house.settings)
    with pytest.raises(AboardError, match=said):
        correcting.correct(house.message("f1@aboard.example").id, sender, "ines", house.now)
    with pytest.raises(AboardError, match="is no forward of a colleague"):
        correcting.correct(house.message("1@acme.example").id, "", "ines", house.now)


def test_a_strangers_thread_is_joined_by_one_click_and_parted_by_undo(house: House) -> None:
    receive(house, mail("Ada <ada@acme.example>", id="a1@acme.example"), zone=ZONE)
    receive(house, mail("Eve <eve@else.example>", id="e1@else.example", refs=["a1@acme.example"]))
    one, stranger = house.thread("a1@acme.example"), house.thread("e1@else.example")
    assert one.id != stranger.id
    house.later(minutes=5)
    done = join_linked(house.db, stranger.id, one.id, "ines", house.now, "r1")
    assert (done.id, done.messages, done.account_id) == (one.id, 2, one.account_id)
    assert house.message("e1@else.example").account_id == one.account_id
    undo(house.db, "r1", "ines", house.now)
    assert house.thread("e1@else.example").id == stranger.id
    assert house.message("e1@else.example").account_id == stranger.account_id
    assert house.thread("a1@acme.example").messages == 1
    with house.looking() as conn:
        assert one.id in {number for number, _ in threads.linked(conn, stranger.id)}


def test_threads_that_nothing_links_are_not_joined(house: House) -> None:
    receive(house, mail("Ada <ada@acme.example>", id="a1@acme.example"), zone=ZONE)
    receive(house, mail("Eve <eve@else.example>", id="e1@else.example"), zone=ZONE)
    one, two = house.thread("a1@acme.example"), house.thread("e1@else.example")
    with pytest.raises(AboardError, match="are not linked"):
        join_linked(house.db, one.id, two.id, "ines", house.now, "r1")
    assert house.thread("e1@else.example").account_id == two.account_id


def test_what_cannot_be_joined_stays_where_it_was(house: House) -> None:
    receive(house, mail("Ada <ada@acme.example>", id="a1@acme.example"), zone=ZONE)
    receive(house, mail("Eve <eve@else.example>", id="e1@else.example", refs=["a1@acme.example"]))
    one, stranger = house.thread("a1@acme.example"), house.thread("e1@else.example")
    with house.db.write() as conn:
        threads.save(conn, one.id, confidential=True)
    with pytest.raises(AboardError, match="confidential"):
        join_linked(house.db, stranger.id, one.id, "ines", house.now, "r1")
    assert house.thread("e1@else.example").account_id == stranger.account_id
    assert not house.rows(draft_tables.deeds, run="r1")
