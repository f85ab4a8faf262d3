"""`aboard mail loops`: who mails us automatically too often, and letting them go on."""

from __future__ import annotations

from typing import Annotated

import typer

from inbox.cli import opening, output

app = typer.Typer(help="Addresses that mail by machine too often.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


@app.command("list")
def listing(
    every: Annotated[bool, typer.Option("--all", help="Also those that are only counted.")] = False,
    json: Json = False,
) -> None:
    """List stopped pairs: nothing automatic goes to these addresses."""
    from inbox.cli import shapes
    from inbox.store import loops

    with opening.database() as (_, db), db.read() as conn:
        found = loops.listing(conn, every=every)
    if json:
        output.json_lines(shapes.loop(one) for one in found)
        return
    output.table(
        ("id", "mailbox", "address", "mails", "since", "stopped", "thread"),
        (
            (
                one.id,
                one.mailbox,
                one.address,
                one.count,
                f"{one.hour_at:%Y-%m-%d %H:%M}",
                f"{one.stopped_at:%Y-%m-%d %H:%M}" if one.stopped_at else "",
                one.thread_id,
            )
            for one in found
        ),
        empty="Nobody is stopped.",
    )


@app.command()
def release(
    pair: Annotated[str, typer.Argument(metavar="PAIR", help="Its number in the list.")],
    by: Annotated[str, typer.Option(help="Who does it: a handle of teams.yaml.")],
) -> None:
    """Let automatic mail go to an address again; it is counted anew."""
    from inbox.clock import utc_now
    from inbox.flow.intake import loops

    with opening.working() as (_, db):
        done = loops.release(db, opening.number(pair, "pair"), by, utc_now())
    output.line(f"automatic mail goes from {done.mailbox} to {done.address} again")
