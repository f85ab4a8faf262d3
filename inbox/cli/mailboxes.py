"""`aboard mail mailboxes` and `aboard mail reconcile`: mailboxes on IMAP servers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from inbox.cli import opening, output
from inbox.errors import AboardError, ConfigError, MailboxError
from routing.problems import Problem

if TYPE_CHECKING:
    from inbox.config import Settings
    from inbox.flow.intake.reconcile import Compared
    from inbox.imap_settings import Polled
    from inbox.net.imap import Remote
    from inbox.store.database import Database

Json = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]


def add_to(app: typer.Typer) -> None:
    """Give `aboard mail` these commands."""
    app.command("mailboxes")(mailboxes)
    app.command("reconcile")(reconcile)


def mailboxes(json: Json = False) -> None:
    """List the mailboxes that mail is fetched from: how far, by whom, how it goes."""
    from inbox.clock import utc_now
    from inbox.flow.intake.mailbox_state import as_json, states

    with opening.database() as (settings, db):
        now = db.now(utc_now)
        with db.read() as conn:
            found = states(conn, settings.imap.mailboxes)
    if json:
        output.json_lines(as_json(one, now) for one in found)
        return
    output.table(
        ("mailbox", "folder", "state", "up to UID", "accepted", "left", "first pass", "last ok"),
        (
            (
                one.box.name,
                folder.name,
                one.word(now),
                folder.at.last_uid if folder.at else "-",
                folder.outcomes.get("accepted", 0),
                folder.left,
                f"{folder.first_pass:.0%}",
                f"{one.health.last_ok_at:%Y-%m-%d %H:%M}"
                if one.health and one.health.last_ok_at
                else "-",
            )
            for one in found
            for folder in one.folders
        ),
        empty="No mailbox is polled: the section imap of the configuration names none.",
    )
    for one in found:
        if one.health is not None and one.health.error:
            output.line(f"{one.box.name}: {one.health.error}")
        for folder in one.folders:
            if folder.unmoved:
                count, why = folder.unmoved
                output.line(f"{one.box.name}/{folder.name}: {count} not moved away: {why}")


def reconcile(
    mailbox: Annotated[str, typer.Option(help="Only this mailbox.")] = "", json: Json = False
) -> None:
    """Compare what the servers hold with what is on record; name what is not. 1 if there is any.

    A running node fetches what is missing within a minute of this.
    """
    with opening.database() as (settings, db):
        boxes = chosen(settings, mailbox)
        found, troubles = _compared(settings, db, boxes)
        if any(one.unaccounted for one in found):
            _ask_pollers(db, found)
    if json:
        output.json_lines(one.as_json() for one in found)
    else:
        _show(found)
    for trouble in troubles:
        output.error(f"aboard: {trouble}")
    if troubles or any(one.unaccounted for one in found):
        raise typer.Exit(1)


def chosen(settings: Settings, name: str) -> tuple[Polled, ...]:
    """The mailbox of this name, or all. Raises `AboardError`."""
    boxes = settings.imap.mailboxes
    if not name:
        return boxes
    found = tuple(one for one in boxes if one.name == name)
    if not found:
        known = ", ".join(one.name for one in boxes) or "none"
        raise AboardError(f"there is no mailbox {name!r} in the section imap; there is {known}")
    return found


def connections(settings: Settings, boxes: Sequence[Polled]) -> Iterator[tuple[Polled, Remote]]:
    """A connection to each of these mailboxes, to be entered by who takes it."""
    from inbox.net.imap import Remote, Waits
    from inbox.net.imap_line import Watchdog

    with Watchdog() as watchdog:
        for box in boxes:
            yield box, Remote(box, Waits(call=float(settings.imap.call_seconds)), watchdog)


def tried(settings: Settings) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """Sign in to every mailbox and open its folders; (what was found, what is wrong)."""
    facts: dict[str, str] = {}
    problems: list[Problem] = []
    for box, remote in connections(settings, settings.imap.mailboxes):
        try:
            with remote:
                there = [f"{name} ({len(_uids(remote, name))} mails)" for name in box.folders]
                if box.move_to:
                    remote.open(box.move_to)
            facts[f"mailbox {box.name}"] = f"signed in; {', '.join(there)}"
        except ConfigError as error:
            problems += error.problems
        except MailboxError as error:
            where = f"imap.mailboxes {box.name}"
            problems.append(Problem(where, 0, 0, error.cause, str(error)))
    return facts, tuple(problems)


def _uids(remote: Remote, folder: str) -> tuple[int, ...]:
    remote.open(folder)
    return remote.uids(0)


def _compared(
    settings: Settings, db: Database, boxes: Sequence[Polled]
) -> tuple[list[Compared], list[AboardError]]:
    from inbox.flow.intake.reconcile import compare

    found: list[Compared] = []
    troubles: list[AboardError] = []
    with output.progress("comparing", sum(len(one.folders) for one in boxes)) as advance:
        for box, remote in connections(settings, boxes):
            try:
                with remote:
                    for folder in box.folders:
                        found.append(compare(db, remote, box, folder))
                        advance(1)
            except (ConfigError, MailboxError) as error:
                troubles.append(error)
    return found, troubles


def _ask_pollers(db: Database, found: Sequence[Compared]) -> None:
    from inbox.store import mailboxes

    with db.write() as conn:
        for one in found:
            known = mailboxes.folder_of(conn, one.mailbox, one.folder)
            if known is not None and one.unaccounted:
                mailboxes.reconcile_soon(conn, known.id)


def _show(found: Sequence[Compared]) -> None:
    output.table(
        ("mailbox", "folder", "on server", "accounted", "waiting", "unaccounted", "left"),
        (
            (
                one.mailbox,
                one.folder,
                one.on_server,
                one.accounted,
                len(one.waiting),
                len(one.unaccounted),
                len(one.left),
            )
            for one in found
        ),
        empty="No mailbox is polled: the section imap of the configuration names none.",
    )
    for one in found:
        for uid in one.unaccounted:
            output.line(f"{one.mailbox}/{one.folder}: UID {uid} is on the server and on no record")
        for left in one.left:
            why = left.detail or left.outcome
            output.line(f"{one.mailbox}/{one.folder}: UID {left.uid} is on the server only: {why}")
