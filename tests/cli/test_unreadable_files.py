"""A file that cannot be read stops no other: the rest is accepted and filed, and it is named."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.cli.running import Terminal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three mails and, between them, two files that open but cannot be read, not even by root."""
    made = tmp_path / "mails"
    made.mkdir()
    for number in (1, 3, 5):
        letter = EmailMessage()
        letter["From"], letter["To"] = "ana@acme.example", "onboarding@aboard.example"
        letter["Subject"], letter["Message-ID"] = f"Mail {number}", f"<{number}@acme.example>"
        letter.set_content("Hello.")
        (made / f"{number}.eml").write_bytes(letter.as_bytes())
    for number in (2, 4):
        (made / f"{number}.eml").symlink_to("/proc/self/mem")
    return made


def test_an_ingest_files_all_it_accepted_and_names_what_it_could_not_read(
    terminal: Terminal, folder: Path
) -> None:
    ran = terminal.run("mail", "ingest", folder, "--json")
    assert ran.code == 1
    done = ran.json()
    assert (done["accepted"], done["filed"], done["pending"]) == (3, 3, 0)
    for number in (2, 4):
        assert f"{folder}/{number}.eml: cannot be read: " in ran.err
    assert "2 files could not be read" in ran.err
    again = terminal.run("mail", "ingest", folder / "2.eml", folder / "1.eml", "--json")
    assert (again.code, again.json()["duplicates"]) == (1, 1)


@pytest.mark.parametrize("command", ["parse", "threads"])
def test_the_other_mails_are_shown_and_the_exit_code_is_1(
    empty: Terminal, folder: Path, command: str
) -> None:
    ran = empty.run("mail", command, folder, "--json")
    assert ran.code == 1
    assert [row["message_id"] for row in ran.lines()] == [f"{n}@acme.example" for n in (1, 3, 5)]
    assert f"{folder}/4.eml: cannot be read: " in ran.err
