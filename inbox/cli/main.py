"""`aboard`: the tree of commands. What a person can act on is one line and an exit code.

0 done; 1 findings, or it cannot be done; 2 wrong use; 75 try again later. Anything else is a bug
and keeps its traceback.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from inbox import __version__
from inbox.cli import opening, output
from inbox.errors import AboardError, ConfigError

GROUPS = {
    "accounts": ("accounts", "List, import and merge accounts."),
    "classifier": ("classifier", "Train, evaluate, explain and promote the classifier."),
    "db": ("db", "Create and upgrade the database."),
    "followups": ("followups", "What goes out by itself: list it, pause it, change it."),
    "handoff": ("handoff", "Offer a thread to another team; accept, decline, withdraw."),
    "mail": ("mail", "Ingest, parse and thread mail; mind mailboxes and quarantine."),
    "people": ("people", "Who there is, what they own, when they are away."),
    "proposals": ("proposals", "What mails ask for and a person decides: list, apply, decline."),
    "outbox": ("outbox", "What is to leave, what left, and what did not."),
    "reply": ("reply", "Answer on a thread."),
    "rules": ("rules", "Check, test, explain and replay routing rules."),
    "sla": ("sla", "Check policies, explain deadlines, list what is due."),
    "templates": ("templates", "Check mail templates, and see them as a customer would."),
    "users": ("users", "Who can sign in: one-time links, sessions, the audit log."),
}
"""command -> (module, one line). Loaded when used: no command pays for another's imports."""

_OF_A_PROGRAM = ("install_completion", "show_completion")


class LazyGroup(TyperGroup):
    """Commands of this module, and groups that are imported only when they are asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, in alphabetical order."""
        return sorted({*super().list_commands(ctx), *GROUPS})

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, its module imported now."""
        if cmd_name not in GROUPS:
            return super().get_command(ctx, cmd_name)
        module, _ = GROUPS[cmd_name]
        found = importlib.import_module(f"inbox.cli.{module}")
        command: Any = typer.main.get_command(found.app)
        command.name = cmd_name
        # Typer takes each group for a program of its own, with completion to install.
        command.params = [one for one in command.params if one.name not in _OF_A_PROGRAM]
        return command


app = typer.Typer(
    cls=LazyGroup,
    help="Aboard: a shared inbox that routes customer onboarding mail.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        output.line(f"aboard {__version__}")
        raise typer.Exit


@app.callback()
def _whole(
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="The configuration (default: ./aboard.yaml)."),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    opening.WHERE.config = config


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point: run a command, and turn what a person can act on into lines."""
    from inbox.cli import deeds, looking, regrouping, serving, working  # noqa: F401 - they add their commands to `app`

    command: Any = typer.main.get_command(app)
    try:
        command.main(args=arguments, prog_name="aboard")
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except ConfigError as error:
        _show_problems(error)
        raise SystemExit(1) from None
    except AboardError as error:
        output.error(f"aboard: {error}")
        raise SystemExit(error.exit_code) from None
    except BrokenPipeError:
        raise SystemExit(0) from None


def _show_problems(error: ConfigError) -> None:
    for problem in error.problems:
        output.error(problem.framed())
    count = len(error.problems)
    output.error(f"{count} problem{'s' if count != 1 else ''}")
