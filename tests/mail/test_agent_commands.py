"""What our own people write in answer to a notice is told from what they quote of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.mail.agent_commands import ANSWER_ABOVE, Command, read

NOTICE = f"{ANSWER_ABOVE}\n\nIt is yours now\n\nThread 7: Kickoff\n\nana@x.example wrote:\n> Hi"
QUOTED = "\n".join(f"> {line}" for line in NOTICE.split("\n"))


@pytest.mark.parametrize(
    "quote",
    [
        f"On Mon, 2 Nov 2026 at 09:05, Aboard <hello+abc@aboard.example> wrote:\n{QUOTED}",
        f"Am 02.11.2026 um 09:05 schrieb Aboard:\n{QUOTED}",
        f"-----Original Message-----\nFrom: Aboard <a@b.example>\nSubject: Kickoff\n\n{NOTICE}",
        QUOTED,
        "",
    ],
)
@pytest.mark.parametrize("text", ["Dear Ana,\n\nTuesday.", ""])
def test_only_own_words_are_left(quote: str, text: str) -> None:
    said = read(f"#tag sso\n\n{text}\n\n{quote}\n")
    assert said.text == text
    assert said.commands == (Command("tag", "sso"),)


def test_text_before_a_command_makes_it_text() -> None:
    said = read("Dear Ana,\n\n#close is what we say here.\n")
    assert not said.commands and said.text.startswith("Dear Ana")


def test_a_number_or_a_heading_is_no_command() -> None:
    assert read("#1 is the contract.").text == "#1 is the contract."
    assert read("# Plan\n\nFirst this.").commands == ()


def test_what_is_no_command_reaches_nobody() -> None:
    assert read("#clsoe\n\nBye").problems
    assert read("#note").problems == ("the note is empty",)
    assert read(QUOTED).problems


@given(st.text())
def test_no_text_of_a_notice_is_ever_left(text: str) -> None:
    said = read(f"{text}\n\nOn Monday Aboard wrote:\n{QUOTED}")
    assert said.problems or "Thread 7: Kickoff" not in said.text
