"""For admins: how this installation is set and how it is, and who did what with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import HTTPException, Request
from starlette.responses import Response

from inbox import __version__
from inbox.clock import iso
from inbox.config import effective
from inbox.flow.evidence.facts import database_facts
from inbox.store import audit_log, people, sets
from inbox.store.audit_log import Entry, Wanted
from inbox.web.context import frame, page
from inbox.web.desk import desk_of
from inbox.web.keys import number
from inbox.web.noting import note
from inbox.web.spreadsheets import spreadsheet

ROWS = 100
MOST_EXPORTED = 50_000
KINDS = (
    *("sign-in", "sign-out", "password-set", "token-given", "sessions-ended", "access-ended"),
    *("raw-mail", "attachment", "picture", "trace", "export", "quarantine-retry", "absence"),
    *("confidential-set", "confidential-lifted"),
)
"""Kinds of entries that the page filters by."""


def _flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for place, one in enumerate(value):
                yield from _flat(one, f"{above}{name}[{place}].")
        else:
            listed = ", ".join(map(str, value)) if isinstance(value, list) else value
            yield f"{above}{name}", "" if listed is None else str(listed)


def settings(request: Request) -> Response:
    """Every effective setting, secrets masked, and the state of database, files and parts."""
    site = desk_of(request).site
    facts = database_facts(site.db)
    with site.db.read() as conn:
        around = frame(conn, request)
        in_force = sets.everything_active(conn)
        refused = sets.refused(conn)
    return page(
        request,
        "settings.html",
        around,
        version=__version__,
        settings=tuple(_flat(effective(site.settings))),
        node=site.settings,
        parts=site.parts,
        facts=facts,
        in_force=in_force,
        problems=refused,
    )


def _wanted(request: Request, limit: int) -> tuple[Wanted, str, str]:
    """(what the address asks for, the kind, the handle)."""
    kind, handle = request.query_params.get("kind", ""), request.query_params.get("by", "")
    if kind and kind not in KINDS:
        raise HTTPException(400, "There is no such kind of entry.")
    person_id = None
    if handle:
        with desk_of(request).site.db.read() as conn:
            person_id = people.by_handle(conn, handle).id
    return Wanted(kind, person_id, number(request, "before"), limit), kind, handle


def audit(request: Request) -> Response:
    """The audit log, the newest first; `kind` and `by` in the address narrow it."""
    wanted, kind, handle = _wanted(request, ROWS + 1)
    with desk_of(request).site.db.read() as conn:
        around = frame(conn, request)
        found = audit_log.listing(conn, wanted)
        everybody = sorted(people.everybody(conn).values(), key=lambda one: one.name)
    return page(
        request,
        "audit.html",
        around,
        found=found[:ROWS],
        before=found[ROWS - 1].id if len(found) > ROWS else None,
        kinds=KINDS,
        kind=kind,
        by=handle,
        everybody=[one for one in everybody if one.active],
    )


def audit_csv(request: Request) -> Response:
    """The same as a file; that somebody took it is in the log, too."""
    wanted, _, _ = _wanted(request, MOST_EXPORTED)
    with desk_of(request).site.db.read() as conn:
        found = audit_log.listing(conn, wanted)
    note(request, "export", "audit log", rows=len(found))
    header = ("id", "at", "kind", "refused", "actor", "address", "subject", "data")
    return spreadsheet("audit-log", header, (_row(one) for one in found))


def _row(one: Entry) -> tuple[object, ...]:
    data = "; ".join(f"{name}={value}" for name, value in one.data.items())
    refused = "yes" if one.refused else ""
    return (one.id, iso(one.at), one.kind, refused, one.actor, one.address, one.subject, data)
