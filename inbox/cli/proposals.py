"""`aboard proposals`: what mails ask for and only a person may allow."""

from __future__ import annotations

from typing import Annotated

import typer

from inbox.cli import opening, output

app = typer.Typer(help="What mails ask for and a person decides: list, apply, decline.")
By = Annotated[str, typer.Option(help="Who decides: a handle of teams.yaml.")]
Number = Annotated[str, typer.Argument(metavar="PROPOSAL", help="Its number in the list.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


@app.command("list")
def listing(
    thread: Annotated[str, typer.Option(help="Only those of this thread.")] = "",
    settled: Annotated[bool, typer.Option("--all", help="Also those that are settled.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 200,
    json: Json = False,
) -> None:
    """List what waits for a decision, the oldest first."""
    from inbox.cli import shapes
    from inbox.store import people, proposals

    number = opening.number(thread, "thread") if thread else None
    with opening.database() as (_, db), db.read() as conn:
        found = proposals.listing(conn, thread_id=number, settled=settled, limit=limit)
        names = {one.id: one.handle for one in people.everybody(conn).values()}
    if json:
        output.json_lines(shapes.proposal(one, names) for one in found)
        return
    output.table(
        ("id", "thread", "kind", "state", "made", "what"),
        (
            (one.id, one.thread_id, one.kind, one.state, f"{one.made_at:%Y-%m-%d %H:%M}", one.what)
            for one in found
        ),
        empty="Nothing waits for a decision.",
    )


@app.command()
def apply(proposal: Number, by: By, json: Json = False) -> None:
    """Do what it proposes."""
    _settle(proposal, by, json, "apply")


@app.command()
def decline(proposal: Number, by: By, json: Json = False) -> None:
    """Leave things as they are."""
    _settle(proposal, by, json, "decline")


def _settle(text: str, by: str, json: bool, verb: str) -> None:
    from inbox.app import appliers
    from inbox.cli import shapes
    from inbox.clock import utc_now
    from inbox.store import people

    number = opening.number(text, "proposal")
    with opening.working() as (settings, db):
        settling = appliers(db, settings)
        deed = settling.apply if verb == "apply" else settling.decline
        done = deed(number, by, utc_now())
        with db.read() as conn:
            names = {one.id: one.handle for one in people.everybody(conn).values()}
    if json:
        output.json_lines([shapes.proposal(done, names)])
        return
    output.line(f"proposal {done.id} is {done.state}: {done.what}")
