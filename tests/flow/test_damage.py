"""What the disk has lost of one mail costs that mail; the mails beside it are filed."""

from __future__ import annotations

import random
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from inbox.errors import StoreError
from inbox.flow.deciding.prepare import Prepared
from inbox.flow.deciding.unit import Unit
from inbox.flow.intake import file as filing
from inbox.flow.intake import message
from inbox.store import ledger
from inbox.store.database import Damaged, Database
from inbox.store.tables import raw_mail
from tests.flow.house import House, mail

BROKEN = "the one that breaks"


def _long(**fields: object) -> bytes:
    """A mail that does not compress, so that it lies on many pages of the file."""
    noise = random.Random(7).randbytes(60_000).hex()
    return mail(body="\n".join(noise[at : at + 76] for at in range(0, len(noise), 76)), **fields)


def _lose_a_page(db: Database, raw_id: int) -> None:
    """Overwrite what ties one page of this raw mail to the next, as a failing disk may."""
    with db.read() as conn:
        content = conn.execute(
            raw_mail.select().where(raw_mail.c.id == raw_id)
        ).one().content  # fmt: skip
    db.checkpoint()
    db.close()
    path = Path(str(db.url.database))
    page = int(sqlite3.connect(path).execute("PRAGMA page_size").fetchone()[0])
    data = path.read_bytes()
    at = data.index(content[len(content) // 2 :][:64]) // page * page
    path.write_bytes(data[:at] + b"\xff\xff\xff\xff" + data[at + 4 :])


def test_a_mail_whose_pages_are_lost_is_quarantined_alone_with_its_cause(house: House) -> None:
    if not house.db.is_sqlite:
        pytest.skip("the pages of a server's files are not ours to break")
    house.accept(mail(id="1@a"), mail(id="2@a"))
    house.accept(_long(id="3@a"))
    house.accept(mail(id="4@a"), mail(id="5@a"))
    _lose_a_page(house.db, house.ledger()[2].raw_id)
    house.file()
    assert house.states() == {"filed": 4, "quarantined": 1}
    lost = house.ledger()[2]
    assert (lost.state, lost.cause, lost.attempts) == ("quarantined", "damaged-in-store", 1)
    assert "malformed" in (lost.detail or "")


def test_a_mail_whose_row_is_gone_is_quarantined_alone_with_its_cause(house: House) -> None:
    house.accept(mail(id="1@a"), mail(id="2@a"), mail(id="3@b"))
    raw_id = house.ledger()[1].raw_id
    with house.db.write() as conn:
        if house.db.is_sqlite:
            conn.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
            conn.exec_driver_sql(f"UPDATE raw_mail SET id = -id WHERE id = {raw_id}")
            conn.exec_driver_sql("PRAGMA defer_foreign_keys = OFF")
        else:
            conn.exec_driver_sql("SET LOCAL session_replication_role = replica")
            conn.exec_driver_sql(f"UPDATE raw_mail SET id = -id WHERE id = {raw_id}")
    house.file()
    assert house.states() == {"filed": 2, "quarantined": 1}
    with house.looking() as conn:
        cause, detail = conn.exec_driver_sql(
            "SELECT cause, detail FROM ledger WHERE state = 'quarantined'"
        ).one()
    assert cause == "damaged-in-store"
    assert "not in the store any more" in detail


@pytest.mark.parametrize(
    ("values", "cause"),
    [
        ({"content": b"no stream of zlib", "packing": "zlib"}, "damaged-in-store"),
        ({"content": mail(id="another@b"), "packing": "plain"}, "damaged-in-store"),
    ],
)
def test_a_mail_whose_bytes_are_not_those_accepted_is_quarantined_alone(
    house: House, values: dict[str, object], cause: str
) -> None:
    house.accept(mail(id="1@a"), mail(id="2@a"), mail(id="3@b"))
    with house.db.write() as conn:
        chosen = house.ledger()[1].raw_id
        conn.execute(update(raw_mail).where(raw_mail.c.id == chosen).values(**values))
    done = house.file()
    assert (done.filed, done.quarantined) == (2, 1)
    assert house.ledger()[1].cause == cause


def test_raw_bytes_that_cannot_be_unpacked_are_told_to_whoever_asks_for_them(house: House) -> None:
    house.accept(mail(id="1@a"))
    raw_id = house.ledger()[0].raw_id
    with house.db.write() as conn:
        conn.execute(update(raw_mail).values(content=b"no stream of zlib", packing="zlib"))
    with house.looking() as conn, pytest.raises(Damaged, match=f"raw mail {raw_id}.*backup"):
        ledger.raw_bytes(conn, raw_id)


def _damage_at(monkeypatch: pytest.MonkeyPatch, error: StoreError) -> None:
    file_letter = message.file_letter

    def step(unit: Unit, ready: Prepared) -> int:
        if ready.letter.subject == BROKEN:
            raise error
        return file_letter(unit, ready)

    monkeypatch.setattr(message, "file_letter", step)


def test_a_mail_that_needs_a_damaged_row_waits_alone_with_its_cause(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    _damage_at(monkeypatch, Damaged("database d: disk image is malformed"))
    house.accept(mail(id="1@a"), mail(id="2@a", subject=BROKEN), mail(id="3@b"))
    done = house.file()
    assert (done.filed, done.put_back) == (2, 1)
    waiting = house.ledger()[1]
    assert waiting.state == "pending"
    assert "malformed" in (waiting.detail or "")
    monkeypatch.undo()
    house.later(seconds=filing.DAMAGE_WAIT.total_seconds() + 1)
    assert house.file().filed == 1


def test_a_database_that_is_gone_still_charges_no_mail(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    _damage_at(monkeypatch, StoreError("database d: gone"))
    house.accept(mail(id="1@a"), mail(id="2@a", subject=BROKEN))
    claims = filing.claim(house.db, house.rules, house.now)
    with pytest.raises(StoreError, match="gone"):
        filing.file_claimed(
            house.db, claims, house.context(), house.rules, lambda: house.now
        )  # fmt: skip
    assert house.ledger()[1].state == "pending"
    assert house.ledger()[1].detail is None
    assert timedelta(seconds=30) < filing.DAMAGE_WAIT
