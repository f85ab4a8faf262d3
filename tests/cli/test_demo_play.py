"""The demo is a play of two sides: customers answer what is sent to them, and it can begin again."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from inbox.cli.play_answers import MOST_ANSWERS, Heard, answer
from inbox.config import load
from inbox.flow.evidence.audit import audit
from inbox.store import messages, threads
from inbox.store.database import Database
from inbox.store.outbox_tables import outbox
from inbox.store.tables import events
from inbox.store.tables import messages as messages_table
from tests.cli.running import ABOARD
from tests.services.waiting import until

LUCY = "lucy.tran@tessellabs.example"


def heard(text: str, *, language: str = "en", answered: int = 0) -> Heard:
    return Heard(LUCY, language, text, answered, {"w9-tessel-labs.pdf": "3 November"})


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Could you send us the W-9 again?", "sent-before"),
        ("Please attach the signed contract.", "asked-for-a-file"),
        ("Shall we talk on Tuesday at 10:00?", "a-day"),
        ("This is fixed now.", "solved"),
        ("May we switch it on?", "a-question"),
        ("We are looking into it.", "anything-else"),
    ],
)
def test_a_customer_answers_what_was_said(text: str, kind: str) -> None:
    said = answer(heard(text), seed=1)
    assert said is not None and said.kind == kind
    assert answer(heard(text), seed=1) == said, "the same play every time"
    assert 3 <= said.after_seconds <= 15
    assert bool(said.files) == (kind == "asked-for-a-file")


def test_who_is_asked_for_what_they_sent_says_where_it_is() -> None:
    said = answer(heard("Bitte senden Sie uns das W-9.", language="de"), seed=2)
    assert said is not None and "w9-tessel-labs.pdf" in said.text and "3 November" in said.text


def test_a_conversation_ends() -> None:
    assert answer(heard("And then?", answered=MOST_ANSWERS), seed=1) is None
    assert answer(heard("   "), seed=1) is None


@dataclass
class Playing:
    """A demo that runs in a process of its own."""

    folder: Path
    process: subprocess.Popen[str]
    db: Database
    welcome: str
    """What it printed before anything happened."""

    def aboard(self, *words: str) -> str:
        return self.run([str(ABOARD), "--config", str(self.folder / "aboard.yaml"), *words])

    def run(self, command: list[str]) -> str:
        """Run it where the demo was started."""
        ran = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, cwd=self.folder.parent
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout


@pytest.fixture
def playing(tmp_path: Path) -> Iterator[Playing]:
    folder = tmp_path / "demo"
    command = [str(ABOARD), "demo", "--port", "0", "--folder", str(folder)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env={**os.environ}
    )
    try:
        assert process.stdout is not None
        welcome = ""
        for line in process.stdout:
            welcome += line
            if "Ctrl-C" in line:
                break
        settings = load(folder / "aboard.yaml", {})
        with closing(Database(settings.database_url())) as db:
            yield Playing(folder, process, db, welcome)
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_the_customer_answers_the_newcomer_and_reset_begins_again(playing: Playing) -> None:
    with playing.db.read() as conn:
        began = {row.kind for row in conn.execute(events.select())}
        left = conn.execute(outbox.select()).all()
        lucy = [
            row
            for row in conn.execute(messages_table.select())
            if row.from_address.startswith("lucy") and "W-9" in row.subject
        ]
    assert {"target-breached", "handoff-accepted", "reply-queued", "mail-out"} <= began
    assert any(row.template == "first-response-late" for row in left)
    thread = lucy[-1].thread_id
    text = playing.folder / "answer.txt"
    text.write_text("Hi Lucy,\n\ncould you please send us the W-9 form again?\n")
    playing.aboard("reply", str(thread), "--by", "priya", "--text", str(text), "--anyway")

    def answers() -> list[str]:
        with playing.db.read() as conn:
            found = messages.of_thread(conn, threads.by_id(conn, thread).id)
        return [one.visible_text for one in found if (one.mail_id or "").startswith("play-")]

    (said,) = until(answers, within=45)
    assert re.search(r"w9-tessel-labs\.pdf", said)
    # What it tells newcomers to type works as it stands, where they started it.
    (look,) = re.findall(r"Look   (.+)", playing.welcome)
    assert "W-9" in playing.run(shlex.split(look))
    (reset,) = re.findall(r"`(.+ demo reset.*)`", playing.welcome)
    playing.run(shlex.split(reset))
    assert not answers()
    assert audit(playing.db).balanced
