"""`aboard mail`: ingest files, parse and thread them without a database, mind the quarantine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inbox.cli import loops, mailboxes, opening, output
from inbox.errors import AboardError

if TYPE_CHECKING:
    from inbox.ingest import Ingested
    from inbox.store.ledger import LedgerRow

app = typer.Typer(
    help="Ingest, parse and thread mail; mind mailboxes and quarantine.", no_args_is_help=True
)
quarantine = typer.Typer(help="Mail that could not be filed, with its cause.", no_args_is_help=True)
app.add_typer(quarantine, name="quarantine")
mailboxes.add_to(app)
app.add_typer(loops.app, name="loops")

Paths = Annotated[
    list[Path], typer.Argument(help=".eml files, folders, mbox (rd, cl2) files, Maildirs.")
]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]


@app.command()
def ingest(
    paths: Paths,
    sent: Annotated[
        bool,
        typer.Option(help="History that holds our own mail too: mail from our addresses is sent."),
    ] = False,
    json: Json = False,
) -> None:
    """Accept and file mail from files. Safe to run twice: nothing is filed twice."""
    from inbox.ingest import Told, ingest_files
    from inbox.mail.mbox import total_bytes

    found, lost = _there(paths), _Unreadable()
    with (
        opening.working() as (settings, db),
        output.progress("accepting", total_bytes(found)) as accepting,
        output.progress("filing", None) as filing,
    ):
        told = Told(accepting, filing, lost.note)
        done = ingest_files(db, settings, found, sent=sent, told=told)
    if json:
        output.as_json(done.as_json())
    else:
        output.line(
            f"{done.accepted} accepted: {done.filed} filed, {done.duplicates} duplicates,"
            f" {done.quarantined} quarantined, {done.pending} pending ({done.seconds:.1f} s)"
        )
        if done.quarantined:
            output.line("`aboard mail quarantine list` shows why")
    _say_put_off(done)
    lost.end()


def _say_put_off(done: Ingested) -> None:
    """What could not be filed for now, and what to do; ends the command with a failure."""
    if not done.put_off:
        return
    for number, why in done.put_off[:10]:
        output.error(f"ledger {number} waits: {why.strip().splitlines()[-1]}")
    raise AboardError(
        f"{len(done.put_off)} mails are accepted and safe, and cannot be filed: what they need is"
        " damaged in the store. `aboard audit --deep` names what is; put it back from a backup, and"
        " a running node files them within minutes"
    )


@app.command()
def parse(paths: Paths, json: Json = False) -> None:
    """Read mail and print what it says, one JSON object a line (a table without --json)."""
    from inbox.cli.parsed import parsed

    lost = _Unreadable()
    rows = (parsed(path, index, raw) for path, index, raw in _mails(_there(paths), lost))
    if json:
        output.json_lines(rows)
        lost.end()
        return
    output.table(
        ("path", "#", "date", "from", "subject", "automatic", "defects"),
        (
            (
                row["path"],
                row["index"],
                row["date"] or "",
                ", ".join(one["address"] for one in row["from"]),
                row["subject"],
                row["automatic"]["kind"],
                ", ".join(row["defects"]),
            )
            for row in rows
        ),
        empty="There is no mail in these paths.",
    )
    lost.end()


@app.command()
def threads(
    paths: Paths,
    as_filed: Annotated[
        bool,
        typer.Option(
            "--as-filed",
            help="Leave out addresses of people in old In-Reply-To fields, as filing does.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Join mail into threads by all its ids, over all accounts together.

    For comparison with labelled mail: everything in brackets counts as an id.
    """
    from inbox.cli.parsed import thread_rows

    lost = _Unreadable()
    rows = thread_rows(_mails(_there(paths), lost), as_filed=as_filed)
    if json:
        output.json_lines(rows)
        lost.end()
        return
    output.table(
        ("thread", "message-id", "path", "#"),
        ((row["thread"], row["message_id"] or "", row["path"], row["index"]) for row in rows),
        empty="There is no mail in these paths.",
    )
    lost.end()


def _there(paths: Sequence[Path]) -> list[Path]:
    from inbox.mail.mbox import name_of

    for path in paths:
        if not path.exists():
            raise AboardError(f"{name_of(path)}: there is no such file or folder")
    return list(paths)


