"""The same mail by two ways is one message with several deliveries, acknowledged once (F15)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from inbox.store import ledger
from inbox.store.database import Database
from inbox.store.tables import messages
from tests.followups.office import Office, open_office
from tests.polling.box import Box, box_of, numbered
from tests.services.dovecot import Dovecot

ANA = "ana@acme.example"
BY_SMTP = numbered(1, id="once@acme.example", headers={"From": f"Ana <{ANA}>"})
BY_IMAP = (
    b"Return-Path: <ana@acme.example>\r\nDelivered-To: hello@aboard.example\r\n"
    b"Received: from mx.acme.example by imap.test; Mon, 02 Nov 2026 08:59:00 +0000\r\n" + BY_SMTP
)
"""As it lies in the mailbox: with what its servers wrote on top."""


@pytest.fixture
def office_box(db: Database, dovecot: Dovecot, tmp_path: Path) -> Box:
    return box_of(dovecot, open_office(db, tmp_path))


def smtp(box: Box, to: str = "hello@aboard.example") -> None:
    box.house.accept(BY_SMTP, reverse_path=ANA, forward_paths=(to,))


def imap(box: Box, folder: str = "INBOX") -> None:
    box.put(BY_IMAP, folder=folder)
    assert box.poll(folder).accepted == 1


def file(box: Box) -> None:
    box.house.file()


WAYS: dict[str, tuple[Callable[[Box], None], ...]] = {
    "smtp, then imap": (smtp, file, imap, file),
    "imap, then smtp": (imap, file, smtp, file),
    "both at once": (smtp, imap, file),
    "both at once, imap first": (imap, smtp, file),
    "resent after a lost 250": (smtp, file, smtp, file),
    "resent before it was filed": (smtp, smtp, file),
    "two of our addresses": (smtp, lambda box: smtp(box, "help@aboard.example"), file),
    "two folders": (imap, file, lambda box: imap(box, "Clients"), file),
    "copied in its folder": (imap, file, imap, file),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_same_mail_by_two_ways_is_acknowledged_once(office_box: Box, way: str) -> None:
    office = office_box.house
    assert isinstance(office, Office)
    for step in WAYS[way]:
        step(office_box)
        office.later(minutes=1)
    (message,) = office.rows(messages)
    with office.looking() as conn:
        deliveries = ledger.of_message(conn, message.id)
    assert sorted(one.state for one in deliveries) == ["duplicate", "filed"]
    assert office.thread("once@acme.example").messages == 1
    assert office.carry() == ["sent"]
    office.work(hours=2)
    assert [one.to for one in office.left if one.mail["Auto-Submitted"]] == [(ANA,)]


def test_uids_given_anew_are_no_delivery_at_all(office_box: Box) -> None:
    office = office_box.house
    imap(office_box)
    file(office_box)
    office_box.server.delete_index(office_box.user)
    assert office_box.poll().known == 1
    file(office_box)
    assert len(office.ledger()) == 1
    assert isinstance(office, Office) and office.carry() == ["sent"]


def test_what_a_server_rewrote_with_new_uids_is_still_the_same_message(office_box: Box) -> None:
    """A migration may add fields: other bytes, the same Message-ID and content."""
    office = office_box.house
    assert isinstance(office, Office)
    imap(office_box)
    file(office_box)
    with office_box.client() as client:
        client.delete_messages([1])
        client.expunge()
    office_box.server.delete_index(office_box.user)
    office.later(days=3)
    office_box.put(b"X-Migrated: yes\r\n" + BY_IMAP, ago=timedelta(days=3))
    assert office_box.poll().accepted == 1
    file(office_box)
    assert len(office.rows(messages)) == 1
    assert office.templates() == ["acknowledgement"]


def test_mail_that_waited_long_is_not_acknowledged_but_its_clock_runs(office_box: Box) -> None:
    office = office_box.house
    assert isinstance(office, Office)
    office_box.put(BY_IMAP)
    office.later(hours=72)
    office_box.poll()
    file(office_box)
    office.work(hours=1)
    assert office.templates() == []
    thread = office.thread("once@acme.example")
    assert thread.status == "open"
    assert thread.last_in_at is not None and office.now - thread.last_in_at > timedelta(hours=72)
