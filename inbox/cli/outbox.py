"""`aboard outbox`: what is to leave, what left, what did not, and what a person does about it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inbox.cli import opening, output
from inbox.clock import iso, utc_now
from inbox.errors import AboardError

if TYPE_CHECKING:
    from inbox.store.outbox_desk import Item

app = typer.Typer(help="What is to leave, what left, and what did not.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
Number = Annotated[str, typer.Argument(metavar="ITEM")]


def item_json(item: Item) -> dict[str, Any]:
    """The JSON shape of an item (docs/INTERFACES.md)."""
    return {
        "id": str(item.id),
        "kind": item.kind,
        "state": item.state,
        "phase": item.phase,
        "template": item.template,
        "thread_id": _text(item.thread_id),
        "account_id": _text(item.account_id),
        "by": item.by,
        "answers_id": _text(item.answers_id),
        "message_id": _text(item.message_id),
        "mail_id": item.mail_id,
        "subject": item.subject,
        "reverse_path": item.reverse_path,
        "cancel_if_answered": item.cancel_if_answered,
        "created_at": iso(item.created_at),
        "run_after": iso(item.run_after),
        "expires_at": iso(item.expires_at),
        "settled_at": _moment(item.settled_at),
        "attempts": item.attempts,
        "cause": item.cause,
        "detail": item.detail,
        "recipients": [
            {
                "address": one.address,
                "field": one.field,
                "state": one.state,
                "code": one.code,
                "status": one.status,
                "reply": one.reply,
                "at": _moment(one.at),
            }
            for one in item.recipients
        ],
    }


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)


def _moment(value: datetime | None) -> str | None:
    return None if value is None else iso(value)


@app.command("list")
def list_items(
    state: Annotated[
        str,
        typer.Option(help="held, queued, sending, sent, failed, uncertain, cancelled, expired."),
    ] = "",
    thread: Annotated[str, typer.Option(help="Only this thread's.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=output.MOST_ROWS)] = 50,
    json: Json = False,
) -> None:
    """List items, newest first."""
    from inbox.store import outbox_desk

    thread_id = opening.number(thread, "thread") if thread else None
    with opening.database() as (_, db), db.read() as conn:
        items = outbox_desk.listing(conn, outbox_desk.Page(state or None, thread_id, limit=limit))
    if json:
        output.json_lines(item_json(one) for one in items)
        return
    output.table(
        ("item", "state", "kind", "thread", "to", "subject", "attempts", "next", "why"),
        (
            (
                one.id,
                one.state,
                one.template or one.kind,
                one.thread_id or "",
                ", ".join(each.address for each in one.recipients),
                one.subject,
                one.attempts,
                f"{one.run_after:%Y-%m-%d %H:%M}" if one.state in ("queued", "sending") else "",
                one.cause or "",
            )
            for one in items
        ),
        empty="Nothing in the outbox is like that.",
    )
    held = sum(one.state == "held" for one in items)
    if held:
        output.line(f"{held} held: `aboard outbox release ITEM` lets one leave")


@app.command()
def show(
    number: Number,
    raw: Annotated[
        bool, typer.Option("--raw", help="Write the mail's bytes to standard output.")
    ] = False,
    json: Json = False,
) -> None:
    """Show one item: envelope, recipients with what was said about them, what happens next."""
    import sys

    from inbox.store import ledger, outbox_desk

    with opening.database() as (_, db), db.read() as conn:
        item = outbox_desk.by_id(conn, opening.number(number, "outbox item"))
        content = ledger.raw_bytes(conn, item.raw_id) if raw else b""
    if raw:
        sys.stdout.buffer.write(content)
    elif json:
        output.as_json(item_json(item))
    else:
        _show(item)


def _show(item: Item) -> None:
    facts = {
        "item": f"{item.id} ({item.kind}{f', {item.template}' if item.template else ''})",
        "state": f"{item.state}{f' at {item.phase}' if item.phase else ''}",
        "subject": item.subject,
        "thread": item.thread_id or "-",
        "by": item.by or "aboard",
        "mail": item.mail_id,
        "envelope": f"from <{item.reverse_path}>",
        "put in": f"{item.created_at:%Y-%m-%d %H:%M:%S} UTC",
        "next": f"{item.run_after:%Y-%m-%d %H:%M:%S} UTC, until {item.expires_at:%Y-%m-%d %H:%M}",
        "attempts": item.attempts,
        "why": " · ".join(one for one in (item.cause, item.detail) if one) or "-",
    }
    for name, value in facts.items():
        output.line(f"{name:>9}  {value}")
    for one in item.recipients:
        said = " ".join(str(part) for part in (one.code, one.status, one.reply) if part)
        output.line(f"{one.field:>9}  {one.address}: {one.state} {said}".rstrip())


@app.command()
def release(number: Number, json: Json = False) -> None:
    """Let a held item leave; only a person does that."""
    from inbox.flow.leaving import outbox_deeds
    from inbox.flow.leaving.compose import lifetimes

    with opening.database() as (settings, db):
        if not settings.send.host:
            raise AboardError("nobody carries mail: configure `send.host` first, then release")
        item_id = opening.number(number, "outbox item")
        item = outbox_deeds.release(db, item_id, utc_now(), lifetimes(settings))
    _told(item, "leaves now", json)


@app.command()
def retry(number: Number, json: Json = False) -> None:
    """Send an item again that failed, expired or is uncertain: the same bytes, only to whom nobody
    accepted it for yet."""
    from inbox.flow.leaving import outbox_deeds
    from inbox.flow.leaving.compose import lifetimes

    with opening.database() as (settings, db):
        item_id = opening.number(number, "outbox item")
        item = outbox_deeds.retry(db, item_id, utc_now(), lifetimes(settings))
    _told(item, "is tried again now", json)


@app.command()
def cancel(number: Number, json: Json = False) -> None:
    """Keep an item from leaving; possible until its courier has begun the mail itself."""
    from inbox.flow.leaving.outbox_deeds import cancel as cancel_item
    from inbox.store import outbox_desk

    item_id = opening.number(number, "outbox item")
    with opening.database() as (_, db):
        cancel_item(db, item_id, utc_now())
        with db.read() as conn:
            item = outbox_desk.by_id(conn, item_id)
    _told(item, "does not leave", json)


@app.command("new-key")
def new_key() -> None:
    """Sign reply addresses and reverse-paths with a new secret; those already out stay good."""
    from inbox.flow.deciding.signing import rotate

    with opening.database() as (_, db):
        count = rotate(db, utc_now())
    output.line(f"a new secret signs from now on; {count} verify")


def _told(item: Item, what: str, json: bool) -> None:
    if json:
        output.as_json(item_json(item))
    else:
        output.line(f"item {item.id} {what}: {item.subject}")
