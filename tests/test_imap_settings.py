"""The section `imap`: what a mailbox that is polled must say, and where its secrets come from."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from inbox import config
from inbox.config import Settings
from inbox.errors import ConfigError
from inbox.imap_settings import Polled

TOP = """
mailboxes:
  - {address: hello@aboard.example, name: Hello}
  - {address: help@aboard.example, name: Help}
own_domains: [aboard.example]
imap:
  mailboxes:
"""


def read(entry: str, folder: Path, **environment: str) -> Settings:
    (folder / "pw").write_text("s3cret-of-the-box\n")
    path = folder / "aboard.yaml"
    path.write_text(f"{TOP}    - {{{entry}}}\n")
    return config.load(path, environment)


def test_a_mailbox_needs_little(tmp_path: Path) -> None:
    entry = "name: main, host: imap.test, username: main, password_file: pw"
    (box,) = read(entry, tmp_path).imap.mailboxes
    assert box == Polled(
        name="main",
        host="imap.test",
        username="main",
        password="s3cret-of-the-box",
        address="hello@aboard.example",
    )
    assert (box.port, box.tls, box.folders, box.move_to) == (993, "implicit", ("INBOX",), "")


def test_a_mailbox_may_say_everything(tmp_path: Path) -> None:
    entry = (
        "name: main, host: localhost, port: 1143, tls: none, username: main, auth: xoauth2,"
        " token_command: [/usr/bin/token, main], folders: [INBOX, Clients], address: help@aboard.example,"
        " archive_before: 2026-10-01, archive_status: open, move_to: Done"
    )
    (box,) = read(entry, tmp_path).imap.mailboxes
    assert box.archive_before == datetime(2026, 10, 1, tzinfo=UTC)
    assert (box.token_command, box.folders) == (("/usr/bin/token", "main"), ("INBOX", "Clients"))
    assert (box.address, box.archive_status, box.move_to) == ("help@aboard.example", "open", "Done")


def test_a_password_may_come_by_a_variable(tmp_path: Path) -> None:
    entry = "name: main, host: imap.test, username: main, password_variable: MAIN_PASSWORD"
    (box,) = read(entry, tmp_path, MAIN_PASSWORD="from-outside").imap.mailboxes
    assert box.password == "from-outside"


def test_no_password_is_ever_shown(tmp_path: Path) -> None:
    entry = "name: main, host: imap.test, username: main, password_file: pw"
    settings = read(entry, tmp_path)
    assert "s3cret" not in repr(settings)
    assert "s3cret" not in str(config.effective(settings))


GOOD = "name: main, host: imap.test, username: main, password_file: pw"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("name: main, host: imap.test, username: main", "password_file: PATH"),
        (f"{GOOD}, auth: xoauth2", "token_command"),
        (f"{GOOD}, auth: oauth", "`auth` cannot be"),
        (f"{GOOD}, token_command: [x]", "given together with auth"),
        (f"{GOOD}, tls: none", "only a server on this machine"),
        (f"{GOOD}, tls: maybe", "`tls` cannot be"),
        (f"{GOOD}, port: 70000", "at most 65535"),
        (f"{GOOD}, address: other@aboard.example", "one of `mailboxes`"),
        (f"{GOOD}, archive_before: yesterday", "a day such as"),
        (f"{GOOD}, archive_status: pending", "`archive_status` cannot be"),
        (f"{GOOD}, move_to: INBOX", "not fetched from"),
        (f"{GOOD}, folders: [INBOX, INBOX]", "without repetitions"),
        (f'{GOOD}, folders: ["A\\r\\nA1 DELETE INBOX"]', "without control characters"),
        (f'{GOOD}, move_to: "Done\\nA1 EXPUNGE"', "without control characters"),
        ("name: main, host: imap.test, password_file: pw", "needs the key `username`"),
        ("name: Main Box, host: imap.test, username: m, password_file: pw", "small letters"),
        ("name: main, host: 'a b', username: m, password_file: pw", "name or address of a host"),
        ("name: main, host: imap.test, username: m, password_file: gone", "can be read"),
        ("name: main, host: imap.test, username: m, password: hunter2", "password"),
        (
            "name: main, host: imap.test, username: m, password_variable: NOT_SET",
            "a variable that is set",
        ),
        (
            "name: main, host: imap.test, username: m, password_variable: ABOARD_PW",
            "does not begin with ABOARD_",
        ),
    ],
)
def test_what_cannot_work_is_refused(entry: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refusal:
        read(entry, tmp_path)
    assert said in str(refusal.value)
    assert "hunter2" not in "".join(one.framed() for one in refusal.value.problems)


def test_two_mailboxes_need_two_names(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="another one than those"):
        read(f"{GOOD}}}\n    - {{{GOOD}", tmp_path)


def test_a_folder_is_looked_into_at_least_every_minute(tmp_path: Path) -> None:
    text = TOP.replace("imap:", "imap:\n  poll_seconds: 61") + f"    - {{{GOOD}}}\n"
    (tmp_path / "pw").write_text("secret")
    settings, problems = config.parse(text, tmp_path / "aboard.yaml", {})
    assert settings is None
    assert ["at most 60" in one.message for one in problems] == [True]
