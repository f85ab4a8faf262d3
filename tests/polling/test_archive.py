"""First connect: what was there before is history, with its own dates and no automatic mail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from inbox.errors import MailboxError
from inbox.flow.intake.mailbox_state import states
from inbox.imap_settings import Imap
from inbox.net.imap import Remote
from inbox.store import intake, mailboxes
from inbox.store.database import Database
from inbox.store.tables import events, ledger, threads
from routing.floods import Bounds, Floods
from tests import databases
from tests.followups.office import Office, open_office
from tests.polling.box import HASTY, Box, box_of, numbered
from tests.polling.relay import instead, relaying
from tests.services.dovecot import Dovecot


def old(box: Box, number: int, days: int, **fields: object) -> bytes:
    """A mail of so many days ago, which lies in the mailbox since then."""
    at = box.house.now - timedelta(days=days)
    raw = b"Return-Path: <c@acme.example>\r\n" + numbered(
        number, date=format_datetime(at), **fields
    )
    box.put(raw, ago=timedelta(days=days))
    return raw


@pytest.fixture
def archive(dovecot: Dovecot, sqlite_url: str, tmp_path: Path) -> Iterator[Box]:
    """A mailbox that nobody polled before, of a company that follows up."""
    databases.prepare(sqlite_url)
    db = Database(sqlite_url)
    yield box_of(dovecot, open_office(db, tmp_path), archive_before=None)
    db.close()


def test_history_is_closed_dated_and_silent(archive: Box) -> None:
    office = archive.house
    assert isinstance(office, Office)
    for days in (400, 90, 10):
        old(archive, days, days)
    old(archive, 5, 9, refs=["10@poll.example"], headers={"From": "Customer 10 <c3@acme0.example>"})
    archive.put(
        b"Return-Path: <c@acme.example>\r\n" + numbered(1, date=format_datetime(office.now))
    )
    assert archive.poll().accepted == 5
    assert office.file().filed == 5
    found = {row.subject: row for row in office.rows(threads)}
    assert {name: row.status for name, row in found.items()} == {
        "Question 400": "closed",
        "Question 90": "closed",
        "Question 10": "closed",
        "Question 1": "open",
    }
    assert office.now - found["Question 400"].opened_at == timedelta(days=400)
    assert found["Question 10"].messages == 2
    office.work(days=2)
    assert set(office.templates()) <= {"acknowledgement", "after-hours", "first-response-late"}
    sent_to = {address for letter in office.left for address in letter.to}
    assert sent_to <= {"c1@acme1.example"}  # the one live mail


def test_live_mail_is_filed_before_a_flood_and_a_flood_before_history(archive: Box) -> None:
    """Years of history are accepted before the mail that comes meanwhile."""
    archive.floods = Floods(Bounds(sender=1), frozenset())
    for days in (400, 90, 10):
        old(archive, days, days)
    archive.put(*(b"Return-Path: <bot@noisy.example>\r\n" + numbered(n) for n in (1, 2)))
    archive.poll()
    archive.put(numbered(3))
    archive.poll()
    lanes = [row.lane for row in sorted(archive.house.rows(ledger), key=lambda row: row.id)]
    assert lanes == [2, 2, 2, 0, 1, 0]
    taken = []
    for _ in lanes:
        with archive.house.db.write() as conn:
            (claim,) = intake.claim(
                conn, owner="w", limit=1, now=archive.house.now, lease_for=timedelta(minutes=1)
            )
        taken.append(claim.ledger_id)
    assert taken == [4, 6, 5, 1, 2, 3]


@pytest.fixture
def fetched(archive: Box, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The UIDs as they were fetched, of a mailbox in which ten mails are many."""
    monkeypatch.setattr("inbox.flow.intake.poll.LISTED_AT_ONCE", 10)
    archive.imap = Imap(batch_mails=5)
    order: list[int] = []
    bodies = Remote.bodies

    def noted(remote: Remote, uids: Sequence[int], size: int) -> dict[int, bytes]:
        order.extend(uids)
        return bodies(remote, uids, size)

    monkeypatch.setattr(Remote, "bodies", noted)
    return order


