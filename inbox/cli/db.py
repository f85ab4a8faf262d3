"""`aboard db`: create and upgrade the database."""

from __future__ import annotations

import typer

from inbox.cli import opening, output

app = typer.Typer(help="Create and upgrade the database.", no_args_is_help=True)


@app.command()
def upgrade() -> None:
    """Bring the database to this program's schema version; an empty one is made."""
    from inbox.store import schema
    from inbox.store.database import Database

    settings = opening.settings()
    db = Database(settings.database_url())
    try:
        before, after = schema.upgrade(db)
    finally:
        db.close()
    if before == after:
        output.line(f"the schema is {after} already")
    else:
        output.line(f"the schema went from {before or 'nothing'} to {after}")


@app.command()
def check() -> None:
    """Say which database this is, which schema it has, and whether it can be used."""
    from inbox.flow.evidence.facts import database_facts

    with opening.database() as (_, db):
        for name, value in database_facts(db).items():
            output.line(f"{name}: {value}")
