"""What has not been filed is found by its Message-ID, waited for no longer than it helps, and an
audit says apart whether mail is missing or only damaged."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from inbox import ingest
from inbox.cli import mail as mail_commands
from inbox.clock import utc_now
from inbox.errors import AboardError, NotFound
from inbox.flow.evidence.audit import audit
from inbox.flow.evidence.doctor import stories
from inbox.ingest import Ingested, Told
from inbox.store import intake
from inbox.store.tables import ledger, raw_mail
from tests.flow.house import House, mail


def told(house: House, mail_id: str) -> list[tuple[str, bool]]:
    """(state, is there a message) of each story."""
    with house.looking() as conn:
        return [
            (one.deliveries[0].state, one.message is not None) for one in stories(conn, mail_id)
        ]


def test_a_mail_that_waits_or_is_in_quarantine_is_found_by_its_message_id(house: House) -> None:
    many = {f"X-{number}": "y" for number in range(1_100)}
    house.receive(mail(id="bomb@acme.example", headers=many, body="x" * 300_000))
    house.accept(mail(id="waits@acme.example"))
    folded = mail(id="x@acme.example").replace(b"<x@acme.example>", b"\n <folded@acme.example>")
    house.accept(folded, b"From: a@b.example\n\nMessage-ID: <body@acme.example>\n")
    assert told(house, "<bomb@acme.example>") == [("quarantined", False)]
    assert told(house, "waits@acme.example") == [("pending", False)]
    assert told(house, "folded@acme.example") == [("pending", False)]
    for nowhere in ("body@acme.example", "x@acme.example"):
        with pytest.raises(NotFound, match="never reached this system"):
            told(house, nowhere)
    house.file()
    assert told(house, "waits@acme.example") == [("filed", True)]


def test_what_is_damaged_is_left_out_and_hides_no_other(house: House) -> None:
    house.accept(mail(id="1@acme.example"), mail(id="2@acme.example"))
    with house.db.write() as conn:
        first = raw_mail.c.id == house.ledger()[0].raw_id
        conn.execute(update(raw_mail).where(first).values(content=b"none", packing="zlib"))
    assert told(house, "2@acme.example") == [("pending", False)]
    with pytest.raises(NotFound):
        told(house, "1@acme.example")


def test_an_audit_says_apart_what_is_missing_and_what_is_damaged(house: House) -> None:
    house.receive(mail(id="1@acme.example"))
    with house.db.write() as conn:
        conn.execute(update(raw_mail).values(content=b"none", packing="zlib"))
    found = audit(house.db, deep=True)
    assert found.adds_up and not found.balanced
    assert [one.partition(" is ")[2][:7] for one in found.findings] == ["damaged"]


def test_a_run_ends_where_a_mail_waits_for_the_store_to_be_mended(house: House) -> None:
    house.accept(mail(id="1@acme.example"), mail(id="2@acme.example"))
    numbers = [row.id for row in house.ledger()]
    with house.db.write() as conn:  # as filing leaves it: see test_damage.py
        later = utc_now() + timedelta(minutes=5)
        waits = {"attempts": 1, "run_after": later, "detail": "disk image is malformed"}
        conn.execute(update(ledger).where(ledger.c.id == numbers[0]).values(**waits))
    url = house.db.url.render_as_string(hide_password=False)
    settings = replace(house.settings, database=url)
    put_off = ingest._work_off(house.db, settings, numbers, Told())
    assert put_off == ((numbers[0], "disk image is malformed"),)
    assert house.states() == {"filed": 1, "pending": 1}
    with house.db.write() as conn:  # a mail that is only tried again in a moment is waited for
        conn.execute(update(ledger).values(run_after=utc_now()))
    assert ingest._work_off(house.db, settings, numbers, Told()) == ()
    assert house.states() == {"filed": 2}


def test_the_command_says_which_mails_wait_and_what_to_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    done = Ingested(1, 0, 0, 0, 1, 0.1, ((7, "a trace\ndisk image is malformed\n"),))
    with pytest.raises(AboardError, match=r"1 mails are accepted and safe.*audit --deep"):
        mail_commands._say_put_off(done)
    assert capsys.readouterr().err.strip().endswith("ledger 7 waits: disk image is malformed")


def test_a_head_is_unpacked_no_further_than_asked() -> None:
    bomb = intake.pack(b"a" * 50_000_000)
    assert bomb.packing == "zlib"
    assert intake.unpack_head(bomb.packing, bomb.content, 1000) == b"a" * 1000
    assert intake.unpack_head("plain", b"b" * 2000, 1000) == b"b" * 1000
