"""One bad mail hurts only itself; a database in trouble hurts none."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from inbox.errors import StoreError
from inbox.flow.deciding.prepare import Prepared
from inbox.flow.deciding.unit import Unit
from inbox.flow.intake import file as filing
from inbox.flow.intake import message
from inbox.mail.letter import Letter
from inbox.mail.limits import LimitExceeded
from inbox.store import intake, ledger
from inbox.store.database import Conflict
from inbox.store.tables import messages as messages_table
from inbox.store.tables import raw_mail
from tests.flow.house import House, mail

TOKEN = "token-that-breaks"


def good_and_bad(house: House) -> None:
    house.accept(mail(id="1@a"), mail(id="2@a", subject=TOKEN), mail(id="3@b"))


def reading_raises(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    parse = filing.parse_letter

    def read(raw: bytes, *, envelope_from: str | None) -> Letter:
        if TOKEN.encode() in raw:
            raise error
        return parse(raw, envelope_from=envelope_from)

    monkeypatch.setattr(filing, "parse_letter", read)


def filing_raises(monkeypatch: pytest.MonkeyPatch, error: BaseException, times: int = 99) -> None:
    file_letter, left = message.file_letter, [times]

    def step(unit: Unit, ready: Prepared) -> int:
        if ready.letter.subject == TOKEN and left[0]:
            left[0] -= 1
            raise error
        return file_letter(unit, ready)

    monkeypatch.setattr(message, "file_letter", step)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (RuntimeError("a bug"), "unreadable"),
        (RecursionError("deep"), "unreadable"),
        (MemoryError(), "memory"),
        (LimitExceeded("header-too-large", 2, 1, "bytes"), "header-too-large"),
        (UnicodeEncodeError("utf-8", "\udc80", 0, 1, "lone \udc80"), "unreadable"),
        (ValueError("nul \x00 and \udc80"), "unreadable"),
    ],
)
def test_what_cannot_be_read_is_quarantined_at_once_and_the_others_are_filed(
    house: House, monkeypatch: pytest.MonkeyPatch, error: Exception, cause: str
) -> None:
    reading_raises(monkeypatch, error)
    good_and_bad(house)
    house.file()
    assert house.states() == {"filed": 2, "quarantined": 1}
    row = house.ledger()[1]
    assert (row.state, row.cause) == ("quarantined", cause)
    assert row.detail
    with house.looking() as conn:
        assert TOKEN.encode() in ledger.raw_bytes(conn, row.raw_id)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("a bug \x00 \udc80"),
        IntegrityError("INSERT", {}, Exception("UNIQUE failed")),
        MemoryError(),
    ],
)
def test_what_cannot_be_filed_is_tried_again_later_then_quarantined(
    house: House, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    filing_raises(monkeypatch, error)
    good_and_bad(house)
    first = house.file()
    assert (first.filed, first.put_back) == (2, 1)
    assert house.states() == {"filed": 2, "pending": 1}
    house.later(seconds=1)
    assert house.file().total == 0  # not yet
    house.later(seconds=10)
    assert house.file().quarantined == 1
    row = house.ledger()[1]
    assert (row.cause, row.attempts) == ("filing-failed", 2)
    assert type(error).__name__ in (row.detail or "")


def test_what_was_mended_can_be_retried_from_quarantine(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        reading_raises(patched, RuntimeError("a bug"))
        good_and_bad(house)
        house.file()
    with house.db.write() as conn:
        assert intake.retry(conn, None, house.now) == 1
    house.file()
    assert house.states() == {"filed": 3}
    assert house.message("2@a").subject == TOKEN


def test_a_fault_that_passes_costs_one_more_attempt_and_nothing_else(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    filing_raises(monkeypatch, RuntimeError("once"), times=1)
    good_and_bad(house)
    assert house.file().filed == 3
    assert [row.attempts for row in house.ledger()] == [1, 1, 1]
    assert len(house.rows(messages_table)) == 3


def test_a_database_in_trouble_quarantines_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    filing_raises(monkeypatch, StoreError("disk full"), times=2)
    good_and_bad(house)
    with pytest.raises(StoreError):
        house.file()
    assert house.states() == {"pending": 3} or house.states() == {"filed": 1, "pending": 2}
    house.now += house.rules.lease_for + timedelta(seconds=1)
    assert set(house.states() | {"filed": 0}) <= {"filed", "pending"}
    house.file()
    assert house.states() == {"filed": 3}


def test_a_batch_that_outlived_its_lease_changes_nothing(house: House) -> None:
    good_and_bad(house)
    context = house.context()
    slow = filing.claim(house.db, house.rules, house.now)
    house.now += house.rules.lease_for + timedelta(seconds=1)
    while fast := filing.claim(house.db, house.rules, house.now):
        filing.file_claimed(house.db, fast, context, house.rules, lambda: house.now)
    assert house.states() == {"filed": 3}
    done = filing.file_claimed(house.db, slow, context, house.rules, lambda: house.now)
    assert done == filing.Filed() or done.duplicates == 0
    assert house.states() == {"filed": 3}
    assert len(house.rows(messages_table)) == 3


def test_a_mail_filed_and_then_forgotten_by_the_ledger_becomes_a_duplicate_not_a_double(
    house: House,
) -> None:
    good_and_bad(house)
    house.file()
    with house.db.write() as conn:
        conn.execute(
            ledger.ledger.update().values(state="pending", message_id=None, settled_at=None)
        )
    house.later(minutes=3)
    house.file()
    assert house.states() == {"duplicate": 3}
    assert len(house.rows(messages_table)) == 3


def test_a_raw_mail_that_cannot_be_unpacked_does_not_block_the_queue(house: House) -> None:
    good_and_bad(house)
    with house.db.write() as conn:
        conn.execute(
            raw_mail.update().where(raw_mail.c.id == 2).values(packing="zlib", content=b"rot")
        )
    house.file()
    house.later(minutes=3)
    house.file()
    assert house.states() == {"filed": 2, "quarantined": 1}
    (row,) = (one for one in house.ledger() if one.state == "quarantined")
    assert (row.raw_id, row.cause) == (2, "damaged-in-store")


def test_the_supervisor_is_told_of_each_mail_before_it_is_touched(house: House) -> None:
    good_and_bad(house)
    claims = filing.claim(house.db, house.rules, house.now)
    told: list[tuple[str, list[int]]] = []
    filing.file_claimed(
        house.db,
        claims,
        house.context(),
        house.rules,
        lambda: house.now,
        lambda phase, ids: told.append((phase, sorted(ids))),
    )
    assert told == [("begun", [1]), ("begun", [2]), ("begun", [3]), ("committing", [1, 2, 3])]


def test_an_attempt_again_waits_at_least_a_moment() -> None:
    assert timedelta(seconds=1) < filing.RETRY_AFTER
    assert timedelta(0) < filing.CONFLICT_WAIT < timedelta(seconds=1)


def test_a_lease_outlasts_a_batch_of_mails_that_each_take_as_long_as_they_may() -> None:
    for batch, wall in ((1, 10), (20, 10), (100, 60)):
        rules = filing.Rules("n1", batch, wall_seconds=wall)
        assert rules.lease_for > timedelta(seconds=batch * wall + 60)


def test_a_mail_in_everlasting_conflict_is_tried_again_ten_times_ever_later(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    filing_raises(monkeypatch, Conflict("somebody was quicker"))
    good_and_bad(house)
    waits = []
    for _ in range(9):
        assert house.file().put_back == 1
        (row,) = house.rows(ledger.ledger, state="pending")
        waits.append(row.run_after - house.now)
        house.now = row.run_after
    assert waits == sorted(set(waits))
    assert timedelta(0) < waits[0] <= waits[-1] < timedelta(seconds=2)
    assert house.file().quarantined == 1
    assert house.states() == {"filed": 2, "quarantined": 1}
    assert (house.ledger()[1].cause, house.ledger()[1].attempts) == ("filing-failed", 10)