class _Unreadable:
    """Files that cannot be read are named as they are met, and end the command with exit code 1
    when everything else is done."""

    def __init__(self) -> None:
        self._count = 0

    def note(self, error: AboardError) -> None:
        self._count += 1
        output.error(f"aboard: {error}")

    def end(self) -> None:
        if self._count:
            files = "1 file" if self._count == 1 else f"{self._count} files"
            raise AboardError(f"{files} could not be read; the others are done")


def _mails(paths: Sequence[Path], lost: _Unreadable) -> Iterator[tuple[Path, int, bytes]]:
    from inbox.mail.mbox import messages_at, total_bytes

    with output.progress("reading", total_bytes(paths)) as advance:
        for path in paths:
            for found, index, raw in messages_at(path, lost.note):
                yield found, index, raw
                advance(len(raw))


@quarantine.command("list")
def quarantine_list(
    limit: Annotated[int, typer.Option(min=1, max=output.MOST_ROWS)] = 100, json: Json = False
) -> None:
    """List quarantined mail, oldest first."""
    from inbox.flow.evidence.doctor import delivery_json
    from inbox.store import ledger

    with opening.database() as (_, db), db.read() as conn:
        rows = ledger.quarantined(conn, limit=limit)
    if json:
        output.json_lines(delivery_json(row) for row in rows)
        return
    first = {row.sha256: row.id for row in reversed(rows)}
    output.table(
        ("ledger", "accepted", "cause", "size", "envelope from", "detail"),
        (
            (
                row.id,
                f"{row.accepted_at:%Y-%m-%d %H:%M}",
                row.cause or "",
                row.size,
                row.reverse_path or "",
                (row.detail or "").strip().rpartition("\n")[2][:120]
                if first[row.sha256] == row.id
                else f"the same mail as {first[row.sha256]}, delivered again",
            )
            for row in rows
        ),
        empty="The quarantine is empty.",
    )


@quarantine.command("show")
def quarantine_show(
    ledger_number: Annotated[str, typer.Argument(metavar="LEDGER")],
    raw: Annotated[
        bool, typer.Option("--raw", help="Write the raw mail to standard output.")
    ] = False,
    json: Json = False,
) -> None:
    """Show one accepted mail: cause, detail, envelope; or its raw bytes."""
    import sys

    from inbox.flow.evidence.doctor import delivery_json
    from inbox.store import ledger

    with opening.database() as (_, db), db.read() as conn:
        row = ledger.by_id(conn, opening.number(ledger_number, "ledger number"))
        content = ledger.raw_bytes(conn, row.raw_id) if raw else b""
    if raw:
        sys.stdout.buffer.write(content)
    elif json:
        output.as_json(delivery_json(row))
    else:
        _show(row)


def _show(row: LedgerRow) -> None:
    facts: dict[str, Any] = {
        "ledger": row.id,
        "state": row.state,
        "cause": row.cause or "-",
        "accepted": f"{row.accepted_at:%Y-%m-%d %H:%M:%S} UTC by {row.source}, {row.peer or '-'}",
        "envelope": f"{row.reverse_path or '<>'} to {', '.join(row.forward_paths) or '-'}",
        "size": f"{row.size} bytes, sha256 {row.sha256}",
        "attempts": row.attempts,
    }
    for name, value in facts.items():
        output.line(f"{name:>9}  {value}")
    if row.detail:
        output.line()
        output.line(row.detail.rstrip())


@quarantine.command()
def retry(
    ledger_numbers: Annotated[list[str] | None, typer.Argument(metavar="[LEDGER...]")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every quarantined mail.")] = False,
    json: Json = False,
) -> None:
    """File quarantined mail again, for example after an upgrade."""
    from inbox.ingest import retry_quarantined

    if bool(ledger_numbers) == everything:
        raise AboardError("give ledger numbers, or --all")
    chosen = [opening.number(one, "ledger number") for one in ledger_numbers or ()]
    with opening.working() as (settings, db):
        done = retry_quarantined(db, settings, None if everything else chosen)
    if json:
        output.as_json(done.as_json())
    else:
        output.line(
            f"{done.accepted} tried again: {done.filed} filed, {done.quarantined} quarantined"
        )
    _say_put_off(done)
