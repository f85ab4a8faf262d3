"""`aboard search` and `aboard report`: what the pages of the same names show, for scripts."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from inbox.cli import opening, output
from inbox.cli.main import app
from inbox.errors import AboardError

if TYPE_CHECKING:
    from inbox.store.asking import Asked, Known
    from inbox.store.database import Conn
    from inbox.store.finding import Eyes
    from inbox.store.seers import Seer
    from inbox.store.threads import ThreadRow

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
By = Annotated[str, typer.Option("--by", help="Look with this person's eyes: a handle.")]
MOST_DAYS = 3650


def known(conn: Conn) -> Known:
    """What the search language checks values against."""
    from inbox.store import people
    from inbox.store.asking import Known

    handles = tuple(one.handle for one in people.everybody(conn).values())
    return Known(people.team_names(conn), handles)


def seer(conn: Conn, handle: str) -> Seer | None:
    """Whose eyes a command looks with; everybody's where no handle is given."""
    from inbox.store import people
    from inbox.store.seers import Seer

    if not handle:
        return None
    person = people.by_handle(conn, handle)
    mine = (one for one in people.team_names(conn) if handle in people.members(conn, one))
    return Seer(person.id, person.handle, person.role, frozenset(mine))


def asked_of(conn: Conn, query: str) -> Asked:
    """The terms of a query; what is not understood is said on standard error."""
    from inbox.store import asking

    asked = asking.read(query, known(conn))
    for said in asked.said:
        output.error(said)
    return asked


def listed(conn: Conn, view: str, query: str, by: str, limit: int) -> tuple[ThreadRow, ...]:
    """Threads of a view of the house, narrowed by a query. Raises `NotFound` for another view."""
    from inbox.clock import utc_now
    from inbox.errors import NotFound
    from inbox.store import views
    from inbox.store.finding import Eyes

    house = {one.name: one for one in views.HOUSE}
    if view not in house:
        raise NotFound(f"there is no view {view!r}; there are {', '.join(house)}")
    if view in ("mine", "team") and not by:
        raise AboardError(f"whose? `--view {view}` needs --by with a handle")
    asked = asked_of(conn, f"{house[view].query} {query}")
    eyes = Eyes(seer(conn, by), utc_now())
    found = views.listing(conn, views.Wanted(asked, eyes, house[view].sort, limit=limit))
    _say_cut(found.cut)
    return found.rows


def _say_cut(cut: bool) -> None:
    from inbox.store.finding import MOST

    if cut:
        output.error(
            f"only the newest {MOST:,} mails and {MOST:,} notes that hold a word were looked at;"
            " older ones may be missing"
        )


@app.command()
def search(
    query: Annotated[
        str, typer.Argument(help="As in `invoice from:ana is:open after:2026-11-01`.")
    ],
    by: By = "",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 30,
    json: Json = False,
) -> None:
    """Find mails and notes by words, or threads by conditions; the newest first."""
    from inbox.cli import shapes
    from inbox.clock import utc_now
    from inbox.store import finding, notes, pages
    from inbox.store.finding import Eyes

    with opening.database() as (_, db), db.read() as conn:
        asked = asked_of(conn, query)
        if not asked.terms:
            raise AboardError("look for what? give words or conditions (`is:open`)")
        eyes = Eyes(seer(conn, by), utc_now())
        if not asked.is_for_mails:
            _threads(conn, asked, eyes, limit, json)
            return
        everything = finding.mails(conn, asked, eyes)
        _say_cut(everything.cut and len(everything.places) < limit)
        places = everything.places[:limit]
        mails = {
            one.message_id: one
            for one in pages.hits(
                conn, [one.message_id for one in places if one.message_id], eyes.seer
            )
        }
        written = notes.hits(conn, [one.event_id for one in places if one.event_id], eyes.seer)
    found = [
        (one, mails[one.message_id] if one.message_id else written[one.event_id or 0])
        for one in places
        if one.message_id in mails or one.event_id in written
    ]
    if json:
        output.json_lines(shapes.hit(place, hit) for place, hit in found)
        return
    output.table(
        ("thread", "when", "account", "subject", "status"),
        (
            (
                place.thread_id,
                f"{place.at:%Y-%m-%d %H:%M}",
                hit.account_name,
                hit.subject or "(no subject)",
                hit.status,
            )
            for place, hit in found
        ),
        empty="Nothing holds these words.",
    )


def _threads(conn: Conn, asked: Asked, eyes: Eyes, limit: int, json: bool) -> None:
    from inbox.cli import shapes
    from inbox.store import views

    found = views.listing(conn, views.Wanted(asked, eyes, limit=limit))
    _say_cut(found.cut)
    if json:
        output.json_lines(shapes.thread_row(row) for row in found.rows)
    else:
        table(found.rows)


def table(rows: Iterable[ThreadRow]) -> None:
    """Threads as people read them in a terminal."""
    output.table(
        ("id", "account", "subject", "team", "accountable", "status", "mails", "last"),
        (
            (
                row.thread.id,
                row.account_name,
                row.thread.subject or "(no subject)",
                row.thread.team,
                row.accountable,
                row.thread.status,
                row.thread.messages,
                f"{row.thread.last_message_at:%Y-%m-%d %H:%M}",
            )
            for row in rows
        ),
        empty="No threads: mail the onboarding address, or `aboard mail ingest PATH`.",
    )


@app.command()
def report(
    name: Annotated[
        str,
        typer.Argument(
            help="volume, first-response, attainment, routing, reassignments or backlog."
        ),
    ],
    group: Annotated[str, typer.Option("--group", help="team, person, account or stage.")] = "team",
    days: Annotated[int, typer.Option(min=1, max=MOST_DAYS)] = 30,
    by: By = "",
    csv: Annotated[bool, typer.Option("--csv", help="Every fact with its thread, as CSV.")] = False,
    json: Json = False,
) -> None:
    """Figures of a report; with --csv every fact behind them."""
    from inbox.clock import utc_now
    from inbox.store import reports
    from inbox.store.finding import Eyes

    one = reports.named(name)
    if group not in reports.BY:
        raise AboardError(f"--group {group!r}: it is one of {', '.join(reports.BY)}")
    now = utc_now()
    midnight = datetime.combine(now.date(), datetime.min.time(), UTC) + timedelta(days=1)
    since = midnight - timedelta(days=days) if one.dated else datetime(1970, 1, 1, tzinfo=UTC)
    with opening.database() as (_, db), db.read() as conn:
        asking = reports.Asking(name, group, since, midnight, Eyes(seer(conn, by), now))
        if csv:
            for line in reports.csv_lines(reports.rows(conn, asking)):
                sys.stdout.write(line)
            return
        cells = reports.cells(conn, asking)
        keys = sorted({cell.key for cell in cells})
        names = reports.account_names(conn, keys) if group == "account" else {}
    if json:
        output.json_lines(
            {"report": name, "by": group, "key": cell.key, "name": names.get(cell.key, cell.key)}
            | {"part": cell.part, "count": cell.count}
            for cell in sorted(cells, key=lambda cell: (cell.key, cell.part))
        )
        return
    counts = {(cell.key, cell.part): cell.count for cell in cells}
    output.table(
        (group, *one.parts),
        (
            (names.get(key, key), *(counts.get((key, part), 0) for part in one.parts))
            for key in sorted(keys, key=lambda key: names.get(key, key))
        ),
        empty="Nothing of this kind happened in these days.",
    )
