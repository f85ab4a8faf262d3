"""`aboard users`: who can sign in, one-time links, sessions, and the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from inbox.cli import opening, output

if TYPE_CHECKING:
    from inbox.store.audit_log import Entry

app = typer.Typer(
    help="Who can sign in: one-time links, sessions, the audit log.",
    invoke_without_command=True,
    no_args_is_help=False,
)
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Handle = Annotated[str, typer.Argument(help="A handle of teams.yaml.")]


@app.callback()
def listing(context: typer.Context, json: Json = False) -> None:
    """List our people: their role, whether they have a password, how many sessions they have."""
    if context.invoked_subcommand is not None:
        return
    from inbox.clock import iso, utc_now
    from inbox.store import credentials, people, sessions

    with opening.working() as (settings, db), db.read() as conn:
        everybody = [one for one in people.everybody(conn).values() if one.active]
        holders = credentials.holders(conn)
        open_ = sessions.counts(conn, utc_now(), settings.web.idle)
    rows: list[dict[str, Any]] = [
        {
            "handle": one.handle,
            "name": one.name,
            "address": one.address,
            "role": one.role,
            "password_set_at": iso(holders[one.id]) if one.id in holders else None,
            "sessions": open_.get(one.id, 0),
        }
        for one in sorted(everybody, key=lambda one: one.handle)
    ]
    if json:
        output.json_lines(rows)
        return
    output.table(
        ("handle", "name", "role", "password since", "sessions"),
        (
            (row["handle"], row["name"], row["role"], row["password_set_at"] or "none",
             row["sessions"])
            for row in rows
        ),
        empty="Nobody: teams.yaml names no people.",
    )  # fmt: skip


@app.command()
def add(handle: Handle) -> None:
    """Let somebody of teams.yaml in: print a link with which they set a password, once."""
    _link(handle)


@app.command()
def reset(handle: Handle) -> None:
    """Print a link with which somebody sets another password; until then the old one counts."""
    _link(handle)


def _link(handle: str) -> None:
    from inbox.clock import utc_now
    from inbox.flow.people import access

    with opening.working() as (settings, db):
        token = access.give_token(db, handle, None, access.COMMAND, utc_now())
    output.line(link(settings.web.address, token))
    output.line("It opens once, within 24 hours. Give it to nobody else.")


def link(at: str, token: str) -> str:
    """The address behind which a one-time token is used; `at` is where the inbox is reached."""
    return f"{at}/sign-in/once?token={token}"


@app.command("disable-sessions")
def disable_sessions(handle: Handle) -> None:
    """End all sessions of somebody, here and everywhere; their password still counts."""
    from inbox.clock import utc_now
    from inbox.flow.people import access
    from inbox.store import people

    with opening.working() as (_, db):
        with db.read() as conn:
            person = people.by_handle(conn, handle)
        ended = access.end_sessions(db, person, None, access.COMMAND, utc_now())
    output.line(f"{handle}: {ended} sessions ended")


@app.command()
def disable(handle: Handle) -> None:
    """Let somebody in no more: password, links and sessions are gone. `add` lets them in again."""
    from inbox.clock import utc_now
    from inbox.flow.people import access

    with opening.working() as (_, db):
        ended = access.disable(db, handle, None, access.COMMAND, utc_now())
    output.line(f"{handle} cannot sign in any more; {ended} sessions ended")


@app.command()
def log(
    kind: Annotated[str, typer.Option(help="Only entries of this kind, such as sign-in.")] = "",
    by: Annotated[str, typer.Option(help="Only what this person did: a handle.")] = "",
    limit: Annotated[
        int, typer.Option(min=1, max=output.MOST_ROWS, help="How many, the newest.")
    ] = 100,
    json: Json = False,
) -> None:
    """The audit log, the newest first: what admins did, and who took data away."""
    from inbox.store import audit_log, people

    with opening.working() as (_, db), db.read() as conn:
        person = people.by_handle(conn, by).id if by else None
        found = audit_log.listing(conn, audit_log.Wanted(kind, person, limit=limit))
    rows = [_entry(one) for one in found]
    if json:
        output.json_lines(rows)
        return
    output.table(
        ("at", "kind", "by", "from", "on"),
        ((row["at"], row["kind"] + (" (refused)" if row["refused"] else ""), row["actor"],
          row["address"], row["subject"]) for row in rows),
        empty="Nothing is in the audit log.",
    )  # fmt: skip


def _entry(one: Entry) -> dict[str, Any]:
    from inbox.clock import iso

    return {
        "id": str(one.id),
        "at": iso(one.at),
        "kind": one.kind,
        "actor": one.actor,
        "address": one.address,
        "subject": one.subject,
        "refused": one.refused,
        "data": dict(one.data),
    }
