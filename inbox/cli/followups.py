"""`aboard followups`: what is coming by itself for an account; pause it, cancel it, change it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from inbox.cli import opening, output
from inbox.errors import AboardError

app = typer.Typer(help="What goes out by itself: list it, pause it, change it.")
By = Annotated[str, typer.Option(help="Who does it: a handle of teams.yaml.")]
Number = Annotated[str, typer.Argument(metavar="FOLLOW-UP", help="Its number in the list.")]


@app.callback(invoke_without_command=True)
def followups(
    context: typer.Context,
    account: Annotated[str, typer.Option(help="Number, name or domain of the account.")] = "",
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List everything automatic that is coming for an account, the next first."""
    if context.invoked_subcommand is not None:
        return
    if not account:
        raise AboardError("whose? give --account with a number, a name or a domain")
    from inbox.app import files_in_force
    from inbox.cli import shapes
    from inbox.clock import utc_now
    from inbox.flow.promises import planning
    from inbox.store import accounts

    with opening.database() as (_, db):
        files = files_in_force(db)
        with db.read() as conn:
            there = accounts.find(conn, account)
            found = planning.coming(conn, files, there.id, utc_now())
    if json:
        output.json_lines(shapes.coming(one) for one in found)
        return
    output.table(
        ("id", "due", "state", "template", "sequence", "step", "thread", "to", "note"),
        (
            (
                one.id or "",
                f"{one.at:%Y-%m-%d %H:%M}",
                one.state,
                one.template,
                one.sequence,
                one.step,
                one.thread_id,
                one.to,
                "; ".join(filter(None, ("edited" if one.edited else "", one.why))),
            )
            for one in found
        ),
        empty=f"Nothing is planned for {there.name}.",
    )


@app.command()
def pause(number: Number, by: By) -> None:
    """Keep a follow-up back until somebody resumes it."""
    from inbox.clock import utc_now
    from inbox.flow.promises.planning import Planner

    with opening.database() as (_, db):
        one = Planner(db, by).pause(opening.number(number, "follow-up"), utc_now())
    output.line(f"follow-up {one.id} ({one.template} to {one.recipient}) is paused")


@app.command()
def resume(number: Number, by: By) -> None:
    """Let a paused follow-up go on."""
    from inbox.clock import utc_now
    from inbox.flow.promises.planning import Planner

    with opening.database() as (_, db):
        one = Planner(db, by).resume(opening.number(number, "follow-up"), utc_now())
    output.line(f"follow-up {one.id} ({one.template}) is due {one.due_at:%Y-%m-%d %H:%M} UTC")


@app.command()
def cancel(number: Number, by: By) -> None:
    """Cancel a follow-up; the others of its sequence stay."""
    from inbox.clock import utc_now
    from inbox.flow.promises.planning import Planner

    with opening.database() as (_, db):
        one = Planner(db, by).cancel(opening.number(number, "follow-up"), utc_now())
    output.line(f"follow-up {one.id} ({one.template} to {one.recipient}) is cancelled")


@app.command()
def edit(
    number: Number,
    by: By,
    subject: Annotated[str, typer.Option(help="Another subject.")] = "",
    body: Annotated[Path | None, typer.Option(help="A file with another text.")] = None,
    at: Annotated[
        datetime | None, typer.Option(help="Another time, UTC: 2026-11-05T09:00:00.")
    ] = None,
) -> None:
    """Write a follow-up's text yourself, or give it another time."""
    from datetime import UTC

    from inbox.clock import utc_now
    from inbox.flow.promises.planning import Planner

    text = ""
    if body is not None:
        try:
            text = body.read_text(encoding="utf-8")
        except OSError as error:
            raise AboardError(f"{body}: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise AboardError(f"{body}: it is no UTF-8 text") from error
    when = None if at is None else at.replace(tzinfo=UTC)
    with opening.database() as (_, db):
        planner = Planner(db, by)
        one = planner.edit(opening.number(number, "follow-up"), subject, text, when, utc_now())
    output.line(f"follow-up {one.id} ({one.template}) is due {one.due_at:%Y-%m-%d %H:%M} UTC")
