"""`aboard serve` and `aboard demo`: the long-running commands."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inbox.cli import opening, output
from inbox.cli.main import app

if TYPE_CHECKING:
    from inbox.config import Listen, Settings
    from inbox.store.database import Database


@app.command()
def serve(
    only: Annotated[
        str, typer.Option(help="Only these parts, with commas: smtp, poll, file, web, send, tick.")
    ] = "smtp,poll,file,web,send,tick",
) -> None:
    """Run SMTP ingress, mailbox pollers, filing, web inbox, couriers and clocks until stopped."""
    gc.disable()  # what is loaded is no garbage; looking for some takes a sixth of a start
    from inbox import forks, log

    parts = [part.strip() for part in only.split(",") if part.strip()]
    if "file" in parts:
        forks.begin()  # before the imports that take longest, so that both load at once
    from inbox.node import Node, Running, check_parts

    log.set_up()
    check_parts(parts)  # before the database is opened and the files are put in force
    with opening.working() as (settings, db):

        async def say(running: Running) -> None:
            gc.freeze()  # nor will it ever be
            gc.enable()
            if running.web is not None:
                output.line(f"inbox  http://{running.web}/")
            if running.smtp is not None:
                output.line(f"smtp   {running.smtp}")
            if running.web is not None:
                _first_link(settings, db, running.web)

        asyncio.run(Node(settings, db, parts).serve(say))


def _first_link(settings: Settings, db: Database, listening: Listen) -> None:
    """Where nobody can sign in yet: how the first admin does, once, told to this terminal alone."""
    from inbox.cli.users import link
    from inbox.clock import utc_now
    from inbox.flow.people import access

    first = access.first_token(db, utc_now())
    if first is not None:
        handle, token = first
        output.line(f"nobody has a password yet; {handle} sets the first one here, once:")
        at = settings.web.address if settings.web.trusted_proxies else f"http://{listening}"
        output.line(f"  {link(at, token)}")


demo_app = typer.Typer(
    help="A whole working Aboard to try, with people in it who write and answer.",
    invoke_without_command=True,
    no_args_is_help=False,
)
app.add_typer(demo_app, name="demo")
DemoFolder = Annotated[Path | None, typer.Option(help="Where it lives; made anew every time.")]


@demo_app.callback()
def demo(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Play the story and end.")] = False,
    port: Annotated[int, typer.Option(help="Where the web inbox listens.")] = 8025,
    folder: DemoFolder = None,
) -> None:
    """Play a story of six weeks through the real SMTP port, then let mail arrive live."""
    if context.invoked_subcommand is not None:
        return
    from inbox import log
    from inbox.cli.demo import play
    from inbox.cli.demo_again import FOLDER

    log.set_up("WARNING")
    asyncio.run(play(folder or FOLDER, once=once, port=port))


@demo_app.command()
def reset(folder: DemoFolder = None) -> None:
    """Go back to where the demo began, whether it runs or not."""
    from inbox.cli import demo_again

    demo_again.reset(folder or demo_again.FOLDER)
    output.line("the demo is where it began")
