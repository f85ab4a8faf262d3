"""`aboard followups` and `aboard templates`, as they are typed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from inbox.cli import opening
from inbox.clock import utc_now
from inbox.flow.promises import sla
from inbox.flow.working.work import Desk
from tests.cli.running import Terminal
from tests.flow.house import mail


@pytest.fixture
def terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """A terminal in a folder of `aboard init`, with one filed mail and a thread that waits."""
    made = Terminal(tmp_path, capsys)
    made.start()
    letter = tmp_path / "one.eml"
    sent = datetime(2026, 11, 2, 9, 0, tzinfo=UTC) + timedelta(minutes=1)
    letter.write_bytes(mail(to="onboarding@aboard.example", date=format_datetime(sent)))
    assert made.run("mail", "ingest", letter).code == 0
    made.run("followups", "--account", "acme.example")
    with opening.working() as (_, db):
        Desk(db, "maya", sla.told).wait(1, utc_now())
    return made


def test_what_is_planned_is_listed_paused_edited_and_cancelled(terminal: Terminal) -> None:
    rows = terminal.run("followups", "--account", "acme.example", "--json").lines()
    planned = [row for row in rows if row["state"] == "planned"]
    assert [row["template"] for row in planned] == [
        "waiting-for-you",
        "waiting-for-you",
        "closing-notice",
    ]
    assert {row["to"] for row in rows} == {"ana@acme.example"}
    first, second, third = (str(row["id"]) for row in planned)
    assert "paused" in terminal.run("followups", "pause", first, "--by", "maya").out
    assert terminal.run("followups", "pause", first, "--by", "maya").code == 1
    assert terminal.run("followups", "resume", first, "--by", "maya").code == 0
    assert "cancelled" in terminal.run("followups", "cancel", second, "--by", "maya").out
    text = terminal.folder / "text.txt"
    text.write_text("Please write.\n")
    edit = ("followups", "edit", third, "--by", "maya", "--subject", "Last call", "--body", text)
    assert terminal.run(*edit).code == 0
    shown = terminal.run("followups", "--account", "acme.example").out
    assert "edited" in shown
    assert shown.count("waiting-for-you") >= 1
    assert terminal.run("followups").code == 1
    assert terminal.run("followups", "pause", "99", "--by", "maya").code == 1


def test_templates_are_checked_previewed_and_listed(terminal: Terminal) -> None:
    good = terminal.run("templates", "check")
    assert good.code == 0, good.err
    assert "10 templates, rendered for 1 threads: 0 problems" in good.out
    shown = terminal.run("templates", "preview", "waiting-for-you", "--thread", "1").out
    assert "To: ana@acme.example" in shown
    assert "Hello Ana," in shown
    german = ("templates", "preview", "waiting-for-you", "--thread", "1", "--language", "de")
    assert "Guten Tag" in terminal.run(*german).out
    names = [row["name"] for row in terminal.run("templates", "list", "--json").lines()]
    assert "acknowledgement" in names
    known = {row["name"]: row for row in terminal.run("templates", "variables", "--json").lines()}
    assert known["asks"]["list"]
    assert not known["contact.name"]["acknowledgements"]
    (terminal.config.parent / "templates" / "mail" / "welcome" / "body.txt").write_text("{{ x }}")
    bad = terminal.run("templates", "check", "--json")
    assert bad.code == 1
    assert bad.lines()[0]["code"] == "unknown-variable"
    assert terminal.run("templates", "preview", "welcom", "--thread", "1").code == 1
