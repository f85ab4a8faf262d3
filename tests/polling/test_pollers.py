"""The threads of a node: they poll, wait, come back, and hand a mailbox over."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from inbox.net.imap import Remote
from inbox.store import mailbox_health, mailboxes
from tests.polling.at_work import SHORT, health, polling
from tests.polling.box import Box, box_of, numbered
from tests.services.dovecot import Dovecot
from tests.services.waiting import until

KEPT = timedelta(seconds=8)
"""A lease that nobody loses because a machine with other work lets its holder wait."""


def test_mail_is_fetched_as_it_comes_and_filing_is_woken(box: Box) -> None:
    box.put(numbered(1))
    with polling(box) as woken:
        assert woken.wait(20)
        until(lambda: box.count() == 1)
        box.put(numbered(2), numbered(3))
        until(lambda: box.count() == 3)
    box.everything_once()
    found = health(box.house.db)
    assert (found.owner, found.failing_since) == (None, None)
    assert found.last_ok_at is not None


def test_a_round_that_takes_hours_is_no_silence(
    small_box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first connect of a mailbox with years of mail: `/healthz` goes by the last good moment."""
    box = small_box
    monkeypatch.setattr("inbox.poller.TOLD_EVERY", -1.0)
    box.put(*(numbered(n) for n in range(20)))
    asked, bodies = threading.Event(), Remote.bodies

    def second_waits(remote: Remote, uids: Sequence[int], size: int) -> dict[int, bytes]:
        if uids[0] > 10:
            assert asked.wait(60)
        return bodies(remote, uids, size)

    monkeypatch.setattr(Remote, "bodies", second_waits)
    with polling(box):
        until(lambda: box.count() == 10)
        until(lambda: health(box.house.db).last_ok_at is not None)
        asked.set()
        until(lambda: box.count() == 20)
    box.everything_once()


def test_several_folders_and_mailboxes_are_polled(dovecot: Dovecot, small_box: Box) -> None:
    box = small_box
    other = box_of(dovecot, box.house, name="other", folders=("INBOX", "Clients"))
    other.put(numbered(1))
    other.put(numbered(2), folder="Clients")
    box.put(numbered(3))
    with polling(box, other.polled):
        until(lambda: box.count() == 3)
    assert {one.partition(";")[0] for one in box.origins()} == {
        "imap:main/INBOX",
        "imap:other/INBOX",
        "imap:other/Clients",
    }


def test_a_folder_that_is_not_there_keeps_no_other_back(small_box: Box) -> None:
    box = small_box
    box.polled = replace(box.polled, folders=("Nowhere", "INBOX"))
    box.put(numbered(1))
    with polling(box):
        until(lambda: box.count() == 1)
        until(lambda: health(box.house.db).cause == "folder")
    assert "Nowhere" in str(health(box.house.db).error)


def test_a_stall_and_a_recovery_are_said_once_each(
    dovecot: Dovecot, box: Box, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inbox.poller.FIRST_WAIT", 0.05)
    monkeypatch.setattr("inbox.poller.LONGEST_WAIT", 0.1)
    logging.getLogger("aboard").propagate = True
    good = box.polled
    box.polled = replace(good, port=1)
    with caplog.at_level("INFO", "aboard"), polling(box, stalled_minutes=0):
        until(lambda: len([one for one in caplog.messages if "mailbox-trouble" in one]) > 4)
    assert len([one for one in caplog.messages if one.startswith("mailbox-stalled")]) == 1
    box.put(numbered(1))
    box.polled = good
    with caplog.at_level("INFO", "aboard"), polling(box):
        until(lambda: box.count() == 1)
        until(lambda: health(box.house.db).failing_since is None)
        box.put(numbered(2))
        until(lambda: box.count() == 2)
    assert len([one for one in caplog.messages if one.startswith("mailbox-recovered")]) == 1
    with box.house.looking() as conn:
        (stall,) = mailbox_health.stalls(conn)
    assert stall.recovered_at is not None and stall.since <= stall.recovered_at


def test_of_two_nodes_one_polls_and_the_other_takes_over(box: Box) -> None:
    box.put(numbered(1))
    with polling(box, node="n2", lease=KEPT):
        with polling(box, node="n1", lease=KEPT):
            until(lambda: box.count() == 1)
            owner = health(box.house.db).owner
            box.put(numbered(2))
            until(lambda: box.count() == 2)
            assert health(box.house.db).owner == owner
        box.put(numbered(3))
        until(lambda: box.count() == 3, within=60)
    box.everything_once()


def test_a_node_that_cannot_reach_the_server_leaves_the_mailbox_to_one_that_can(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inbox.poller.FIRST_WAIT", 0.5)
    good = box.polled
    box.put(numbered(1))
    box.polled = replace(good, port=1)
    with polling(box, node="n1"):
        until(lambda: health(box.house.db).cause == "unreachable")
        box.polled = good
        with polling(box, node="n2"):
            until(lambda: box.count() == 1)
            until(lambda: health(box.house.db).failing_since is None)
    box.everything_once()


def test_a_lease_is_kept_while_the_process_lives_and_free_after(box: Box) -> None:
    with polling(box):
        first = until(lambda: health(box.house.db).leased_until)
        later = until(lambda: [one for one in [health(box.house.db).leased_until] if one != first])
        assert later[0] is not None and later[0] > first
        with box.house.db.write() as conn:
            assert mailboxes.take(conn, "main", "n2/x", first, SHORT) is None
    assert health(box.house.db).owner is None


def test_holes_are_filled_by_a_running_poller(small_box: Box) -> None:
    box = small_box
    box.put(*(numbered(n) for n in range(5)))
    with box.polling() as poll:
        at = poll._meet("INBOX")
        with box.house.db.write() as conn:
            mailboxes.advance(conn, at, 3)
    with polling(box):
        until(lambda: box.count() == 2)
        with box.house.db.write() as conn:
            mailboxes.reconcile_soon(conn, at.id)
        until(lambda: box.count() == 5)
    box.everything_once()


def test_a_server_that_restarts_is_come_back_to(
    dovecot: Dovecot, small_box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = small_box
    monkeypatch.setattr("inbox.poller.FIRST_WAIT", 0.1)
    monkeypatch.setattr("inbox.poller.LONGEST_WAIT", 0.3)
    with polling(box):
        box.put(numbered(1))
        until(lambda: box.count() == 1)
        dovecot.stop()
        dovecot.start()
        box.put(numbered(2))
        until(lambda: box.count() == 2)
    box.everything_once()
