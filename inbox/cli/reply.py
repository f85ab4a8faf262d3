"""`aboard reply`: answer on a thread, with who would get it shown first."""

from __future__ import annotations

import mimetypes
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inbox.cli import opening, output
from inbox.clock import iso, utc_now
from inbox.errors import AboardError

if TYPE_CHECKING:
    from inbox.flow.people.audience import Audience
    from inbox.flow.working.reply import Planned
    from inbox.mail.writing import File

app = typer.Typer()


@app.command()
def reply(
    thread: Annotated[str, typer.Argument(metavar="THREAD")],
    text: Annotated[str, typer.Option(help="A file with the text; - for standard input.")] = "-",
    by: Annotated[str, typer.Option(help="Handle of who answers.")] = "",
    message: Annotated[str, typer.Option(help="The message that it answers.")] = "",
    everybody: Annotated[
        bool, typer.Option("--all", help="Also to those who got that message beside us.")
    ] = False,
    to: Annotated[list[str] | None, typer.Option(help="To these instead of the author.")] = None,
    cc: Annotated[list[str] | None, typer.Option(help="To these, too.")] = None,
    at: Annotated[
        str, typer.Option(help="Send at this instant (ISO 8601), unless they answer before.")
    ] = "",
    seen: Annotated[
        str, typer.Option(help="The newest message you have read: nothing newer may be there.")
    ] = "",
    attach: Annotated[
        list[Path] | None, typer.Option(help="A file that goes along; may be repeated.")
    ] = None,
    rich: Annotated[bool, typer.Option("--rich", help="Also as HTML, made from the text.")] = False,
    anyway: Annotated[bool, typer.Option("--anyway", help="Although something newer is.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show it.")] = False,
    json: Annotated[bool, typer.Option("--json", help="JSON instead of lines.")] = False,
) -> None:
    """Answer on a thread: shows who gets it, then puts it into the outbox for the undo window."""
    from inbox.flow.leaving.compose import open_post
    from inbox.flow.people.audience import Asked
    from inbox.flow.promises.sla import after_deed
    from inbox.flow.working import reply as flow

    if not by:
        raise AboardError("--by HANDLE says who answers")
    now = utc_now()
    wish = flow.Wish(
        thread_id=opening.number(thread, "thread"),
        by=by,
        text=_read(text),
        asked=Asked(everybody, tuple(to or ()), tuple(cc or ())),
        answers_id=opening.number(message, "message") if message else None,
        seen_id=opening.number(seen, "message") if seen else None,
        anyway=anyway,
        at=_instant(at),
        files=tuple(_file(one) for one in attach or ()),
        rich=rich,
    )
    with opening.working() as (settings, db):
        from inbox.app import files_in_force

        post = open_post(db, settings, now)
        if dry_run:
            with db.read() as conn:
                planned = flow.plan(conn, wish, post)
            _show(planned, None, json)
            return
        done = flow.reply(db, wish, post, now, after_deed(lambda: files_in_force(db)))
    _show(done.planned, done, json)


def _read(source: str) -> str:
    try:
        return sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except OSError as error:
        hint = "give a file with the text, or - for standard input"
        raise AboardError(f"--text {source}: {error.strerror or error} ({hint})") from error
    except UnicodeDecodeError as error:
        raise AboardError(f"--text {source}: it is no UTF-8 text") from error


def _file(path: Path) -> File:
    """A file of the disk as it goes along. Raises `AboardError`."""
    from inbox.flow.working.drafts import MOST_FILE
    from inbox.mail.writing import File

    try:
        content = path.read_bytes()
    except OSError as error:
        raise AboardError(f"--attach {path}: {error.strerror or error}") from error
    if len(content) > MOST_FILE:
        raise AboardError(f"--attach {path}: {len(content):,} bytes; {MOST_FILE:,} fit")
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return File(path.name, kind, content)


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise AboardError(
            f"--at {text!r}: give an instant such as 2026-11-02T09:00+01:00"
        ) from None
    if instant.tzinfo is None:
        raise AboardError(f"--at {text!r}: say in which zone, for instance {text}+01:00")
    return instant


def planned_json(planned: Planned) -> dict[str, Any]:
    """The JSON shape of a reply as it would leave."""
    who = planned.audience
    return {
        "thread_id": str(planned.thread.id),
        "answers_id": str(planned.answers.id),
        "from": {"name": planned.draft.from_name, "address": planned.draft.mailbox},
        "subject": planned.draft.subject,
        "to": [one.address for one in who.to],
        "cc": [one.address for one in who.cc],
        "added": list(who.added),
        "missing": list(who.missing),
        "left_out": list(who.left_out),
        "warnings": list(who.warnings),
        "newer": list(planned.newer),
        "text": planned.draft.text,
    }


def _show(planned: Planned, done: Any, json: bool) -> None:
    if json:
        shape = planned_json(planned)
        if done is not None:
            shape |= {"item": str(done.item_id), "run_after": iso(done.run_after)}
            shape["held"] = done.held
        output.as_json(shape)
        return
    output.line(f"answers message {planned.answers.id}, as {planned.draft.from_name}")
    for one in _difference(planned.audience):
        output.line(one)
    for one in planned.newer:
        output.line(f"! {one}")
    if done is None:
        output.line()
        output.line(planned.draft.text.rstrip())
    elif done.held:
        output.line(f"held as outbox item {done.item_id}: no smarthost is configured")
    else:
        output.line(
            f"outbox item {done.item_id} leaves at {done.run_after:%Y-%m-%d %H:%M:%S} UTC;"
            f" `aboard outbox cancel {done.item_id}` undoes it"
        )


def _difference(who: Audience) -> list[str]:
    """Who gets it: + for those added against the answered message, - for those who do not."""
    lines = []
    for name, listed in (("to", who.to), ("cc", who.cc)):
        for one in listed:
            mark = "+" if one.address in who.added else " "
            lines.append(f"{mark} {name} {one.address}")
    for address in who.missing:
        why = " (only that mail names them; --cc adds them)" if address in who.left_out else ""
        lines.append(f"-    {address}{why}")
    return lines + [f"! {one}" for one in who.warnings]
