"""Full-text search over everything in a message: text, names, addresses, file names."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from inbox.store import pages, search
from inbox.web.context import desk_of, frame, page
from inbox.web.keys import number
from inbox.web.text import snippet

ROWS = 30


def results(request: Request) -> Response:
    """The newest messages that hold every word typed; a "quoted part" is a phrase."""
    typed = request.query_params.get("q", "").strip()[:500]
    before = number(request, "before")
    with desk_of(request).site.db.read() as conn:
        around = frame(conn, request)
        numbers = search.find(conn, typed, limit=ROWS + 1, before=before)
        found = pages.hits(conn, numbers[:ROWS], around.visitor.seer)
    return page(
        request,
        "search.html",
        around,
        typed=typed,
        found=[(hit, snippet(hit.text, typed), snippet(hit.subject, typed, 60)) for hit in found],
        before=numbers[ROWS - 1] if len(numbers) > ROWS else None,
    )
