"""`aboard claim`, `release`, `note`, `tag`, `close`, `reopen`, `snooze`: one deed on one thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from inbox.cli import opening, output
from inbox.cli.main import app

if TYPE_CHECKING:
    from inbox.flow.working.work import Desk
    from inbox.store.database import Database

Thread = Annotated[str, typer.Argument(metavar="THREAD")]
By = Annotated[str, typer.Option(help="Who does it: a handle of teams.yaml.")]


def _desk(db: Database, by: str) -> Desk:
    from inbox.flow.working.work import Desk

    return Desk(db, by)


@app.command()
def claim(thread: Thread, by: By) -> None:
    """Take a thread on: it is yours, and you answer for it."""
    from inbox.clock import utc_now

    with opening.working() as (_, db):
        done = _desk(db, by).claim(opening.number(thread, "thread"), utc_now())
    output.line(f"thread {done.id} is {by}'s")


@app.command()
def release(thread: Thread, by: By) -> None:
    """Give a thread back to its team; who is on duty answers for it."""
    from inbox.clock import utc_now
    from inbox.store import people

    with opening.working() as (_, db):
        done = _desk(db, by).release(opening.number(thread, "thread"), utc_now())
        with db.read() as conn:
            person = people.by_id(conn, done.accountable_id)
    output.line(f"thread {done.id} waits for {done.team}; {person.handle} answers for it")


@app.command()
def note(
    thread: Thread,
    text: Annotated[str, typer.Argument(help="What our people should know.")],
    by: By,
) -> None:
    """Write something on a thread that only our own people see."""
    from inbox.clock import utc_now

    with opening.working() as (_, db):
        done = _desk(db, by).note(opening.number(thread, "thread"), text, utc_now())
    output.line(f"noted on thread {done.id}")


@app.command()
def tag(
    thread: Thread,
    by: By,
    add: Annotated[list[str] | None, typer.Option(help="A tag to add; may be repeated.")] = None,
    remove: Annotated[
        list[str] | None, typer.Option(help="A tag to take off; may be repeated.")
    ] = None,
) -> None:
    """Add tags to a thread, or take them off."""
    from inbox.clock import utc_now

    with opening.working() as (_, db):
        number = opening.number(thread, "thread")
        done = _desk(db, by).tag(number, add or (), remove or (), utc_now())
    output.line(f"thread {done.id}: {', '.join(done.tags) or 'no tags'}")


@app.command()
def close(thread: Thread, by: By) -> None:
    """Nothing is left to do. Mail from the customer opens it again."""
    from inbox.clock import utc_now

    with opening.working() as (_, db):
        done = _desk(db, by).close(opening.number(thread, "thread"), utc_now())
    output.line(f"thread {done.id} is {done.status}")


@app.command()
def reopen(thread: Thread, by: By) -> None:
    """There is something to do after all."""
    from inbox.clock import utc_now

    with opening.working() as (_, db):
        done = _desk(db, by).reopen(opening.number(thread, "thread"), utc_now())
    output.line(f"thread {done.id} is {done.status}")


@app.command()
def snooze(
    thread: Thread,
    by: By,
    until: Annotated[str, typer.Option(help="Day or instant (UTC), such as 2026-12-24T09:00.")],
) -> None:
    """Put a thread aside until an instant, or until the customer writes."""
    from inbox.cli.people import instant
    from inbox.clock import utc_now

    with opening.working() as (_, db):
        number = opening.number(thread, "thread")
        done = _desk(db, by).snooze(number, instant("--until", until), utc_now())
    output.line(f"thread {done.id} is put aside until {done.snoozed_until:%Y-%m-%d %H:%M} UTC")
