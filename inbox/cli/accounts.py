"""`aboard accounts`: list, import, merge, unmerge; a contact's role, an account's stage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from inbox.cli import opening, output
from inbox.errors import AboardError

app = typer.Typer(
    help="List, import and merge accounts.", invoke_without_command=True, no_args_is_help=False
)
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


@app.callback()
def listing(
    context: typer.Context,
    like: Annotated[str, typer.Option(help="Only names or domains that hold this.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=output.MOST_ROWS, help="At most so many.")] = 200,
    json: Json = False,
) -> None:
    """List accounts, the one where something happened last first."""
    if context.invoked_subcommand is not None:
        return
    from inbox.cli import shapes
    from inbox.store import accounts

    with opening.database() as (_, db), db.read() as conn:
        rows = accounts.listing(conn, limit=limit, like=like)
        every, _ = accounts.how_many(conn, like=like)
    if json:
        output.json_lines(shapes.account(row) for row in rows)
        return
    output.table(
        ("id", "account", "stage", "tier", "open", "threads", "last", "domains"),
        (
            (
                row.account.id,
                row.account.name + (" (provisional)" if row.account.provisional else ""),
                row.account.stage or "",
                row.account.tier or "",
                row.open_threads,
                row.threads,
                f"{row.account.last_event_at:%Y-%m-%d %H:%M}",
                ", ".join(row.domains),
            )
            for row in rows
        ),
        empty="No accounts yet: they come with the first mail, or with `aboard accounts import`.",
    )
    if len(rows) < every:
        output.line(f"{len(rows):,} of {every:,} accounts; --limit shows more, --like some")


@app.command("import")
def import_csv(
    file: Annotated[Path, typer.Argument(help="CSV with a header line; see docs/INTERFACES.md.")],
    json: Json = False,
) -> None:
    """Create or update accounts from a CSV file (name, domains, contacts, tier, stage, owners)."""
    from inbox.app import files_in_force
    from inbox.clock import utc_now
    from inbox.flow.working import customers

    try:
        content = file.read_bytes()
    except OSError as error:
        raise AboardError(f"{file}: {error.strerror}") from error
    with opening.working() as (_, db):
        files = files_in_force(db)
        known = customers.Known(files.directory.team_names, files.stages, files.directory.handles)
        lines = customers.read_csv(content, str(file), known)
        done = customers.import_accounts(db, lines, utc_now())
    if json:
        output.as_json({"created": done.created, "updated": done.updated})
    else:
        output.line(f"{done.created} accounts created, {done.updated} updated")


@app.command()
def role(
    address: Annotated[str, typer.Argument(help="The contact's mail address.")],
    what: Annotated[
        str, typer.Argument(help='What they do, as in "security officer"; "" for none.')
    ],
) -> None:
    """Note what a contact does at their company; rules see it as `contact.role`."""
    from inbox.flow.working import customers

    with opening.working() as (_, db):
        found = customers.note_role(db, address, what)
    output.line(f"{found.name or address}: {found.role or 'no role is noted'}")


@app.command()
def stage(
    account: Annotated[str, typer.Argument(help="Its number, name or domain.")],
    to: Annotated[str, typer.Argument(metavar="STAGE", help="A stage of stages.yaml.")],
    by: Annotated[str, typer.Option(help="Who decided it: a handle of teams.yaml.")],
) -> None:
    """Move an account to a stage of its onboarding: starts the follow-ups that are for it."""
    from inbox.clock import utc_now
    from inbox.flow.working import customers
    from inbox.store import accounts

    with opening.working() as (_, db):
        with db.read() as conn:
            found = accounts.find(conn, account)
        moved = customers.move_to_stage(db, found.id, to, by, utc_now())
    output.line(f"{found.name} {'is now' if moved else 'was already'} at stage {to}")


@app.command()
def merge(
    source: Annotated[str, typer.Argument(help="The account that goes.")],
    target: Annotated[str, typer.Argument(help="The account that stays.")],
    by: Annotated[str, typer.Option(help="Who decided it: a handle of teams.yaml.")],
) -> None:
    """Make two accounts one; threads that share mail ids are joined."""
    from inbox.clock import utc_now
    from inbox.flow.working import merging
    from inbox.store import accounts

    with opening.working() as (_, db):
        with db.read() as conn:
            gone, stays = accounts.find(conn, source), accounts.find(conn, target)
        joined = merging.merge(db, gone.id, stays.id, by, utc_now())
    output.line(f"{gone.name} is now part of {stays.name}; {joined} pairs of threads joined")
    output.line(f"`aboard accounts unmerge {gone.id} --by {by}` takes it back")


@app.command()
def unmerge(
    account: Annotated[str, typer.Argument(help="The account that went: its number or name.")],
    by: Annotated[str, typer.Option(help="Who decided it: a handle of teams.yaml.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be.")] = False,
) -> None:
    """Take a merge back: the account has its threads, people and domains again, and what they
    wrote since. What mails of both came together on stays, and is named."""
    from inbox.clock import utc_now
    from inbox.flow.working import merging
    from inbox.flow.working.undo import undo

    with opening.working() as (_, db):
        with db.read() as conn:
            found = merging.find(conn, account)
        would = merging.rehearse(db, found.id, by, utc_now())
        left = would.stays if dry_run else undo(db, would.merged.run, by, utc_now()).left
    has = f"{would.goes.threads} threads, {would.goes.contacts} contacts"
    verb = "would be" if dry_run else "is"
    output.line(f"{found.name} {verb} an account of its own again, with {has}")
    for one in left:
        output.line(f"! {one}")
