"""`aboard outbox` and `aboard reply` as a person uses them, held mail first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inbox.cli.main import main
from inbox.config import load
from inbox.store import ledger
from inbox.store.database import Database
from tests.databases import prepare
from tests.flow.house import CONFIG, House, mail, make, write_files
from tests.sending.office import ANA, smarthost_lines
from tests.services.smtp_sink import SmtpSink


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A house in a folder with its configuration, one thread, and no smarthost."""
    url = f"sqlite:///{tmp_path / 'aboard.db'}"
    prepare(url)
    made = make(Database(url), tmp_path)
    made.receive(mail(id="one@acme.example", subject="Kickoff"))
    made.db.close()
    write_files(tmp_path, **{"aboard.yaml": CONFIG + "database: sqlite:///aboard.db\n"})
    monkeypatch.setenv("ABOARD_CONFIG", str(tmp_path / "aboard.yaml"))
    (tmp_path / "answer.txt").write_text("On Monday.\n")
    return made


class Person:
    """Somebody at a terminal."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys

    def types(self, *words: str, code: int = 0) -> str:
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        said = self._capsys.readouterr()
        assert (ended.value.code or 0) == code, said
        return said.out if code == 0 else said.err

    def json(self, *words: str) -> list[Any]:
        return [json.loads(line) for line in self.types(*words, "--json").splitlines()]

    def answers(self, *words: str) -> tuple[str, ...]:
        return ("reply", "1", "--by", "ines", "--text", str(self.folder / "answer.txt"), *words)


@pytest.fixture
def person(house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Person:
    return Person(tmp_path, capsys)


def test_without_a_smarthost_a_reply_is_held_shown_and_not_released(person: Person) -> None:
    shown = person.types(*person.answers("--cc", "new@other.example", "--dry-run"))
    assert f"  to {ANA}" in shown
    assert "+ cc new@other.example" in shown
    assert "On Monday." in shown
    assert person.json("outbox", "list") == []
    (made,) = person.json(*person.answers())
    assert (made["held"], made["to"], made["item"]) == (True, [ANA], "1")
    assert "held" in person.types("outbox", "list")
    (item,) = person.json("outbox", "list", "--state", "held")
    assert (item["kind"], item["by"], item["recipients"][0]["state"]) == (
        "reply",
        "ines",
        "pending",
    )
    assert "configure `send.host` first" in person.types("outbox", "release", "1", code=1)
    assert "On Monday." in person.types("outbox", "show", "1", "--raw")
    assert ANA in person.types("outbox", "show", "1")


def test_a_held_item_leaves_once_a_person_releases_it(
    person: Person, house: House, smtp_sink: SmtpSink
) -> None:
    from inbox.courier import Couriers
    from tests.services.waiting import until

    person.types(*person.answers())
    config = person.folder / "aboard.yaml"
    config.write_text(config.read_text() + smarthost_lines(smtp_sink.port))
    settings = load(config, {})
    db = Database(settings.database_url())
    couriers = Couriers(settings, db)
    couriers.start()
    assert [one["state"] for one in person.json("outbox", "list")] == ["held"]  # by nobody else
    person.types("outbox", "release", "1")
    until(lambda: person.json("outbox", "show", "1")[0]["state"] == "sent", 10)
    couriers.stop(10)
    db.close()
    assert len(smtp_sink.kept) == 1
    assert "nothing to release" in person.types("outbox", "release", "1", code=1)


def test_cancel_and_retry_say_what_they_did_or_why_not(person: Person) -> None:
    person.types(*person.answers())
    assert "does not leave" in person.types("outbox", "cancel", "1")
    assert "cancelled: it cannot be cancelled" in person.types("outbox", "cancel", "1", code=1)
    assert "nothing to try again" in person.types("outbox", "retry", "1", code=1)
    assert "no outbox item 7" in person.types("outbox", "show", "7", code=1)
    assert "the states are held" in person.types("outbox", "list", "--state", "gone", code=1)
    assert "2 verify" in person.types("outbox", "new-key")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--at", "soon"), "give an instant"),
        (("--at", "2026-11-02T09:00"), "in which zone"),
        (("--at", "2020-11-02T09:00+00:00"), "has passed"),
        (("--to", "nobody"), "no mail address"),
        (("--by", "zoe"), "no person 'zoe'"),
        (("--text", "/nowhere/at/all"), "No such file or directory (give a file with the text"),
        (("--message", "99"), "no message 99"),
    ],
)
def test_wrong_words_are_one_line(person: Person, words: tuple[str, ...], message: str) -> None:
    said = person.types(*person.answers(*words), code=1)
    assert message in said
    assert len(said.strip().splitlines()) == 1


def test_a_stale_reply_is_stopped_with_its_reason(person: Person, house: House) -> None:
    house.receive(mail(id="two@acme.example", refs=["one@acme.example"]))
    assert "message 2" in person.types(*person.answers("--seen", "1"), code=1)
    (made,) = person.json(*person.answers("--seen", "1", "--anyway"))
    assert made["newer"] != []
    assert made["answers_id"] == "2"


def test_a_file_goes_along_with_a_reply(person: Person) -> None:
    (person.folder / "plan.pdf").write_bytes(b"%PDF-1.4 x")
    plan = str(person.folder / "plan.pdf")
    person.types(
        "reply", "1", "--by", "ines", "--text", str(person.folder / "answer.txt"), "--attach", plan,
        "--rich",
    )  # fmt: skip
    db = Database(f"sqlite:///{person.folder / 'aboard.db'}")
    with db.read() as conn:
        rows = conn.exec_driver_sql("SELECT raw_id FROM outbox").all()
        raw = ledger.raw_bytes(conn, rows[0][0])
    db.close()
    assert b"filename*=utf-8''plan.pdf" in raw and b"text/html" in raw
    missing = person.types(
        "reply", "1", "--by", "ines", "--attach", "nowhere", "--text", plan, code=1
    )
    assert "nowhere" in missing


def test_a_strangers_thread_is_joined_and_parted_again(person: Person, house: House) -> None:
    house.db = Database(f"sqlite:///{person.folder / 'aboard.db'}")
    house.receive(mail("Eve <eve@else.example>", id="e@else.example", refs=["one@acme.example"]))
    house.receive(mail("Bo <bo@other.example>", id="b@other.example"))
    house.db.close()
    said = person.types("join", "2", "--to", "1", "--by", "ines")
    assert "threads 2 and 1 are thread 1 now, 2 messages" in said
    undo = said.partition("`aboard ")[2].partition("`")[0].split()
    assert "taken back on thread" in person.types(*undo)
    assert "are not linked" in person.types("join", "3", "--to", "1", "--by", "ines", code=1)


def test_threads_are_sorted_and_it_is_taken_back(person: Person, house: House) -> None:
    house.db = Database(f"sqlite:///{person.folder / 'aboard.db'}")
    house.receive(mail(id="two@acme.example", subject="Other"))
    house.receive(mail(id="one-b@acme.example", refs=["one@acme.example"]))
    moved = house.message("one-b@acme.example").id
    house.db.close()
    said = person.types("merge", "2", "--into", "1", "--by", "ines")
    assert "thread 2 is part of thread 1 now, 3 messages" in said
    undo = said.partition("`aboard ")[2].partition("`")[0].split()
    assert "taken back on thread 1" in person.types(*undo)
    assert "undone already" in person.types(*undo, code=1)
    said = person.types("split", "1", "--message", str(moved), "--by", "ines")
    assert "thread 3: 1 messages, with support" in said
    assert "priority urgent" in person.types("priority", "1", "urgent", "--by", "ines")
    assert "ines follows thread 1" in person.types("follow", "1", "--by", "ines")
    assert "thread 1 is ines's" in person.types("give", "1", "--to", "ines", "--by", "tom")
    assert "of acme.example already" in person.types(
        "move", "1", "--account", "acme.example", "--by", "tom", code=1
    )
