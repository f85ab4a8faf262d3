"""A round over a folder: everything is accounted for, whatever people do in the mailbox meanwhile."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from inbox.flow.intake.poll import MOST_ATTEMPTS
from inbox.flow.intake.reconcile import compare
from inbox.imap_settings import Imap
from inbox.mail.polled import Opened
from inbox.mail.return_path import return_path
from inbox.store import mailbox_uids, mailboxes
from inbox.store.mailbox_uids import REFUSED, Noted
from inbox.store.mailboxes import PollerFenced
from inbox.store.tables import ledger
from routing.floods import Bounds, Floods
from tests.polling.box import Box, numbered


def test_what_is_there_is_accepted_as_it_is(box: Box) -> None:
    box.put(*(numbered(n) for n in range(25)))
    done = box.poll()
    assert (done.accepted, done.total) == (25, 25)
    box.everything_once()
    assert box.poll().total == 0
    assert box.house.file().filed == 25


def test_read_mail_is_fetched_like_unread_and_nothing_becomes_read(small_box: Box) -> None:
    box = small_box
    box.put(*(numbered(n) for n in range(6)))
    with box.client() as client:
        client.add_flags([1, 3, 5], [b"\\Seen"])
        client.add_flags([2], [b"\\Flagged", b"\\Answered"])
    box.poll()
    box.everything_once()
    with box.client() as client:
        assert client.search(["SEEN"]) == [1, 3, 5]


def test_a_later_round_takes_only_what_is_new(box: Box) -> None:
    for start in (0, 5, 10):
        box.put(*(numbered(n) for n in range(start, start + 5)))
        assert box.poll().accepted == 5
    box.everything_once()


def test_mail_that_is_moved_or_removed_before_it_is_fetched_is_gone(box: Box) -> None:
    box.put(*(numbered(n) for n in range(30)))
    with box.polling() as poll:
        fetch = poll._remote.listed

        def then_removed(uids: list[int]) -> object:
            found = fetch(uids)
            with box.client() as client:
                client.delete_messages([3, 4, 17])
                client.expunge()
            return found

        poll._remote.listed = then_removed  # type: ignore[method-assign,assignment]
        done = poll.look("INBOX")
    assert (done.accepted, done.gone) == (27, 3)
    assert {uid for uid, outcome in box.outcomes().items() if outcome == "gone"} == {3, 4, 17}
    assert len(box.raws()) == 27
    box.reconciled()


def test_a_second_client_that_expunges_and_moves_at_random_makes_no_loop(small_box: Box) -> None:
    box = small_box
    draw = random.Random(7)
    box.put(*(numbered(n) for n in range(40)))
    with box.client() as client:
        client.create_folder("Elsewhere")
    taken = 0
    with box.polling() as poll, box.client() as other:
        bodies = poll._remote.bodies

        def meddled(uids: list[int], size: int) -> object:
            there = other.search()
            chosen = draw.sample(there, min(2, len(there)))
            if draw.random() < 0.5:
                other.move(chosen, "Elsewhere")
            else:
                other.delete_messages(chosen)
                other.expunge()
            return bodies(uids, size)

        poll._remote.bodies = meddled  # type: ignore[method-assign,assignment]
        for start in (40, 50, 60):
            done = poll.look("INBOX")
            taken += done.accepted
            assert done.left == 0
            box.put(*(numbered(n) for n in range(start, start + 10)))
    taken += box.poll().accepted
    gone = list(box.outcomes().values()).count("gone")
    assert (taken, taken + gone) == (box.count(), 70)
    assert len(set(box.raws())) == taken
    box.reconciled()


def test_flags_that_change_all_the_time_change_nothing(small_box: Box) -> None:
    box = small_box
    box.put(*(numbered(n) for n in range(30)))
    with box.polling() as poll, box.client() as other:
        bodies = poll._remote.bodies

        def stormy(uids: list[int], size: int) -> object:
            for flag in (b"\\Seen", b"\\Flagged"):
                other.add_flags(other.search(), [flag])
                other.remove_flags(other.search(), [flag])
            return bodies(uids, size)

        poll._remote.bodies = stormy  # type: ignore[method-assign,assignment]
        assert poll.look("INBOX").accepted == 30
    box.everything_once()


@pytest.mark.parametrize("how", ["index deleted", "folder recreated"])
def test_uids_given_anew_bring_no_double_and_no_automatic_mail(box: Box, how: str) -> None:
    box.put(*(numbered(n) for n in range(12)), folder="Clients", ago=timedelta(hours=1))
    box.polled = replace(box.polled, folders=("Clients",))
    assert box.poll("Clients").accepted == 12
    if how == "index deleted":
        box.server.delete_index(box.user, "Clients")
    else:
        with box.client() as client:
            client.create_folder("New")
            client.select_folder("Clients")
            client.copy(client.search(), "New")
            client.select_folder("INBOX")
            client.delete_folder("Clients")
            client.rename_folder("New", "Clients")
    box.put(*(numbered(n) for n in range(12, 15)), folder="Clients")
    done = box.poll("Clients")
    assert (done.known, done.accepted) == (12, 3)
    box.everything_once()
    assert box.house.file().filed == 15
    assert box.poll("Clients").total == 0


def test_a_copy_that_somebody_resent_is_one_more_delivery(box: Box) -> None:
    box.put(numbered(1), numbered(1))
    assert box.poll().accepted == 2
    done = box.house.file()
    assert (done.filed, done.duplicates) == (1, 1)
    box.server.delete_index(box.user)
    assert box.poll().known == 2
    box.reconciled()


def test_a_mail_that_is_too_large_is_left_and_listed_until_it_is_not(box: Box) -> None:
    box.imap = Imap(batch_mails=10, most_bytes=5_000)
    box.put(numbered(1), numbered(2, body="x" * 20_000), numbered(3))
    done = box.poll()
    assert (done.accepted, done.left) == (2, 1)
    found = box.compare()
    assert [(one.uid, one.outcome) for one in found.left] == [(2, "too-large")]
    assert (found.unaccounted, found.waiting) == ((), ())
    box.imap = Imap(batch_mails=10)
    with box.polling() as poll:
        assert poll.reconcile("INBOX") == ()
    box.everything_once()
    assert box.compare().left == ()


class Listing:
    """A server that lists so many mails, and gives none."""

    def __init__(self, count: int) -> None:
        self._uids = tuple(range(1, count + 1))

    def open(self, folder: str) -> Opened:
        return Opened(folder, 1, len(self._uids) + 1)

    def uids(self, after: int, since: date | None = None) -> tuple[int, ...]:
        return self._uids[after:]


def test_all_that_is_left_on_the_server_is_counted_and_named(box: Box) -> None:
    box.take()
    remote: Any = Listing(2_500)
    with box.house.db.write() as conn:
        at = mailboxes.meet(conn, "main", "INBOX", 1, 2_500, box.house.now, box.house.now)
        noted = [Noted(uid, REFUSED, attempts=1 + uid % 3) for uid in remote.uids(0)]
        mailbox_uids.note(conn, at, noted, box.house.now)
        mailboxes.advance(conn, at, 2_500)
        again = mailbox_uids.refused(conn, at, MOST_ATTEMPTS)
    found = compare(box.house.db, remote, box.polled, "INBOX")
    assert len(found.left) == 2_500 and found.unaccounted == ()
    shape = found.as_json()
    assert (shape["left_count"], len(shape["left"])) == (2_500, 2_500)
    assert again == tuple(uid for uid in remote.uids(0) if uid % 3 != 2)


def test_a_mail_larger_than_the_budget_is_fetched_alone(small_box: Box) -> None:
    box = small_box
    box.imap = Imap(batch_mails=10, batch_mib=1)
    box.put(numbered(1), numbered(2, body="long line of text\n" * 80_000), numbered(3))
    assert box.poll().accepted == 3
    box.everything_once()


def test_a_hole_is_found_and_filled(box: Box) -> None:
    box.put(*(numbered(n) for n in range(10)))
    with box.client() as client:  # somebody's bug, or a restored backup: four UIDs on no record
        client.add_flags([1], [b"\\Seen"])
    with box.polling() as poll:
        at = poll._meet("INBOX")
        with box.house.db.write() as conn:
            mailboxes.advance(conn, at, 4)
        poll.look("INBOX")
        assert box.compare().unaccounted == (1, 2, 3, 4)
        assert poll.reconcile("INBOX") == (1, 2, 3, 4)
    box.everything_once()


def test_a_holder_that_lost_its_lease_commits_nothing(box: Box) -> None:
    box.put(*(numbered(n) for n in range(5)))
    frozen = box.take("n1/frozen")
    with box.polling(frozen) as poll:
        bodies = poll._remote.bodies

        def meanwhile(uids: list[int], size: int) -> object:
            found = bodies(uids, size)
            assert box.poll(held=box.take("n2/quick")).accepted == 5
            return found

        poll._remote.bodies = meanwhile  # type: ignore[method-assign,assignment]
        with pytest.raises(PollerFenced):
            poll.look("INBOX")
    box.everything_once()


def test_mail_is_moved_away_only_once_it_is_ours(box: Box) -> None:
    box.polled = replace(box.polled, move_to="Done")
    with box.client() as client:
        client.create_folder("Done")
    box.put(*(numbered(n) for n in range(12)))
    assert box.poll().accepted == 12
    with box.client("Done") as client:
        assert len(client.search()) == 12
    assert box.compare().on_server == 0
    box.everything_once()


def test_a_move_that_a_crash_left_undone_is_done_later(box: Box) -> None:
    box.polled = replace(box.polled, move_to="Done")
    with box.client() as client:
        client.create_folder("Done")
    box.put(*(numbered(n) for n in range(5)))

    class Killed(Exception):
        pass

    def killed(uids: object, folder: object) -> None:
        raise Killed

    with box.polling() as poll:
        poll._remote.move = killed  # type: ignore[method-assign]
        with pytest.raises(Killed):
            poll.look("INBOX")
    assert box.compare().on_server == 5
    assert box.poll().total == 0
    assert box.compare().on_server == 0
    box.everything_once()


def test_without_move_only_our_own_mails_are_expunged(small_box: Box) -> None:
    box = small_box
    box.polled = replace(box.polled, move_to="Done")
    with box.client() as client:
        client.create_folder("Done")
    box.put(*(numbered(n) for n in range(4)))
    with box.polling() as poll:
        has = poll._remote._client.has_capability
        without = ("MOVE",)
        poll._remote._client.has_capability = lambda name: name not in without and has(name)
        assert poll.look("INBOX").accepted == 4
        assert box.compare().on_server == 0
        without = ("MOVE", "UIDPLUS")
        box.put(*(numbered(n) for n in range(4, 8)))
        with box.client() as other:
            other.add_flags([5], [b"\\Deleted"])  # somebody wants it back later
        poll.look("INBOX")
    with box.client() as client:
        assert client.search(["NOT", "DELETED"]) == []
        assert len(client.search(["DELETED"])) in (0, 4)
    with box.client("Done") as client:
        assert len(client.search()) == 8


def outage(box: Box, waiting: int) -> None:
    """One mail, then nobody polls for 72 hours while so many come, then ten more."""
    box.put(numbered(0))
    box.poll()
    box.imap = Imap()
    box.house.later(hours=-72)
    box.put(*(numbered(n) for n in range(1, waiting + 1)))
    box.house.later(hours=72)
    box.put(*(numbered(n) for n in range(waiting + 1, waiting + 11)))
    assert box.poll().accepted == waiting + 10
    box.everything_once()
    rows = box.house.rows(ledger)
    assert [row.dated for row in rows] == [False] + [True] * waiting + [False] * 10
    assert all(row.arrived_at < row.accepted_at for row in rows[1 : waiting + 1])


def test_a_long_outage_is_made_up_for(box: Box) -> None:
    outage(box, 60)


@pytest.mark.campaign
def test_an_outage_of_three_days_with_5000_mails_waiting(box: Box) -> None:
    outage(box, 5_000)


def test_stopping_ends_a_round_between_two_batches(small_box: Box) -> None:
    box = small_box
    box.put(*(numbered(n) for n in range(30)))
    asked: list[bool] = []

    def stopping() -> bool:
        asked.append(True)
        return len(asked) > 1

    assert box.poll(stopping=stopping).accepted == 10
    assert box.poll().accepted == 20
    box.everything_once()


def test_every_uid_has_one_row_and_the_ledger_number_of_its_mail(box: Box) -> None:
    box.put(*(numbered(n) for n in range(3)))
    box.poll()
    rows = box.house.rows(mailbox_uids.imap_uids)
    assert [row.ledger_id for row in rows] == [row.id for row in box.house.rows(ledger)]
    assert [row.uid for row in rows] == [1, 2, 3]
    assert len(set(box.origins())) == 3


def from_a_bot(number: int) -> bytes:
    return b"Return-Path: <bot@noisy.example>\r\n" + numbered(number)


def test_a_flood_in_a_mailbox_is_filed_last(small_box: Box) -> None:
    box = small_box
    box.floods = Floods(Bounds(sender=3), frozenset())
    box.put(*(from_a_bot(n) for n in range(8)), *(numbered(n) for n in range(8, 12)))
    box.poll()
    assert [row.lane for row in box.house.rows(ledger)] == [0] * 3 + [1] * 5 + [0] * 4
    box.everything_once()


def test_mail_that_came_over_hours_and_waited_is_no_flood(small_box: Box) -> None:
    box = small_box
    box.floods = Floods(Bounds(sender=3), frozenset())
    for n in range(8):
        box.put(from_a_bot(n), ago=timedelta(hours=8 - n))
    box.put(from_a_bot(8), ago=timedelta(days=30))  # dragged in, out of order
    box.put(from_a_bot(9))
    box.poll()
    assert {row.lane for row in box.house.rows(ledger)} == {0}


def test_a_mail_over_which_we_fail_ourselves_keeps_no_other_back(
    small_box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = small_box
    box.put(*(numbered(n) for n in range(12)))

    def path_of(raw: bytes) -> str | None:
        if b"Question 4\r\n" in raw:
            raise ValueError("a bug of ours")
        return return_path(raw)

    monkeypatch.setattr("inbox.flow.intake.poll.return_path", path_of)
    for _ in range(1 + MOST_ATTEMPTS):
        with pytest.raises(ValueError, match="a bug of ours"):
            box.poll()
    box.poll()
    assert box.count() == 11 and box.outcomes()[5] == "refused"
    monkeypatch.undo()
    with box.polling() as poll:
        poll.reconcile("INBOX")
    box.everything_once()