def test_years_of_history_do_not_hold_up_what_came_after_them(
    archive: Box, fetched: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        old(archive, number, 400 - number)
    archive.put(numbered(31), numbered(32))
    bodies = Remote.bodies

    def and_one_comes(remote: Remote, uids: Sequence[int], size: int) -> dict[int, bytes]:
        if fetched[-1:] == [5]:
            archive.put(numbered(33))
        return bodies(remote, uids, size)

    monkeypatch.setattr(Remote, "bodies", and_one_comes)
    assert archive.poll().accepted == 33
    assert fetched == [31, 32, *range(1, 11), 33, *range(11, 31)]
    assert archive.count() == 33 and archive.poll().total == 0
    archive.reconciled()
    with archive.house.looking() as conn:
        at = mailboxes.folder_of(conn, "main", "INBOX")
    assert at is not None and at.last_uid == 33


def test_a_first_pass_that_is_ended_goes_on_behind_what_it_took(
    archive: Box, fetched: list[int]
) -> None:
    for number in range(30):
        old(archive, number, 400 - number)
    archive.put(numbered(31))
    asked: list[bool] = []
    done = archive.poll(stopping=lambda: bool(asked.append(True)) or len(asked) > 2)
    assert (done.accepted, archive.count()) == (11, 11)
    assert archive.poll().accepted == 20
    assert sorted(fetched) == list(range(1, 32)), "nothing is fetched twice"
    archive.reconciled()


def test_a_live_mail_that_cannot_be_had_holds_up_no_history(
    archive: Box, fetched: list[int]
) -> None:
    archive.polled = replace(archive.polled, tls="none", host="127.0.0.1")
    for number in range(30):
        old(archive, number, 400 - number)
    archive.put(numbered(31), numbered(32))
    hang_up = instead(r"UID FETCH (\d+,)*31(,\d+)* \(BODY", "")
    with relaying(archive.server.port, hang_up) as relay:
        archive.polled = replace(archive.polled, port=relay.port)
        for _ in range(8):
            with suppress(MailboxError):
                archive.poll(waits=HASTY)
    assert archive.count() == 31
    archive.polled = replace(archive.polled, port=archive.server.port)
    assert [(one.uid, one.attempts) for one in archive.compare().left] == [(31, 3)]
    with archive.polling() as poll:
        poll.reconcile("INBOX")
    assert archive.count() == 32
    archive.reconciled()


def test_history_may_stay_open(archive: Box) -> None:
    archive.polled = replace(archive.polled, archive_status="open")
    old(archive, 1, 30)
    archive.poll()
    archive.house.file()
    assert [row.status for row in archive.house.rows(threads)] == ["open"]
    assert archive.house.rows(ledger)[0].dated


def test_the_day_can_be_named(archive: Box) -> None:
    before = archive.house.now - timedelta(days=20)
    archive.polled = replace(archive.polled, archive_before=before)
    old(archive, 1, 30)
    old(archive, 2, 10)
    archive.poll()
    archive.house.file()
    status = {row.subject: row.status for row in archive.house.rows(threads)}
    assert status == {"Question 1": "closed", "Question 2": "open"}
    assert all(row.dated for row in archive.house.rows(ledger))  # old, so no automatic mail either


def test_a_live_answer_opens_what_history_closed(archive: Box) -> None:
    old(archive, 1, 30)
    archive.poll()
    archive.house.file()
    archive.put(
        numbered(2, refs=["1@poll.example"], headers={"From": "Customer 1 <c1@acme1.example>"})
    )
    archive.poll()
    archive.house.file()
    (thread,) = archive.house.rows(threads)
    assert (thread.status, thread.messages) == ("open", 2)


def test_history_does_not_close_what_people_work_on(archive: Box) -> None:
    archive.put(
        numbered(2, refs=["1@poll.example"], headers={"From": "Customer 1 <c1@acme1.example>"})
    )
    old(archive, 1, 30)
    archive.poll()
    archive.house.file()
    (thread,) = archive.house.rows(threads)
    assert (thread.status, thread.messages) == ("open", 2)


def test_the_timeline_says_that_history_was_closed_and_progress_is_told(archive: Box) -> None:
    old(archive, 1, 30)
    archive.poll()
    archive.house.file()
    closed = [one for one in archive.house.rows(events) if one.kind == "status-changed"]
    assert [(one.actor, one.data["why"]) for one in closed] == [("aboard", "archive")]
    with archive.house.looking() as conn:
        (state,) = states(conn, (archive.polled,))
    assert state.folders[0].first_pass == 1.0
    assert state.folders[0].outcomes == {"accepted": 1}
