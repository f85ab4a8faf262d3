"""`aboard merge`, `join`, `split`, `move`, `give`, `priority`, `follow`, `undo`: sorted by hand."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Annotated

import typer

from inbox.cli import opening, output
from inbox.cli.main import app

if TYPE_CHECKING:
    from inbox.flow.working.regroup import Regrouping
    from inbox.store.database import Database

Thread = Annotated[str, typer.Argument(metavar="THREAD")]
By = Annotated[str, typer.Option(help="Who does it: a handle of teams.yaml.")]


def _run() -> str:
    return secrets.token_urlsafe(9)


def _regrouping(db: Database, by: str, run: str) -> Regrouping:
    from inbox.flow.working.regroup import Regrouping

    return Regrouping(db, by, run=run)


def _undo_hint(run: str, by: str) -> None:
    output.line(f"`aboard undo {run} --by {by}` takes it back")


@app.command()
def merge(
    thread: Thread,
    into: Annotated[str, typer.Option(help="The thread that survives.")],
    by: By,
) -> None:
    """Make one thread of two of the same account; the old number leads to the surviving one."""
    from inbox.clock import utc_now

    with opening.working() as (_, db):
        run = _run()
        first, second = opening.number(thread, "thread"), opening.number(into, "thread")
        done = _regrouping(db, by, run).merge(first, second, utc_now())
    output.line(f"thread {first} is part of thread {done.id} now, {done.messages} messages")
    _undo_hint(run, by)


@app.command()
def join(
    thread: Thread,
    to: Annotated[str, typer.Option(help="The thread that it is linked to.")],
    by: By,
) -> None:
    """Make one thread of two linked ones of different accounts; the older one survives."""
    from inbox.clock import utc_now
    from inbox.flow.working.linked import join_linked

    with opening.working() as (_, db):
        run = _run()
        one, other = opening.number(thread, "thread"), opening.number(to, "thread")
        done = join_linked(db, one, other, by, utc_now(), run)
    output.line(f"threads {one} and {other} are thread {done.id} now, {done.messages} messages")
    _undo_hint(run, by)


@app.command()
def split(
    thread: Thread,
    by: By,
    message: Annotated[list[str], typer.Option(help="A message to move; may be repeated.")],
) -> None:
    """Move messages of a thread to a thread of their own; later answers to them follow."""
    from inbox.clock import utc_now

    with opening.working() as (_, db):
        run = _run()
        numbers = [opening.number(one, "message") for one in message]
        done = _regrouping(db, by, run).split(opening.number(thread, "thread"), numbers, utc_now())
    output.line(f"thread {done.id}: {done.messages} messages, with {done.team}")
    _undo_hint(run, by)


@app.command()
def move(
    thread: Thread,
    account: Annotated[str, typer.Option(help="Number, name, domain or contact's address.")],
    by: By,
) -> None:
    """Give a thread to another account, with its ids and who wrote on it alone."""
    from inbox.clock import utc_now
    from inbox.store import accounts

    with opening.working() as (_, db):
        run = _run()
        with db.read() as conn:
            target = accounts.find(conn, account)
        done, know = _regrouping(db, by, run).move(
            opening.number(thread, "thread"), target.id, utc_now()
        )
    output.line(f"thread {done.id} is of {target.name}")
    for one in know:
        output.line(f"! {one}")
    _undo_hint(run, by)


@app.command()
def give(
    thread: Thread, to: Annotated[str, typer.Option(help="Handle of who gets it.")], by: By
) -> None:
    """Make a thread somebody else's of its team."""
    from inbox.clock import utc_now
    from inbox.flow.working.work import Desk

    with opening.working() as (_, db):
        done = Desk(db, by).give(opening.number(thread, "thread"), to, utc_now())
    output.line(f"thread {done.id} is {to}'s")


@app.command()
def priority(
    thread: Thread,
    wanted: Annotated[str, typer.Argument(metavar="PRIORITY", help="low, normal, high, urgent.")],
    by: By,
) -> None:
    """Say how urgent a thread is."""
    from inbox.clock import utc_now
    from inbox.flow.working.work import Desk

    with opening.working() as (_, db):
        done = Desk(db, by).prioritise(opening.number(thread, "thread"), wanted, utc_now())
    output.line(f"thread {done.id}: priority {done.priority}")


@app.command()
def follow(
    thread: Thread,
    by: By,
    stop: Annotated[bool, typer.Option("--stop", help="Follow it no more.")] = False,
) -> None:
    """Follow a thread: see what happens on it, and answer for nothing."""
    from inbox.clock import utc_now
    from inbox.flow.working.following import follow as flow

    with opening.working() as (_, db):
        number = opening.number(thread, "thread")
        changed = flow(db, number, by, utc_now(), on=not stop)
    state = "follows" if not stop else "does not follow"
    output.line(f"{by} {state} thread {number}{'' if changed else ', as before'}")


@app.command()
def undo(
    run: Annotated[str, typer.Argument(metavar="NAME", help="As the deed printed it.")],
    by: By,
) -> None:
    """Take back what was done under a name, as far as nobody has changed it since."""
    from inbox.clock import utc_now
    from inbox.flow.working.undo import undo as flow

    with opening.working() as (_, db):
        done = flow(db, run, by, utc_now())
    for one in done.left:
        output.line(f"! {one}")
    if done.threads:
        output.line(f"taken back on thread {', '.join(str(one) for one in done.threads)}")
    if done.left:
        raise typer.Exit(1)
