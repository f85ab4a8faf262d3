"""How the demo's story is read from its files, how days are said and texts encoded."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.cli.story import load_story
from inbox.cli.story_file import working_day
from inbox.cli.story_mime import Part, text_part
from inbox.cli.story_style import unwrapped
from inbox.cli.story_words import fill, spoken, wrong_marks
from inbox.errors import ConfigError
from inbox.mail.opened import OpenedMail

NOW = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)
STORY = """mailbox: us@aboard.example
people:
  ada: {name: Ada, address: ada@acme.example, zone: Europe/Paris}
chapters: [one.yaml]
"""
GOOD = "mails:\n  - {key: a, from: ada, at: 3 09:00, subject: Hi, text: Hello}\n"


@pytest.mark.parametrize(
    ("chapter", "problem"),
    [
        (GOOD.replace("from: ada", "from: adda"), "one.yaml:2:.*did you mean `ada`"),
        (GOOD.replace("3 09:00", "3 29:00"), "one.yaml:2:.*working days back"),
        (GOOD.replace("3 09:00", "0 09:00"), "one.yaml:2:.*working days back"),
        (GOOD.replace("Hello", "'[[dya 3]]'"), r"one.yaml:2:.*\[\[dya 3\]\] is none"),
        (GOOD.replace("text:", "answers: b, text:"), "one.yaml:2:.*a mail above this one"),
        (GOOD.replace("text:", "attach: [x.pdf], text:"), "one.yaml:2:.*x.pdf"),
        (GOOD.replace("subject: Hi, ", ""), "one.yaml:2:.*needs the key `subject`"),
        (GOOD + GOOD.partition("\n")[2], "one.yaml:3:.*no other mail has"),
        (GOOD.replace("key: a", "kay: a"), "one.yaml:2:.*did you mean `key`"),
    ],
)
def test_a_wrong_story_is_refused_with_its_place(
    tmp_path: Path, chapter: str, problem: str
) -> None:
    (tmp_path / "story.yaml").write_text(STORY)
    (tmp_path / "one.yaml").write_text(chapter)
    with pytest.raises(ConfigError, match=problem):
        load_story(tmp_path)


def test_a_small_story_is_read_and_a_missing_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"story\.yaml: no-file"):
        load_story(tmp_path)
    (tmp_path / "story.yaml").write_text(STORY)
    with pytest.raises(ConfigError, match=r"one\.yaml: no-file"):
        load_story(tmp_path)
    (tmp_path / "one.yaml").write_text(GOOD)
    (mail,) = load_story(tmp_path).history(NOW)
    assert mail == replace(mail, key="a", sent_at=datetime(2026, 11, 18, 8, 0, tzinfo=UTC))


@given(st.dates(date(2000, 1, 10), date(2040, 1, 1)), st.integers(-200, 200))
def test_working_days_are_counted_as_on_fingers(today: date, back: int) -> None:
    found = working_day(today, back)
    between = sorted((today, found))
    days = [between[0] + timedelta(n) for n in range((between[1] - between[0]).days + 1)]
    days.remove(today)
    assert sum(day.weekday() < 5 for day in days) == abs(back)
    assert found.weekday() < 5 or back == 0


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en", "1 March"), ("de", "1. März"), ("fr", "1er mars"), ("es", "1 de marzo")],
)
def test_a_day_is_said_as_people_say_it(language: str, expected: str) -> None:
    assert spoken(date(2026, 3, 1), language) == expected
    assert fill("x [[day +4]] y", language, lambda back: date(2026, 3, 5 + back)) == (
        f"x {expected} y"
    )


def test_unknown_marks_are_found() -> None:
    assert wrong_marks("[[day 3]] [[day]] [[stamp +3 13:00]] [[iso x]]") == ["[[day]]", "[[iso x]]"]


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=300))
def test_any_text_survives_its_encoding(text: str) -> None:
    part: Part = text_part(text, "text/plain; charset=utf-8")
    raw = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
    raw += part.fields[1][1].encode() + b"\r\n\r\n" + part.content
    assert OpenedMail(raw).file("1").replace(b"\r\n", b"\n") == (text.rstrip("\n") + "\n").encode(
        "utf-8"
    )


def test_only_full_lines_go_on_in_the_next() -> None:
    full = "word " * 15
    assert unwrapped(f"{full.strip()}\nand on\n- item\n\nshort\nlines") == (
        f"{full.strip()} and on\n- item\n\nshort\nlines"
    )
