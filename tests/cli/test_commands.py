"""Every command as a new user runs it: what it prints, its JSON, its exit code, its errors."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from inbox.cli.main import GROUPS
from tests.cli.running import Terminal

ANA = b"""From: Ana Lima <ana@bank.example>
To: onboarding@aboard.example
Subject: Please sign our data processing agreement
Date: Mon, 02 Nov 2026 09:00:00 +0000
Message-ID: <a1@bank.example>

Could you sign the attached DPA?
"""
REPLY = b"""From: Ana Lima <ana@bank.example>
To: onboarding@aboard.example
Subject: Re: Please sign our data processing agreement
Date: Tue, 03 Nov 2026 09:00:00 +0000
Message-ID: <a2@bank.example>
In-Reply-To: <a1@bank.example>

Any news?
"""
NOBODY = b"Subject: who wrote this?\n\nNobody.\n"


@pytest.fixture
def mails(tmp_path: Path) -> Path:
    folder = tmp_path / "mails"
    folder.mkdir()
    for name, raw in (("1.eml", ANA), ("2.eml", REPLY), ("3.eml", NOBODY)):
        (folder / name).write_bytes(raw)
    return folder


@pytest.fixture
def filled(terminal: Terminal, mails: Path) -> Terminal:
    assert terminal.run("mail", "ingest", mails).code == 0
    return terminal


def test_without_a_configuration_the_error_says_how_to_get_one(empty: Terminal) -> None:
    ran = empty.run("threads")
    assert ran.code == 1
    assert "aboard.yaml: unreadable" in ran.err
    assert "aboard init DIR" in ran.err


def test_init_writes_a_folder_that_check_finds_good(empty: Terminal) -> None:
    empty.start()
    ran = empty.run("check")
    assert ran.code == 0, ran.err
    assert "everything that is configured is good" in ran.out
    assert "WAL-reset bug" in ran.out
    assert "implementation, support, compliance, success" in ran.out


def test_init_refuses_a_folder_that_holds_something(empty: Terminal) -> None:
    (empty.folder / "work").mkdir()
    (empty.folder / "work" / "mine.txt").write_text("mine")
    ran = empty.run("init", "work")
    assert ran.code == 1
    assert "not an empty folder" in ran.err


def test_check_reports_the_problems_of_all_files_in_one_run(terminal: Terminal) -> None:
    work = terminal.config.parent
    (work / "teams.yaml").write_text("people: []\nteams:\n  - {name: support, members: [maya]}\n")
    (work / "stages.yaml").write_text("stages:\n  - {name: welcome}\n  - {name: welcome}\n")
    ran = terminal.run("check")
    assert ran.code == 1
    assert "teams.yaml:3:" in ran.err
    assert "needs the key `duty`" in ran.err
    assert "`welcome` is named twice" in ran.err


def test_ingest_counts_every_mail_and_twice_files_nothing_twice(
    terminal: Terminal, mails: Path
) -> None:
    first = terminal.run("mail", "ingest", mails, "--json").json()
    assert first.pop("seconds") >= 0
    assert first == {"accepted": 3, "filed": 2, "duplicates": 0, "quarantined": 1, "pending": 0}
    second = terminal.run("mail", "ingest", mails, "--json").json()
    assert (second["accepted"], second["filed"], second["duplicates"]) == (3, 0, 2)
    assert len(terminal.run("threads", "--json").lines()) == 1
    assert terminal.run("audit").code == 0


def test_ingest_of_a_path_that_is_not_there_says_so_and_accepts_nothing(
    terminal: Terminal, mails: Path
) -> None:
    ran = terminal.run("mail", "ingest", mails, terminal.folder / "nowhere")
    assert ran.code == 1
    assert "there is no such file or folder" in ran.err
    assert terminal.run("audit", "--json").json()["accepted"] == 0


def test_parse_needs_no_configuration_and_prints_the_documented_keys(
    empty: Terminal, mails: Path
) -> None:
    rows = empty.run("mail", "parse", mails, "--json").lines()
    assert [row["message_id"] for row in rows] == ["a1@bank.example", "a2@bank.example", None]
    assert set(rows[0]) == {
        "path", "index", "subject", "from", "reply_to", "to", "cc", "date", "message_id",
        "in_reply_to", "references", "text", "visible_text", "html", "attachments", "automatic",
        "bounce", "calendar", "defects",
    }  # fmt: skip
    assert rows[0]["from"] == [{"name": "Ana Lima", "address": "ana@bank.example"}]
    assert rows[0]["date"] == "2026-11-02T09:00:00Z"
    assert rows[0]["automatic"] == {"kind": "none", "may_answer": True, "return_on": None}


def test_one_bad_mail_never_stops_a_batch(empty: Terminal, mails: Path) -> None:
    (mails / "0.eml").write_bytes(b"X: " + b"y" * 70_000 + b"\n\nbody\n")
    rows = empty.run("mail", "parse", mails, "--json").lines()
    assert len(rows) == 4
    assert rows[0]["defects"] == ["field-too-large"]


def test_a_file_name_that_is_no_utf_8_is_shown_with_its_bytes(
    terminal: Terminal, tmp_path: Path
) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    odd = Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.eml"))
    odd.write_bytes(ANA)
    assert terminal.run("mail", "ingest", odd, "--json").json()["filed"] == 1
    (delivery,) = terminal.run("doctor", "a1@bank.example", "--json").json()["deliveries"]
    assert delivery["peer"] == "caf\\xe9.eml"
    for command in ("parse", "threads"):
        (row,) = terminal.run("mail", command, folder, "--json").lines()
        assert row["path"] == f"{folder}/caf\\xe9.eml"
        assert "caf" in terminal.run("mail", command, folder).out
    odd.unlink()
    gone = terminal.run("mail", "parse", odd)
    assert gone.code == 1
    assert "caf\\xe9.eml: there is no such file" in gone.err


@pytest.mark.parametrize("command", ["parse", "threads", "ingest"])
def test_a_file_that_cannot_be_read_is_named_and_ends_the_command(
    terminal: Terminal, mails: Path, command: str
) -> None:
    # Opens, but cannot be read from its start, not even by root.
    (mails / "4.eml").symlink_to("/proc/self/mem")
    ran = terminal.run("mail", command, mails)
    assert ran.code == 1
    assert f"{mails}/4.eml: cannot be read: " in ran.err


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("name", ["5.eml", "plain", "folder"])
def test_what_may_not_be_read_is_named(empty: Terminal, mails: Path, name: str) -> None:
    locked = mails / name
    locked.mkdir() if name == "folder" else locked.write_bytes(ANA)
    locked.chmod(0)
    ran = empty.run("mail", "parse", mails)
    locked.chmod(0o700)
    assert ran.code == 1
    assert f"{locked}: cannot be read: Permission denied" in ran.err


def test_an_empty_folder_holds_no_mail(terminal: Terminal, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    for command in ("parse", "threads"):
        ran = terminal.run("mail", command, folder)
        assert (ran.code, ran.out) == (0, "There is no mail in these paths.\n")
    assert terminal.run("mail", "ingest", folder).out.startswith("0 accepted: 0 filed")


def test_threads_of_files_join_by_ids_alone(empty: Terminal, mails: Path) -> None:
    rows = empty.run("mail", "threads", mails, "--json").lines()
    assert set(rows[0]) == {"message_id", "path", "index", "thread"}
    assert rows[0]["thread"] == rows[1]["thread"] != rows[2]["thread"]


def test_a_thread_its_account_and_its_timeline_can_be_seen(filled: Terminal) -> None:
    (thread,) = filled.run("threads", "--json").lines()
    assert thread["account"] == "bank.example"
    assert thread["team"] == "compliance"
    assert thread["messages"] == 2
    shown = filled.run("thread", thread["id"])
    assert "Could you sign the attached DPA?" in shown.out
    assert "Any news?" in shown.out
    (account,) = filled.run("accounts", "--json").lines()
    assert account["domains"] == ["bank.example"]
    kinds = [row["kind"] for row in filled.run("timeline", "bank.example", "--json").lines()]
    assert kinds.count("mail-in") == 2
    assert {"assigned", "account-created"} <= set(kinds)
    lines = filled.run("timeline", "bank.example").out.splitlines()
    (decided,) = (one for one in lines if "  assigned  " in one)
    assert "  rule:" in decided, "who did it, not who wrote the mail that it is about"


def test_doctor_tells_a_mails_whole_story(filled: Terminal) -> None:
    ran = filled.run("doctor", "<a1@bank.example>")
    assert ran.code == 0
    for part in ("accepted by file", "filed after 1 attempts", "to compliance, decided by rule"):
        assert part in ran.out
    story = filled.run("doctor", "a1@bank.example", "--json").json()
    assert story["deliveries"][0]["state"] == "filed"
    unknown = filled.run("doctor", "nobody@nowhere.example")
    assert unknown.code == 1
    assert "never reached this system" in unknown.err


@pytest.mark.parametrize("wanted", ["ledger:²", "ledger:" + 30 * "9", "ledger:-1", "ledger:"])
def test_doctor_takes_no_odd_number_for_one(filled: Terminal, wanted: str) -> None:
    ran = filled.run("doctor", wanted)
    assert ran.code == 1
    assert "give its SHA-256, or ledger:NUMBER" in ran.err


@pytest.mark.parametrize(
    "command", ["threads", "timeline bank.example", "mail quarantine list", "accounts", "users log"]
)
def test_a_limit_that_no_database_takes_is_wrong_use(filled: Terminal, command: str) -> None:
    assert filled.run(*command.split(), "--limit", 30 * "9").code == 2


def test_quarantine_can_be_listed_shown_and_tried_again(filled: Terminal) -> None:
    (held,) = filled.run("mail", "quarantine", "list", "--json").lines()
    assert held["cause"] == "no-author"
    shown = filled.run("mail", "quarantine", "show", held["ledger"], "--raw")
    assert shown.out == NOBODY.decode()
    again = filled.run("mail", "quarantine", "retry", held["ledger"], "--json").json()
    assert (again["accepted"], again["quarantined"]) == (1, 1)
    filed = filled.run("doctor", "a1@bank.example", "--json").json()["deliveries"][0]["ledger"]
    wrong = filled.run("mail", "quarantine", "retry", held["ledger"], filed)
    assert wrong.code == 1 and f"ledger {filed} is filed, not in quarantine" in wrong.err
    assert filled.run("mail", "quarantine", "retry", "999").code == 1
    both = filled.run("mail", "quarantine", "retry")
    assert both.code == 1
    assert "give ledger numbers, or --all" in both.err


def test_a_quarantined_mail_that_comes_again_is_told_to_be_the_same(
    filled: Terminal, mails: Path
) -> None:
    assert filled.run("mail", "ingest", mails, "--json").json()["quarantined"] == 1
    first, again = filled.run("mail", "quarantine", "list", "--json").lines()
    told = filled.run("mail", "quarantine", "list").out.splitlines()
    assert f"the same mail as {first['ledger']}, delivered again" in told[-1]
    assert told[-1].startswith(again["ledger"])


def test_a_from_without_an_address_is_quarantined_with_what_it_says(
    terminal: Terminal, tmp_path: Path
) -> None:
    mail = tmp_path / "odd.eml"
    mail.write_bytes(b"From: undisclosed\nSubject: x\n\nWho?\n")
    assert terminal.run("mail", "ingest", mail, "--json").json()["quarantined"] == 1
    (held,) = terminal.run("mail", "quarantine", "list", "--json").lines()
    assert held["cause"] == "no-author"
    assert held["detail"] == "From cannot be read: 'undisclosed' is no address"


def test_audit_names_a_mail_that_somebody_deleted(filled: Terminal) -> None:
    database = filled.config.parent / "var" / "aboard.db"
    with sqlite3.connect(database) as connection:
        connection.execute("DELETE FROM ledger WHERE id = 2")
    connection.close()
    ran = filled.run("audit", "--json")
    assert ran.code == 1
    findings = " / ".join(ran.json()["findings"])
    assert "accepted 3 mails by file, the ledger holds 2: 1 missing" in findings
    assert "ledger number 2 is missing" in findings
    assert "no ledger row says that it was filed" in findings


@pytest.mark.parametrize("deleted", [(1,), (3,), (1, 2, 3)])
def test_audit_names_the_first_and_the_newest_that_somebody_deleted(
    filled: Terminal, deleted: tuple[int, ...]
) -> None:
    database = filled.config.parent / "var" / "aboard.db"
    with sqlite3.connect(database) as connection:
        connection.executemany("DELETE FROM ledger WHERE id = ?", [(one,) for one in deleted])
    connection.close()
    findings = filled.run("audit", "--json").json()["findings"]
    named = [one for one in findings if one.startswith("ledger number")]
    assert named == [f"ledger number {number} is missing" for number in deleted]


def test_a_deep_audit_finds_damaged_raw_mail(filled: Terminal) -> None:
    database = filled.config.parent / "var" / "aboard.db"
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE raw_mail SET content = x'00' WHERE id = 1")
    connection.close()
    assert filled.run("audit").code == 0
    ran = filled.run("audit", "--deep")
    assert ran.code == 1
    assert "raw mail 1 is damaged" in ran.err


def test_a_persons_decision_moves_a_thread(filled: Terminal) -> None:
    (thread,) = filled.run("threads", "--json").lines()
    ran = filled.run("assign", thread["id"], "success", "--by", "maya")
    assert ran.code == 0, ran.err
    (moved,) = filled.run("threads", "--json").lines()
    assert (moved["team"], moved["decided_by"]) == ("success", "person")
    wrong = filled.run("assign", thread["id"], "sucess", "--by", "maya")
    assert wrong.code == 1
    assert "did you mean `success`" in wrong.err


def test_accounts_come_from_csv_and_can_be_merged(filled: Terminal, tmp_path: Path) -> None:
    csv = tmp_path / "accounts.csv"
    csv.write_text(
        "name,domains,contacts,tier,stage,owners\n"
        "Lima Bank,bank.example;lima.example,ana@bank.example,gold,welcome,compliance=samuel\n"
        "Lima Leasing,leasing.example,,silver,activation,\n"
    )
    assert filled.run("accounts", "import", csv, "--json").json() == {"created": 1, "updated": 1}
    rows = {row["name"]: row for row in filled.run("accounts", "--json").lines()}
    assert rows["Lima Bank"]["provisional"] is False
    assert rows["Lima Bank"]["domains"] == ["bank.example", "lima.example"]
    merged = filled.run("accounts", "merge", "Lima Leasing", "Lima Bank", "--by", "maya")
    assert merged.code == 0, merged.err
    (only,) = filled.run("accounts", "--json").lines()
    assert "leasing.example" in only["domains"]
    number = rows["Lima Leasing"]["id"]
    assert f"`aboard accounts unmerge {number} --by maya` takes it back" in merged.out
    for more, said in ((["--dry-run"], "would be"), ([], "is")):
        again = filled.run("accounts", "unmerge", "lima leasing", "--by", "maya", *more)
        assert f"Lima Leasing {said} an account of its own again" in again.out, again.err
    after = {row["name"]: row for row in filled.run("accounts", "--json").lines()}
    for row in (*after.values(), *rows.values()):
        del row["last_event_at"]
    assert after == rows
    twice = filled.run("accounts", "unmerge", number, "--by", "maya")
    assert twice.code == 1 and "is an account of its own" in twice.err


def test_a_bad_csv_reports_every_problem_with_its_line(terminal: Terminal, tmp_path: Path) -> None:
    csv = tmp_path / "accounts.csv"
    csv.write_text("name,stage,owners\n,welcom,suport=maya\nX,,support=nobody\n")
    ran = terminal.run("accounts", "import", csv)
    assert ran.code == 1
    assert "accounts.csv:2: empty-name" in ran.err
    assert "did you mean `welcome`" in ran.err
    assert "did you mean `support`" in ran.err
    assert "accounts.csv:3: unknown-person" in ran.err


def test_help_names_every_command_with_its_line(empty: Terminal) -> None:
    shown = empty.run("--help")
    assert shown.code == 0
    assert "Usage: aboard " in shown.out
    # A help that goes on in the next line stands further in: its first word is no command.
    begun = [line for line in shown.out.splitlines() if line[2:3].strip()]
    words = [line.strip("\u2502| ").split() for line in begun]
    first = {line[0]: line[1] for line in words if len(line) > 1}
    for name, (_, told) in GROUPS.items():
        assert first[name] == told.split()[0]
    for name in ("check", "serve", "threads"):
        assert name in first


@pytest.mark.parametrize("name", sorted(GROUPS))
def test_a_groups_usage_names_the_group(empty: Terminal, name: str) -> None:
    shown = empty.run(name, "--help").out
    assert f"Usage: aboard {name} " in shown
    assert "completion" not in shown, "which only a whole program can install"


def test_a_long_subject_is_cut_for_people_and_whole_in_json(
    terminal: Terminal, tmp_path: Path
) -> None:
    subject = "Where is it? " * 30 + "End"
    mail = tmp_path / "long.eml"
    mail.write_bytes(ANA.replace(b"Please sign our data processing agreement", subject.encode()))
    assert terminal.run("mail", "ingest", mail).code == 0
    for command in (("threads",), ("timeline", "bank.example"), ("mail", "parse", mail)):
        table = terminal.run(*command).out
        assert "Where is it? Where is it? " in table
        assert "\u2026" in table
        assert "End" not in table
        assert max(map(len, table.splitlines())) < 240 + len(str(mail))
    (thread,) = terminal.run("threads", "--json").lines()
    assert thread["subject"] == subject


@pytest.mark.parametrize("number", ["²", "9" * 23, "9" * 5000, "x"])
@pytest.mark.parametrize("command", [("thread",), ("classifier", "labels", "undo")])
def test_what_is_no_number_gets_one_clear_line(
    terminal: Terminal, command: tuple[str, ...], number: str
) -> None:
    ran = terminal.run(*command, number)
    assert ran.code == 1
    assert ran.out == ""
    assert len(ran.err.splitlines()) == 1
    assert "number" in ran.err


def test_a_message_number_that_is_too_long_is_refused_before_anything_is_explained(
    terminal: Terminal,
) -> None:
    ran = terminal.run("classifier", "explain", "9" * 5000)
    assert ran.code == 1
    assert "message 999999999999999999...: there is no number this long" in ran.err


def test_wrong_use_exits_with_2(terminal: Terminal) -> None:
    assert terminal.run("threads", "--nonsense").code == 2
    assert terminal.run("nonsense").code == 2


def test_a_database_of_another_program_is_refused(terminal: Terminal) -> None:
    database = terminal.config.parent / "var" / "aboard.db"
    database.parent.mkdir()
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE theirs (id INTEGER)")
    connection.close()
    ran = terminal.run("threads")
    assert ran.code == 1
    assert "it is not ours" in ran.err
