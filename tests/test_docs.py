"""The documents say what is there: every command, setting, table, event and cause, by name."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import typer

from inbox.cli import main as cli
from inbox.config import PARTS, Settings
from inbox.store.tables import metadata

ROOT = Path(__file__).parent.parent
INTERFACES = (ROOT / "docs" / "INTERFACES.md").read_text()
COMMANDS = ROOT / "docs" / "COMMANDS.md"


def commands() -> list[tuple[str, str]]:
    """(`aboard ...` as a person types it, its one line of help) for every command."""
    from inbox.cli import deeds, looking, regrouping, serving, working  # noqa: F401 - they add their commands

    found: list[tuple[str, str]] = []

    def walk(group: Any, words: str) -> None:
        for name in group.list_commands(None):
            command = group.get_command(None, name)
            if hasattr(command, "list_commands"):
                if command.invoke_without_command and command.callback:
                    found.append((f"{words} {name}", _first(command.callback.__doc__)))
                walk(command, f"{words} {name}")
            else:
                found.append((f"{words} {name}", _first(command.help)))

    walk(typer.main.get_command(cli.app), "aboard")
    return sorted(found)  # which module was imported first must not matter


def _first(text: str | None) -> str:
    return (text or "").strip().split("\n\n")[0].replace("\n", " ")


def commands_page() -> str:
    """docs/COMMANDS.md as it has to be; `python -m tests.test_docs` writes it."""
    lines = [
        "# Commands",
        "",
        "Every command, made from their own help by `python -m tests.test_docs`;",
        "`aboard COMMAND --help` says the rest. `--config FILE` goes before the command.",
        "",
        "| command | does |",
        "| --- | --- |",
        *(f"| `{command}` | {about} |" for command, about in commands()),
    ]
    return "\n".join(lines) + "\n"


def test_every_command_is_documented() -> None:
    assert COMMANDS.read_text() == commands_page(), "run `python -m tests.test_docs`"
    assert all(about for _, about in commands())


def test_every_setting_is_documented() -> None:
    names = [one.name for one in fields(Settings)]
    for part, kind in PARTS.items():
        names.remove(part)
        names += [f"{part}.{one.name}" for one in fields(kind)]
    names.remove("folder")
    for name in names:
        short = name.replace("most_connections_per_peer", "most_connections")
        short = re.sub("mails_per_minute_per_(peer|mailbox)", "mails_per_minute_per_sender", short)
        assert f"`{short}" in INTERFACES, f"setting {name} is not in INTERFACES.md"


def test_every_table_is_documented() -> None:
    for name in metadata.tables:
        assert f"`{name}`" in INTERFACES, f"table {name} is not in INTERFACES.md"


def test_every_kind_of_event_is_documented() -> None:
    written = "\n".join(path.read_text() for path in (ROOT / "inbox" / "flow").rglob("*.py"))
    kinds = set(re.findall(r'kind="([a-z-]+)"', written))
    kinds |= set(re.findall(r'\.event\(\s*thread[\w.]*,\s*"([a-z-]+)"', written))
    assert len(kinds) >= 4
    for kind in kinds:
        assert f"`{kind}`" in INTERFACES, f"event {kind} is not in INTERFACES.md"


def test_every_relative_link_leads_somewhere() -> None:
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name}: {target} is not there"


def test_the_version_is_in_the_changelog() -> None:
    from inbox import __version__

    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()


if __name__ == "__main__":
    COMMANDS.write_text(commands_page())
