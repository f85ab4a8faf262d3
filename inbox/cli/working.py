"""The commands of every day: init, check, threads, thread, timeline, assign, audit, doctor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inbox.cli import opening, output
from inbox.cli.main import app
from inbox.errors import AboardError

if TYPE_CHECKING:
    from inbox.store.timeline import TimelineRow

Json = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")],
) -> None:
    """Write a working folder: configuration, rules, SLA, teams, stages, templates."""
    from inbox.cli.starter import write_folder

    for path in write_folder(folder):
        output.line(f"wrote {path}")
    output.line()
    output.line(f"Next: edit {folder / 'aboard.yaml'} (your address and domain), then")
    output.line(f"  aboard --config {folder / 'aboard.yaml'} check")
    output.line(f"  aboard --config {folder / 'aboard.yaml'} serve")


@app.command()
def check(
    json: Json = False,
    connect: Annotated[
        bool, typer.Option("--connect", help="Also sign in to every mailbox that is polled.")
    ] = False,
) -> None:
    """Validate everything that is configured: settings, admin files, database, SQLite's version."""
    from inbox.app import check_everything

    settings = opening.settings()
    findings, facts = check_everything(settings)
    if connect:
        from inbox.cli.mailboxes import tried

        tried_facts, troubles = tried(settings)
        facts |= tried_facts
        findings = (*findings, *troubles)
    if json:
        output.as_json({"facts": facts, "problems": [one.as_json() for one in findings]})
    else:
        for name, value in facts.items():
            output.line(f"{name}: {value}")
        for one in findings:
            output.error(one.framed())
    if any(one.severity == "error" for one in findings):
        raise typer.Exit(1)
    if not json:
        output.line("everything that is configured is good")


