"""`aboard handoff`: offer a thread to another team, answer an offer, list what is on offer."""

from __future__ import annotations

from typing import Annotated

import typer

from inbox.cli import opening, output

app = typer.Typer(help="Offer a thread to another team; accept, decline, withdraw.")
By = Annotated[str, typer.Option(help="Who does it: a handle of teams.yaml.")]
Number = Annotated[str, typer.Argument(metavar="HANDOFF", help="Its number in the list.")]


@app.command()
def offer(
    thread: Annotated[str, typer.Argument(metavar="THREAD")],
    team: Annotated[str, typer.Argument(help="The team that shall take it on.")],
    by: By,
    reason: Annotated[str, typer.Option(help="Why it is theirs now.")],
    summary: Annotated[str, typer.Option(help="What they have to know.")] = "",
    ask: Annotated[
        list[str] | None, typer.Option(help="What the customer still waits for; may be repeated.")
    ] = None,
) -> None:
    """Offer a thread. Until somebody of that team accepts, nothing changes."""
    from inbox.clock import utc_now
    from inbox.flow.promises import handoff

    number = opening.number(thread, "thread")
    wanted = handoff.Offer(number, team, by, reason, summary, tuple(ask or ()))
    with opening.working() as (_, db):
        made = handoff.offer(db, wanted, utc_now())
    output.line(
        f"handoff {made.id}: thread {made.thread_id} is on offer to {made.to_team};"
        f" {made.from_team} answers for it until somebody accepts"
    )


@app.command()
def accept(handoff: Number, by: By) -> None:
    """Take the thread on: it is with your team, and yours."""
    from inbox.clock import utc_now
    from inbox.flow.promises import handoff as flow

    with opening.working() as (_, db):
        made = flow.accept(db, opening.number(handoff, "handoff"), by, utc_now())
    output.line(f"thread {made.thread_id} is with {made.to_team} now, and {by} owns it")


@app.command()
def decline(
    handoff: Number, by: By, because: Annotated[str, typer.Option(help="What is missing.")]
) -> None:
    """Refuse an offer; the thread stays where it is."""
    from inbox.clock import utc_now
    from inbox.flow.promises import handoff as flow

    with opening.working() as (_, db):
        made = flow.decline(db, opening.number(handoff, "handoff"), by, because, utc_now())
    output.line(f"thread {made.thread_id} stays with {made.from_team}")


@app.command()
def withdraw(handoff: Number, by: By) -> None:
    """Take an offer back."""
    from inbox.clock import utc_now
    from inbox.flow.promises import handoff as flow

    with opening.working() as (_, db):
        made = flow.withdraw(db, opening.number(handoff, "handoff"), by, utc_now())
    output.line(f"thread {made.thread_id} is no longer on offer; it stays with {made.from_team}")


@app.command("list")
def listing(
    team: Annotated[str, typer.Option(help="Only offers to or from this team.")] = "",
    settled: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List what is on offer, the longest waiting first."""
    from inbox.cli import shapes
    from inbox.store import handoffs, people

    with opening.database() as (_, db), db.read() as conn:
        found = handoffs.listing(conn, team=team, settled=settled)
        names = {number: one.handle for number, one in people.everybody(conn).items()}
    if json:
        output.json_lines(shapes.handoff(one, names) for one in found)
        return
    output.table(
        ("id", "thread", "from", "to", "by", "state", "offered", "reason", "asks"),
        (
            (
                one.id,
                one.thread_id,
                one.from_team,
                one.to_team,
                names[one.by_id],
                one.state,
                f"{one.offered_at:%Y-%m-%d %H:%M}",
                one.reason,
                "; ".join(one.asks),
            )
            for one in found
        ),
        empty="Nothing is on offer.",
    )
