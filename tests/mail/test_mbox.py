"""Raw mails are found in files, folders, Maildirs and mboxes of every make."""

from __future__ import annotations

from pathlib import Path

import pytest

from inbox.mail.mbox import messages_at, total_bytes

FROM = b"From a@b.example Mon Jan  5 10:00:00 2026\n"
ONE = b"From: a@b.example\nSubject: one\n\nbody\n"


def _raws(path: Path) -> list[bytes]:
    return [raw for _, _, raw in messages_at(path)]


def _written(folder: Path, name: str, data: bytes) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_an_mbox_gives_its_mails_without_separators(tmp_path: Path, line_end: bytes) -> None:
    data = (FROM + ONE + b"\n" + FROM + ONE + b"\n").replace(b"\n", line_end)
    assert _raws(_written(tmp_path, "in", data)) == [ONE.replace(b"\n", line_end)] * 2


def test_quoted_from_lines_lose_one_bracket(tmp_path: Path) -> None:
    data = FROM + b"Subject: q\n\n>From here\n>>From there\n> From x\n"
    assert _raws(_written(tmp_path, "in", data)) == [
        b"Subject: q\n\nFrom here\n>From there\n> From x\n"
    ]


def test_a_from_line_in_the_text_does_not_separate(tmp_path: Path) -> None:
    data = FROM + b"Subject: q\n\nhello\n\nFrom now on we mail.\nbye\n"
    assert _raws(_written(tmp_path, "in", data)) == [data[len(FROM) :]]


def test_mboxcl2_bodies_are_taken_by_their_length(tmp_path: Path) -> None:
    body = b"text\n\n" + FROM + b">From stays\n"
    mail = b"Subject: c\nContent-Length: %d\n\n" % len(body) + body
    assert _raws(_written(tmp_path, "in", FROM + mail + b"\n" + FROM + ONE)) == [mail, ONE]


def test_a_wrong_content_length_is_not_followed(tmp_path: Path) -> None:
    mail = b"Subject: c\nContent-Length: 3\n\nmore than three\n"
    assert _raws(_written(tmp_path, "in", FROM + mail + b"\n" + FROM + ONE)) == [mail, ONE]


def test_a_maildir_gives_new_and_cur_and_not_tmp(tmp_path: Path) -> None:
    for folder in ("cur", "new", "tmp", ".Sent/cur"):
        _written(tmp_path / folder, "1.host:2,S", ONE)
    (tmp_path / ".Sent" / "new").mkdir()
    assert len(_raws(tmp_path)) == 3
    assert total_bytes([tmp_path]) == 3 * len(ONE)


def test_a_folder_gives_its_mails_and_leaves_other_files_out(tmp_path: Path) -> None:
    _written(tmp_path, "a.eml", ONE)
    _written(tmp_path, "deep/b", ONE)
    _written(tmp_path, "deep/all.mbox", FROM + ONE + b"\n" + FROM + ONE)
    _written(tmp_path, "notes.json", b"{}")
    _written(tmp_path, "SOURCE.txt", b"repo: x\nlicence: y\n")
    _written(tmp_path, ".hidden", ONE)
    found = [(file.name, index) for file, index, _ in messages_at(tmp_path)]
    assert found == [("a.eml", 0), ("all.mbox", 0), ("all.mbox", 1), ("b", 0)]


def test_an_eml_file_is_one_mail_with_all_its_bytes(tmp_path: Path) -> None:
    assert _raws(_written(tmp_path, "x.eml", FROM + ONE)) == [FROM + ONE]
