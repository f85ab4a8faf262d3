"""`aboard rules` over stored mail: replay, coverage, shadow, suggest, show, activate."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inbox.cli import opening, output
from inbox.cli.rules import Json, app, good_rules
from inbox.errors import AboardError, NotFound
from routing.problems import errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inbox.config import Settings
    from inbox.flow.active import AdminFiles
    from inbox.flow.evidence.coverage import RulesPage, Shadow
    from inbox.flow.evidence.replay import Replayed
    from inbox.store.database import Conn
    from routing.problems import Problem
    from routing.ruleset import Ruleset

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
Since = Annotated[
    str, typer.Option("--since", metavar="WINDOW", help="30d, 12h, 2w, 2026-11-01 or `all`.")
]


def instant(text: str, now: datetime) -> datetime:
    """When a window such as `30d`, `12h`, `2w`, a date or `all` begins."""
    if text == "all":
        return datetime(1970, 1, 1, tzinfo=UTC)
    found = re.fullmatch(r"(\d{1,5})([hdw])", text)
    if found:
        return now - timedelta(**{_UNITS[found[2]]: int(found[1])})
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise AboardError(f"--since {text!r}: write 30d, 12h, 2w, 2026-11-01 or all") from None
    return given if given.tzinfo is not None else given.replace(tzinfo=UTC)


@app.command()
def replay(
    rules: Annotated[Path, typer.Option("--rules", help="The rules to try on stored threads.")],
    since: Since = "30d",
    fail_above: Annotated[
        int | None, typer.Option("--fail-above", min=0, help="Exit 1 if more threads would move.")
    ] = None,
    against: Annotated[
        str,
        typer.Option(help="What to compare with: `recorded` decisions, or the rules in `force`."),
    ] = "recorded",
    json: Json = False,
) -> None:
    """Show which stored threads other rules would have sent elsewhere; changes nothing."""
    from inbox.clock import utc_now
    from inbox.flow.evidence import replay as flow
    from inbox.store import assignments

    if against not in ("recorded", "force"):
        raise AboardError(f"--against {against!r}: give `recorded` or `force`")
    start = instant(since, utc_now())
    with opening.database() as (_, db), db.read() as conn:
        ruleset = _new_rules(rules, conn)
        kept = _in_force(conn).ruleset if against == "force" else None
        total = assignments.count_first(conn, start)
        with output.progress("replaying", total) as advance:
            found = flow.replay(conn, ruleset, start, against=kept, advance=advance)
    if json:
        output.as_json(found.as_json())
    else:
        _show_moves(found)
    if fail_above is not None and len(found.moved) > fail_above:
        output.error(f"{len(found.moved)} threads would move, more than {fail_above}")
        raise typer.Exit(1)


def _new_rules(path: Path, conn: Conn) -> Ruleset:
    """The rules at a path; lists that are not beside them are those in force."""
    from inbox.flow.admin.admin_files import LISTS, read_path
    from inbox.store import sets

    disk = read_path(path)
    texts = dict(disk.texts)
    for kind in LISTS:
        active = sets.active(conn, kind)
        if not texts[kind] and active is not None:
            texts[kind] = active.files
    return good_rules(replace(disk, texts=texts))


def _show_moves(found: Replayed) -> None:
    from inbox.flow.evidence.replay import SHOWN_IDS

    rows = []
    for old, new, moves in found.pairs():
        ids = ", ".join(str(one.thread_id) for one in moves[:SHOWN_IDS])
        more = f" and {len(moves) - SHOWN_IDS} more" if len(moves) > SHOWN_IDS else ""
        held = sum(one.held_by_person for one in moves)
        rows.append((f"{old} -> {new}", len(moves), held or "", f"{ids}{more}"))
    output.table(
        ("move", "threads", "decided by people since", "thread ids"),
        rows,
        empty="No thread would move.",
    )
    changed = ", ".join(f"{count} {name}" for name, count in found.changed.items() if count)
    stay = found.threads - len(found.moved)
    output.line(
        f"{found.threads} threads: {len(found.moved)} would move, {stay} would stay"
        + (f" (of these with another value: {changed})" if changed else "")
    )


@app.command()
def coverage(since: Since = "30d", json: Json = False) -> None:
    """Show for every rule its hits, its last hit, and how often people overruled it."""
    page = _page(since)
    if json:
        output.as_json(page.as_json())
        return
    output.table(
        ("rule", "team", "hits", "decided", "overruled", "last hit", "tests"),
        (
            (
                one.rule.name,
                one.rule.actions.team or "-",
                one.hits,
                one.decided,
                "-" if one.override_share is None else f"{one.override_share:.0%}",
                f"{one.last_hit_at:%Y-%m-%d %H:%M}" if one.last_hit_at else "never",
                len(one.rule.cases),
            )
            for one in page.rules
        ),
        empty="There are no rules.",
    )
    if page.never:
        output.line(f"never hit: {', '.join(page.never)}")
    for name, count in page.gone.items():
        output.line(f"no longer in the set: {name}, {count} hits")
    if page.shadow is not None:
        output.line(_shadow_line(page.shadow))


@app.command()
def shadow(json: Json = False) -> None:
    """Show where the rules in shadow mode (files.shadow_rules) would decide otherwise."""
    from inbox.flow.evidence.coverage import shadow_counts
    from inbox.store import sets

    with opening.database() as (settings, db), db.read() as conn:
        found = shadow_counts(conn)
        refused = sets.refused(conn, "shadow")
        at = sets.refused_at(conn, "shadow")
    if found is not None and json:
        output.as_json(found.as_json())
        return
    for problem in refused:
        output.error(str(problem))
    if found is None:
        raise NotFound(f"no rules are in shadow mode: {_why_none(settings, refused, at)}")
    if refused and at is not None:
        output.error(f"newer shadow rules were refused at {_minute(at)}; those below stay")
    output.table(
        ("threads", "live", "by", "shadow", "by", "last", "last message"),
        (
            (
                one.count,
                one.live_team,
                one.live_rule or "-",
                one.shadow_team,
                one.shadow_rule or "-",
                f"{one.last_at:%Y-%m-%d %H:%M}",
                one.last_message_id,
            )
            for one in found.differences
        ),
        empty="The rules in shadow mode agree with the live ones so far.",
    )
    output.line(_shadow_line(found))


def _why_none(settings: Settings, refused: Sequence[Problem], at: datetime | None) -> str:
    folder = settings.files.shadow_rules
    if folder is None:
        return "set files.shadow_rules in the configuration to a second folder of rules"
    if refused:
        when = f" at {_minute(at)}" if at is not None else ""
        return f"those in {folder} were refused{when}: mend them (`aboard rules check {folder}`)"
    return f"`aboard rules activate` puts those in {folder} beside the live ones"


def _minute(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"


def _shadow_line(found: Shadow) -> str:
    return (
        f"shadow ruleset {found.hash[:12]} since {found.since:%Y-%m-%d %H:%M}:"
        f" {found.different} of {found.compared} decisions differ"
    )


@app.command()
def suggest(since: Since = "90d", json: Json = False) -> None:
    """Propose rules, as patches, from what people reassigned by hand."""
    from inbox.clock import utc_now
    from inbox.flow.evidence.suggestions import proposals

    with opening.database() as (settings, db), db.read() as conn:
        found = proposals(conn, instant(since, utc_now()))
    if json:
        output.json_lines(one.as_json() for one in found)
        return
    folder, seen_from = _as_seen(settings.path(settings.files.rules).resolve())
    if found and seen_from != Path.cwd():
        output.error(f"apply these patches in {seen_from}")
    for one in found:
        suggestion = one.suggestion
        output.error(
            f"{suggestion.name}: {suggestion.moves} threads were moved to {suggestion.to_team},"
            f" {suggestion.against} such threads stayed elsewhere"
        )
        for objection in one.objections:
            output.error(f"  would not load as it is: {objection}")
        output.line(one.patch(folder).rstrip("\n"))
    if not found:
        output.line("No rule can be proposed: people have not moved enough threads alike.")


def _as_seen(rules: Path) -> tuple[Path, Path]:
    """(the folder of rules as seen from there, where patches are to be applied): the current
    folder where the rules are below it, else the one that holds them."""
    here = Path.cwd()
    base = here if rules.is_relative_to(here) else rules.parent
    return rules.relative_to(base), base


@app.command()
def show(json: Json = False) -> None:
    """Show the rules in force, in the order in which they are asked."""
    page = _page("30d")
    if json:
        output.as_json(page.as_json())
        return
    output.table(
        ("#", "rule", "on", "team", "stops", "hits (30 days)", "file"),
        (
            (
                number,
                one.rule.name,
                ", ".join(one.rule.events),
                one.rule.actions.team or "-",
                "yes" if one.rule.stop else "no",
                one.hits,
                f"{Path(one.rule.file).name}:{one.rule.line}",
            )
            for number, one in enumerate(page.rules, 1)
        ),
        empty="There are no rules.",
    )
    output.line(
        f"ruleset {page.hash[:12]}, in force since {_minute(page.activated_at)},"
        f" {page.tests} tests; fallback: {page.fallback.team}"
    )
    if page.refused_at is not None:
        output.error(f"the last load, at {_minute(page.refused_at)}, was refused")
    for problem in page.problems:
        place = str(problem["file"]) + (f":{problem['line']}" if problem["line"] else "")
        output.error(f"newer files were refused: {place}: {problem['code']}: {problem['message']}")


@app.command()
def activate() -> None:
    """Put the admin's files in force now, as `serve` does; a bad set leaves what was."""
    from inbox.app import put_in_force
    from inbox.store import sets

    with opening.database() as (settings, db):
        problems = put_in_force(db, settings)
        with db.read() as conn:
            files = _in_force(conn)
            live, beside = sets.refused(conn, "rules"), sets.refused(conn, "shadow")
    for one in problems:
        output.error(one.framed())
    what = "what was in force stays" if live else "in force"
    output.line(f"{what}: {_named(files.ruleset)}")
    if beside:
        stays = f"{_named(files.shadow)} stays" if files.shadow else "none run"
        output.line(f"the shadow rules were refused; in shadow mode: {stays}")
    elif files.shadow is not None:
        output.line(f"in shadow mode: {_named(files.shadow)}")
    if errors(problems):
        raise typer.Exit(1)


def _named(ruleset: Ruleset) -> str:
    return f"ruleset {ruleset.hash[:12]}, {len(ruleset.rules)} rules"


def _in_force(conn: Conn) -> AdminFiles:
    from inbox.flow import active

    files = active.in_force(conn)
    if files is None:
        raise NotFound(NOTHING)
    return files


NOTHING = "no rules are in force yet: `aboard rules activate` puts them in force"


def _page(since: str) -> RulesPage:
    from inbox.clock import utc_now
    from inbox.flow.evidence.coverage import rules_page

    with opening.database() as (_, db):
        page = rules_page(db, instant(since, utc_now()))
    if page is None:
        raise NotFound(NOTHING)
    return page
