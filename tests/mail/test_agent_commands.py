"""What our own people write in answer to a notice is told from what they quote of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.mail.agent_commands import ANSWER_ABOVE, GOES_TO, Command, read

NOTICE = (
    f"{ANSWER_ABOVE}\n\nIt is yours now\n\nThread 7: Kickoff\n\nana@x.example wrote:\n> Hi\n\n"
    f"{GOES_TO} Support."
)
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


@pytest.mark.parametrize(
    "broken",
    [
        NOTICE.replace("everything below it is left out", "everything below it\nis left out"),
        NOTICE.replace("above this line", "above\nthis line"),
        NOTICE.replace(" ", "\u00a0"),
        NOTICE.partition("\n\n")[2],
        NOTICE.partition("\n\n")[2].replace("what you write goes", "what you\n    write  goes"),
    ],
)
def test_a_quote_that_no_mark_sets_off_is_never_sent(broken: str) -> None:
    """As programs quote that wrap lines, that put no marks, or whose words for it nobody knows."""
    assert read(f"Dear Ana,\n\nTuesday.\n\n~~ Aboard idatzi du ~~\n\n{broken}\n").problems
    assert not read("Answer this mail when you can.\n\nWrite your answer above.").problems
