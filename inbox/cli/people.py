"""`aboard people`: who there is, what they own, and when they are away."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from inbox.cli import opening, output
from inbox.errors import AboardError

app = typer.Typer(
    help="Who there is, what they own, when they are away.",
    invoke_without_command=True,
    no_args_is_help=False,
)
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


@app.callback()
def listing(context: typer.Context, json: Json = False) -> None:
    """List our people with their teams, the threads they own, and their absences."""
    if context.invoked_subcommand is not None:
        return
    from inbox.cli import shapes
    from inbox.clock import utc_now
    from inbox.store import absences, people, workload

    with opening.working() as (_, db), db.read() as conn:
        everybody = [one for one in people.everybody(conn).values() if one.active]
        teams = {name: people.members(conn, name) for name in people.team_names(conn)}
        on_duty = {people.duty_holder(conn, name).handle: name for name in teams}
        owned = workload.owned(conn)
        now = utc_now()
        coming = absences.listing(conn, now)
    rows = []
    for person in sorted(everybody, key=lambda one: one.handle):
        listed = [one for one in coming if one.person_id == person.id]
        member_of = [name for name, members in teams.items() if person.handle in members]
        duty = [name for name in teams if on_duty.get(person.handle) == name]
        rows.append(shapes.person(person, member_of, duty, owned.get(person.handle, 0), listed))
    if json:
        output.json_lines(rows)
        return
    output.table(
        ("handle", "name", "role", "teams", "on duty for", "owns", "away"),
        (
            (
                row["handle"],
                row["name"],
                row["role"],
                ", ".join(row["teams"]),
                ", ".join(row["duty"]),
                row["owned_threads"],
                "; ".join(_span(one) for one in row["absences"]),
            )
            for row in rows
        ),
        empty="Nobody: teams.yaml names no people.",
    )


def _span(absence: dict[str, str | None]) -> str:
    until = absence["until"] or "further notice"
    return f"{absence['from']} to {until}" + (f" ({absence['note']})" if absence["note"] else "")


@app.command()
def away(
    handle: Annotated[str, typer.Argument(help="Who is away: a handle of teams.yaml.")],
    from_: Annotated[
        str, typer.Option("--from", help="First day or instant (UTC); default: now.")
    ] = "",
    until: Annotated[
        str, typer.Option(help="Day or instant (UTC) of being back; default: further notice.")
    ] = "",
    note: Annotated[str, typer.Option(help="Why, for colleagues.")] = "",
    json: Annotated[bool, typer.Option("--json", help="JSON instead of a line.")] = False,
) -> None:
    """Note that somebody is away: no new threads, and what they answer for finds somebody else."""
    from inbox.app import homes
    from inbox.clock import iso, utc_now
    from inbox.flow.promises import rehoming

    with opening.working() as (settings, db):
        now = utc_now()
        begins = instant("--from", from_) if from_ else now
        ends = instant("--until", until) if until else None
        if ends is not None and ends <= max(begins, now):
            raise AboardError(f"--until {until}: it has to be after the beginning, and to come")
        moved = rehoming.leave(
            db, homes(db, settings), rehoming.Leave(handle, begins, ends, note), now
        )
    if json:
        span = {"from": iso(begins), "until": None if ends is None else iso(ends)}
        output.as_json({"handle": handle, "threads_moved": moved} | span)
        return
    span_text = f"from {begins:%Y-%m-%d %H:%M} UTC"
    span_text += f" until {ends:%Y-%m-%d %H:%M} UTC" if ends else " until further notice"
    output.line(f"{handle} is away {span_text}; {moved} threads found somebody else")


@app.command()
def back(
    handle: Annotated[str, typer.Argument(help="Who is back: a handle of teams.yaml.")],
) -> None:
    """Somebody is back: their running absence ends now; one that is to come is left."""
    from inbox.app import homes
    from inbox.clock import utc_now
    from inbox.flow.promises import rehoming

    with opening.working() as (settings, db):
        moved = rehoming.come_back(db, homes(db, settings), handle, utc_now())
    output.line(f"{handle} is back; {moved} threads moved")


@app.command()
def notices(
    handle: Annotated[str, typer.Argument(help="Who: a handle of teams.yaml.")],
    on: Annotated[bool, typer.Option("--on/--off", help="Whether to mail them.")],
) -> None:
    """Whether a person of ours is told by mail what concerns them, and may answer it by mail."""
    from inbox.clock import utc_now
    from inbox.store import agent_notices, people

    with opening.working() as (_, db), db.write() as conn:
        person = people.by_handle(conn, handle)
        agent_notices.choose(conn, person.id, on, utc_now())
    output.line(f"{person.name} {'gets' if on else 'gets no'} notices by mail at {person.address}")


def instant(option: str, text: str) -> datetime:
    """`2026-12-24`, `2026-12-24T09:00` or with a zone, as an instant; without a zone in UTC."""
    try:
        given = datetime.fromisoformat(text.strip())
        return given.astimezone(UTC) if given.tzinfo else given.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        hint = "write a day (2026-12-24) or an instant (2026-12-24T09:00)"
        raise AboardError(f"{option} {text!r}: {hint}") from None
