"""What a person of ours says by mail: commands in the first lines, then the text.

    #tag sso
    #snooze 3d

    Dear Ana, ...

Only lines before the first line of text can be commands. Whoever writes something there that is no
command gets it back: it must never go to a customer. Nothing is looked up here.
"""

from __future__ import annotations

from dataclasses import dataclass

from inbox.mail.visible import visible_text

ANSWER_ABOVE = "--- Write your answer above this line; everything below it is left out ---"
GOES_TO = "Answer this mail, and what you write goes to the customer as"
"""Stands in every notice that may be answered; the team's name comes behind it."""
OFF = "--off` ends these mails."
_OF_A_NOTICE = (ANSWER_ABOVE.strip("- "), GOES_TO, OFF)
"""What no answer says of itself, however its program quotes: wrapped, or without any mark."""
NAMES = ("note", "assign", "close", "tag", "snooze", "handoff", "send")
MOST_COMMANDS = 20
USES = {
    "note": "#note (your text is a note, nothing goes to the customer)",
    "assign": "#assign TEAM or PERSON",
    "close": "#close",
    "tag": "#tag WORD (#tag -WORD takes it off)",
    "snooze": "#snooze 3d",
    "handoff": "#handoff TEAM reason",
    "send": "#send (sends your answer that was held, as it is)",
}
_OWN = "Own words"
_BARE = frozenset({"close", "send"})
_MAY_BE_BARE = _BARE | {"note"}


@dataclass(frozen=True, slots=True)
class Command:
    """One command with what stands behind it on its line."""

    name: str
    rest: str


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer says."""

    commands: tuple[Command, ...]
    text: str
    problems: tuple[str, ...]
    """Why nothing of it may be done, in sentences; empty where all can be understood."""

    @property
    def is_note(self) -> bool:
        """Is the text for our own people alone?"""
        return any(one.name == "note" for one in self.commands)


def read(text: str) -> Said:
    """An answer as commands and text, without what it quotes of the notice."""
    lines = _own(text).split("\n")
    commands: list[Command] = []
    problems: list[str] = []
    run_on = " ".join(part for part in "\n".join(lines).split() if part != ">")
    if any(said in run_on for said in _OF_A_NOTICE):
        problems.append(
            "it cannot be told what you wrote and what you quote: write above the quote"
        )
    while lines and (not lines[0].strip() or _is_command(lines[0])):
        written = lines.pop(0).strip()
        if written:
            name, _, rest = written[1:].partition(" ")
            problems += _wrong(name.lower(), rest.strip())
            commands.append(Command(name.lower(), rest.strip()))
    text = "\n".join(lines).strip()
    if len(commands) > MOST_COMMANDS:
        problems.append(f"{len(commands)} commands are more than {MOST_COMMANDS}")
    if not commands and not text:
        problems.append("the mail says nothing: there is neither text nor a command in it")
    said = Said(tuple(commands), text, tuple(problems))
    if said.is_note and not text and not any(c.rest for c in commands if c.name == "note"):
        return Said(said.commands, text, (*problems, "the note is empty"))
    return said


def _own(text: str) -> str:
    """What the person wrote. A text that is nothing but a quote keeps it, for readers; nothing of
    a notice may go to a customer, so one word of our own stands above."""
    return visible_text(f"{_OWN}\n\n{text}").removeprefix(_OWN)


def _is_command(line: str) -> bool:
    """`#word`: whether there is such a command or not, it is no text for a customer."""
    written = line.strip()
    return written.startswith("#") and written[1:2].isalpha()


def _wrong(name: str, rest: str) -> list[str]:
    if name not in NAMES:
        return [f"there is no command #{name}; there are {', '.join(USES.values())}"]
    if name in _BARE and rest:
        return [f"#{name} stands alone on its line; {rest!r} does not belong there"]
    if name not in _MAY_BE_BARE and not rest:
        return [f"#{name} is not complete: write {USES[name]}"]
    if name == "handoff" and len(rest.split(None, 1)) < 2:
        return [f"#handoff needs a reason: write {USES[name]}"]
    return []
