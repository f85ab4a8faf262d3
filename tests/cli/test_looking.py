"""`aboard search`, `aboard report` and the views of `aboard threads`, as somebody would type them."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.cli.running import Terminal


@pytest.fixture
def filed(terminal: Terminal, tmp_path: Path) -> Terminal:
    """Two mails of two companies, in Maya's house."""
    for number, (sender, subject) in enumerate(
        (("Ana <ana@acme.example>", "=Invoice is overdue"), ("Per <per@nord.example>", "Kickoff"))
    ):
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = sender, "onboarding@company.example", subject
        mail["Date"] = "Mon, 02 Nov 2026 09:00:00 +0000"
        mail["Message-ID"] = f"<{number}@looking.example>"
        mail.set_content(f"The text of number {number}.\n")
        (tmp_path / f"{number}.eml").write_bytes(mail.as_bytes())
        assert terminal.run("mail", "ingest", tmp_path / f"{number}.eml").code == 0
    return terminal


def test_mails_and_threads_are_found_as_on_the_page(filed: Terminal) -> None:
    (hit,) = filed.run("search", "invoice from:ana", "--json").lines()
    assert (hit["subject"], hit["note_id"], hit["account"]) == (
        "=Invoice is overdue",
        None,
        "acme.example",
    )
    found = filed.run("search", "is:open -account:acme", "--json").lines()
    assert [one["subject"] for one in found] == ["Kickoff"]
    assert "Nothing holds these words." in filed.run("search", "zebra").out
    said = filed.run("search", "teem:x kickoff")
    assert "There is no `teem:`" in said.err
    assert filed.run("search", " ").code == 1


def test_threads_of_a_view_narrowed_and_through_somebodys_eyes(filed: Terminal) -> None:
    found = filed.run("threads", "--view", "unclaimed", "--query", "kickoff", "--json").lines()
    assert [one["subject"] for one in found] == ["Kickoff"]
    assert filed.run("threads", "--view", "mine", "--by", "maya", "--json").lines() == []
    assert "needs --by" in filed.run("threads", "--view", "mine").err
    assert "there is no view" in filed.run("threads", "--view", "nowhere").err
    assert "say the rest in --query" in filed.run("threads", "--view", "all", "--team", "x").err


def test_a_report_as_table_as_json_and_as_csv_without_formulas(filed: Terminal) -> None:
    days = ("--days", "3650")
    cells = filed.run("report", "volume", "--group", "account", *days, "--json").lines()
    assert {(one["name"], one["part"], one["count"]) for one in cells} >= {
        ("acme.example", "mails", 1)
    }
    assert "new threads" in filed.run("report", "volume", *days).out
    assert "acme.example" in filed.run("report", "volume", "--group", "account", *days).out
    text = filed.run("report", "volume", *days, "--csv").out
    assert text.startswith("thread,subject,account,team,person,stage,part,at")
    assert "'=Invoice" in text and ",=Invoice" not in text
    assert "there is no report" in filed.run("report", "nothing").err
    assert "--group" in filed.run("report", "volume", "--group", "x").err
