"""The quarantine: what could not be filed, why, and another try."""

from __future__ import annotations

from fastapi import HTTPException, Request
from starlette.responses import RedirectResponse, Response

from inbox.store import ledger
from inbox.web.context import desk_of, frame, page
from inbox.web.keys import number
from inbox.web.noting import note

ROWS = 50


def listing(request: Request) -> Response:
    """Quarantined mails, oldest first."""
    after = number(request, "after") or 0
    with desk_of(request).site.db.read() as conn:
        around = frame(conn, request)
        found = ledger.quarantined(conn, limit=ROWS + 1, after=after)
    return page(
        request,
        "quarantine.html",
        around,
        found=found[:ROWS],
        after=found[ROWS - 1].id if len(found) > ROWS else None,
        retried=number(request, "retried"),
    )


def retry(request: Request) -> Response:
    """Put one mail, or all of them, back to work. The form names `ledger_id`, or `all`."""
    given = str(request.state.form.get("ledger_id", ""))
    if given == "all":
        wanted = None
    elif given.isascii() and given.isdigit() and len(given) <= 15:
        wanted = [int(given)]
    else:
        raise HTTPException(400, "The form does not say which mail to try again.")
    count = desk_of(request).site.retry(wanted)
    subject = "all mails" if wanted is None else f"mail {wanted[0]}"
    note(request, "quarantine-retry", subject, mails=count)
    desk_of(request).counts.forget()
    return RedirectResponse(f"/quarantine?retried={count}", 303)