@app.command()
def threads(
    account: Annotated[str, typer.Option(help="Number, name, domain or contact's address.")] = "",
    team: Annotated[str, typer.Option()] = "",
    status: Annotated[str, typer.Option(help="open, waiting, snoozed or closed.")] = "",
    view: Annotated[
        str, typer.Option(help="mine, team, unclaimed, at-risk, us, customer, snoozed or all.")
    ] = "",
    query: Annotated[str, typer.Option(help="Narrow a view: `tag:vip -is:waiting`.")] = "",
    by: Annotated[str, typer.Option(help="Look with this person's eyes: a handle.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=output.MOST_ROWS)] = 50,
    json: Json = False,
) -> None:
    """List threads, the one with the newest message first; a view in its own order."""
    from inbox.cli import looking, shapes
    from inbox.store import accounts
    from inbox.store import threads as store

    with opening.database() as (_, db), db.read() as conn:
        if view or query:
            if account or team or status:
                raise AboardError("with --view say the rest in --query: `team:support is:open`")
            rows = looking.listed(conn, view or "all", query, by, limit)
        else:
            account_id = accounts.find(conn, account).id if account else None
            page = store.Page(account_id, team or None, status or None, limit=limit)
            rows = store.listing(conn, page)
    if json:
        output.json_lines(shapes.thread_row(row) for row in rows)
        return
    looking.table(rows)


@app.command()
def thread(thread_number: Annotated[str, typer.Argument(metavar="ID")], json: Json = False) -> None:
    """Show one thread with its messages."""
    from inbox.cli import shapes
    from inbox.store import accounts, messages, people
    from inbox.store import threads as store

    with opening.database() as (_, db), db.read() as conn:
        found = store.by_id(conn, opening.number(thread_number, "thread"))
        mails = messages.of_thread(conn, found.id)
        files = messages.attachments_of(conn, [one.id for one in mails])
        account = accounts.by_id(conn, found.account_id)
        person = people.by_id(conn, found.accountable_id)
    if json:
        shape = shapes.thread(found, person.handle, account.name)
        listed = [shapes.message(one, files.get(one.id, ())) for one in mails]
        output.as_json(shape | {"mails": listed})
        return
    output.line(f"#{found.id} {found.subject or '(no subject)'}")
    output.line(
        f"{account.name} · {found.team} · {person.name} is accountable · {found.status}"
        f" · decided by {found.decided_by}"
    )
    for one in mails:
        output.line()
        output.line(f"{one.received_at:%Y-%m-%d %H:%M} {one.from_name} <{one.from_address}>")
        for part in one.visible_text.strip().splitlines():
            output.line(f"    {part}")
        for file in files.get(one.id, ()):
            output.line(f"    [{file.name or 'unnamed'}, {file.content_type}, {file.size} bytes]")


@app.command()
def timeline(
    account: Annotated[str, typer.Argument(help="Number, name, domain or contact's address.")],
    limit: Annotated[int, typer.Option(min=1, max=output.MOST_ROWS)] = 100,
    json: Json = False,
) -> None:
    """All that happened on an account, newest first: over all its threads and teams."""
    from inbox.cli import shapes
    from inbox.store import accounts
    from inbox.store import timeline as store

    with opening.database() as (_, db), db.read() as conn:
        found = accounts.find(conn, account)
        rows = store.of_account(conn, found.id, store.Span(limit=limit))
    if json:
        output.json_lines(shapes.event(row) for row in rows)
        return
    output.line(found.name)
    output.table(
        ("when", "what", "who", "thread", "about"),
        (
            (
                f"{row.event.at:%Y-%m-%d %H:%M}",
                row.event.kind,
                _who(row),
                row.event.thread_id or "",
                row.event.data.get("team") if row.event.kind == "assigned" else row.subject,
            )
            for row in rows
        ),
        empty="Nothing has happened on this account yet.",
    )


def _who(row: TimelineRow) -> str:
    """Who wrote a mail; of all else who did it: what we decide about a mail is not its author's."""
    is_mail = row.event.kind.startswith("mail-") and row.from_address
    return row.from_address or "" if is_mail else row.event.actor.removeprefix("contact:")


@app.command()
def assign(
    thread_number: Annotated[str, typer.Argument(metavar="THREAD")],
    team: Annotated[str, typer.Argument()],
    by: Annotated[str, typer.Option(help="Who decides: a handle of teams.yaml.")],
    label: Annotated[
        bool, typer.Option(help="Let the classifier learn from it; --no-label: it does not.")
    ] = True,
) -> None:
    """Give a thread to a team: a person's decision, which no rule overrules."""
    from inbox.clock import utc_now
    from inbox.flow.working import desk

    with opening.working() as (_, db):
        number = opening.number(thread_number, "thread")
        done = desk.assign(db, number, team, by, utc_now(), learn=label)
    output.line(f"thread {done.thread_id} is with {done.team}; {done.accountable} is accountable")


@app.command()
def audit(
    deep: Annotated[
        bool, typer.Option("--deep", help="Also read every raw mail and check its hash.")
    ] = False,
    json: Json = False,
) -> None:
    """Prove that every accepted mail has exactly one outcome; name any that has not."""
    from inbox.flow.evidence.audit import audit as check_ledger

    with opening.database() as (_, db), output.progress("reading raw mail", None) as advance:
        done = 0

        def progress(checked: int) -> None:
            nonlocal done
            advance(checked - done)
            done = checked

        result = check_ledger(db, deep=deep, progress=progress)
    if json:
        output.as_json(result.as_json())
    else:
        sign = "=" if result.adds_up else "does not balance with"
        output.line(
            f"{result.accepted} accepted {sign} {result.filed} filed + {result.quarantined}"
            f" quarantined + {result.duplicates} duplicates + {result.pending} pending"
        )
        for finding in result.findings:
            output.error(finding)
    if not result.balanced:
        raise typer.Exit(1)


@app.command()
def doctor(
    message_id: Annotated[
        str, typer.Argument(metavar="MESSAGE-ID", help="Or a SHA-256, or ledger:NUMBER.")
    ],
    json: Json = False,
) -> None:
    """Tell one mail's whole story: how it came, what became of it, who decided what."""
    from inbox.cli.telling import tell
    from inbox.flow.evidence.doctor import stories

    with opening.database() as (_, db), db.read() as conn:
        found = stories(conn, message_id)
    for one in found:
        if json:
            output.as_json(one.as_json())
        else:
            for text in tell(one):
                output.line(text)
