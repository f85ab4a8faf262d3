"""`aboard sla`: check policies, explain deadlines, try a change on history, list what is due."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inbox.cli import opening, output
from inbox.cli.rules_past import Since, instant
from inbox.errors import AboardError, ConfigError
from routing.problems import Problem, errors

if TYPE_CHECKING:
    from inbox.flow.promises.sla import Clocks
    from inbox.flow.promises.sla_look import Outcome, Replayed
    from inbox.store.database import Conn
    from routing.sla import SlaSet

app = typer.Typer(help="Check policies and explain deadlines.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
SHOWN = 20


def _load(path: Path | None) -> tuple[SlaSet | None, tuple[Problem, ...]]:
    """The policies at a path, with teams, stages and calendars beside it, else the configured."""
    from inbox.flow.admin.admin_files import read_disk, read_sla_path
    from inbox.flow.admin.proof import read_lists

    disk = read_disk(opening.settings()) if path is None else read_sla_path(path)
    lists, problems = read_lists(disk)
    files = set(disk.texts["sla"])
    if path is None:
        found = [one for one in (*disk.problems, *problems) if one.file in files]
    else:
        found = [*disk.problems, *problems]
    return lists.sla, tuple(sorted(found))


@app.command()
def check(
    path: Annotated[
        Path | None, typer.Argument(metavar="[PATH]", help="An SLA file (default: yours).")
    ] = None,
    json: Json = False,
) -> None:
    """Report every problem of the policies in one run, as file:line:column: code: sentence."""
    sla, problems = _load(path)
    wrong = len(errors(problems))
    if json:
        output.as_json(
            {
                "policies": list(sla.names) if sla else None,
                "policy_set": sla.hash if sla else None,
                "errors": wrong,
                "warnings": len(problems) - wrong,
                "problems": [one.as_json() for one in problems],
            }
        )
    else:
        for one in problems:
            output.line(one.framed())
        if sla is not None:
            output.line(f"{len(sla.policies)} policies are good (set {sla.hash[:12]})")
        else:
            output.line(f"{wrong} problem{'' if wrong == 1 else 's'}")
    if wrong or sla is None:
        raise typer.Exit(1)


def _clocks(conn: Conn, sla: SlaSet | None = None) -> Clocks:
    """The promises in force, or with `sla` those of that set. Raises `AboardError`."""
    from inbox.flow.admin.stored_sets import in_force
    from inbox.flow.promises.sla import Clocks, clocks_of

    files = in_force(conn)
    clocks = None if files is None else clocks_of(files)
    if clocks is None:
        raise AboardError("no policies are in force yet; `aboard serve` puts yours in force")
    return clocks if sla is None else Clocks(sla, clocks.hours)


@app.command()
def why(thread: Annotated[str, typer.Argument(metavar="THREAD")], json: Json = False) -> None:
    """Print the arithmetic of every deadline of a thread, and the steps of its ladders."""
    from inbox.clock import utc_now
    from inbox.flow.promises import sla_look
    from inbox.store import threads

    with opening.database() as (_, db), db.read() as conn:
        found = threads.by_id(conn, opening.number(thread, "thread"))
        told = sla_look.why(conn, _clocks(conn), found.id, utc_now())
    if json:
        output.as_json(told.as_json())
    else:
        output.line(told.text())


@app.command()
def replay(
    policy: Annotated[Path, typer.Option("--policy", help="The SLA file to try on history.")],
    since: Since = "30d",
    json: Json = False,
) -> None:
    """Show which deadlines other policies would have set and missed; changes nothing."""
    from inbox.clock import utc_now
    from inbox.flow.promises import sla_look
    from inbox.store import targets

    sla, problems = _load(policy)
    if sla is None:
        raise ConfigError(errors(problems))
    now = utc_now()
    start = instant(since, now)
    with opening.database() as (_, db), db.read() as conn:
        clocks = _clocks(conn, sla)
        with output.progress("replaying", targets.count_recent(conn, start)) as advance:
            found = sla_look.replay(conn, clocks, start, now, advance)
    if json:
        output.as_json(found.as_json())
    else:
        _show(found)


def _show(found: Replayed) -> None:
    output.table(
        ("metric", "targets", "breached before", "breached after"),
        [
            (metric, count, found.old_breaches[metric], found.new_breaches[metric])
            for metric, count in sorted(found.targets.items())
        ],
        empty="There was nothing to promise.",
    )
    rows = [
        (one.thread_id, one.metric, _outcome(one.old), _outcome(one.new))
        for one in found.differences[:SHOWN]
    ]
    if rows:
        output.table(("thread", "metric", "before", "after"), rows, empty="")
    if len(found.differences) > SHOWN:
        output.line(f"... and {len(found.differences) - SHOWN} more (--json lists all)")
    output.line(
        f"{found.threads} threads, {sum(found.targets.values())} targets:"
        f" {len(found.differences)} would differ"
    )


def _outcome(one: Outcome) -> str:
    if not one.policy:
        return "nothing promised"
    due = _moment(one.due_at)
    return f"{one.policy}, due {due}{', breached' if one.breached else ''}"


def _moment(instant: datetime | None) -> str:
    return "never" if instant is None else f"{instant:%Y-%m-%d %H:%M}"


@app.command("list")
def list_(
    team: Annotated[str, typer.Option(help="Only threads of this team.")] = "",
    due: Annotated[bool, typer.Option("--due", help="Only what is late already.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    json: Json = False,
) -> None:
    """List what runs against a clock, the most urgent first."""
    from inbox.clock import iso, utc_now
    from inbox.store import targets

    now = utc_now()
    with opening.database() as (_, db), db.read() as conn:
        rows = targets.listing(conn, team=team, before=now if due else None, limit=limit)
    if json:
        output.json_lines(
            {
                "thread_id": str(one.target.thread_id),
                "metric": one.target.metric,
                "policy": one.target.policy,
                "due_at": None if one.target.due_at is None else iso(one.target.due_at),
                "late": one.target.due_at is not None and one.target.due_at <= now,
                "next_step": one.target.next_step,
                "next_at": None if one.target.next_at is None else iso(one.target.next_at),
                "subject": one.subject,
                "account": one.account,
                "team": one.thread_team,
                "accountable": one.accountable,
            }
            for one in rows
        )
        return
    output.table(
        ("thread", "due (UTC)", "", "metric", "policy", "team", "accountable", "subject"),
        [
            (
                one.target.thread_id,
                _moment(one.target.due_at),
                "late" if one.target.due_at is not None and one.target.due_at <= now else "",
                one.target.metric.replace("_", " "),
                one.target.policy,
                one.thread_team,
                one.accountable,
                one.subject,
            )
            for one in rows
        ],
        empty="Nothing runs against a clock.",
    )


@app.command()
def schema() -> None:
    """Print the JSON Schema of sla.yaml, with your teams, stages and templates."""
    from inbox.flow.admin.admin_files import read_disk
    from inbox.flow.admin.proof import read_lists
    from routing.sla_schema import json_schema

    disk = read_disk(opening.settings())
    lists, _ = read_lists(disk)
    output.as_json(json_schema(lists.names(disk)))
