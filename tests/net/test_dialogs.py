"""Whole SMTP dialogues, read from `dialogs/*.smtp`.

`C: text` sends a line; `C= text` sends just these bytes, with Python's escapes; `S: text` is how
the last line of the next reply begins; `S+ text` is a line that the last reply has; `S- text` is
one that it does not have; `S: closed` means that the connection has ended. `mails: n` at the top
says how many mails are accepted, `set: name=value` changes a setting.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inbox.config import Smtp
from tests.net.served import Line, served

FOLDER = Path(__file__).parent / "dialogs"
DIALOGS = sorted(FOLDER.glob("*.smtp"))
STEP = re.compile(r"(C:|C=|S:|S\+|S-)(?: (.*))?")


def test_there_are_dialogs() -> None:
    assert len(DIALOGS) >= 25


@pytest.mark.parametrize("path", DIALOGS, ids=lambda path: path.stem)
def test_the_dialogue_goes_as_written(path: Path) -> None:
    head, _, body = path.read_text(encoding="utf-8").partition("\n\n")
    mails, settings = None, Smtp()
    for line in head.splitlines():
        key, _, value = line.partition(":")
        if key == "mails":
            mails = int(value)
        elif key == "set":
            name, _, number = value.strip().partition("=")
            changed: dict[str, Any] = {name: type(getattr(settings, name))(int(number))}
            settings = replace(settings, **changed)
        else:
            assert line.startswith("#"), line
    with served(settings) as server:
        with server.plain_line() as line:
            for number, text in enumerate(body.splitlines(), head.count("\n") + 3):
                step(line, text, f"{path.name}:{number}")
        assert len(server.box.mails) == mails


def step(line: Line, text: str, where: str) -> None:
    if not text or text.startswith("#"):
        return
    match = STEP.fullmatch(text)
    assert match, f"{where}: {text!r} is no step"
    kind, words = match[1], match[2] or ""
    if kind == "C:":
        line.send(words + "\r\n")
    elif kind == "C=":
        line.send(words.encode().decode("unicode_escape").encode("latin-1"))
    elif kind == "S:":
        line.last = line.answer()
        final = line.last.rpartition("\n")[2] or "closed"
        assert final.startswith(words), f"{where}: expected {words!r}, got {line.last!r}"
    else:
        there = any(one[4:].startswith(words) for one in line.last.splitlines())
        assert there == (kind == "S+"), f"{where}: {text!r} does not hold for {line.last!r}"
