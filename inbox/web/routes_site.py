"""Routes that show no mail: health, style sheet and script."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import PlainTextResponse, Response

from inbox.store import sets
from inbox.web import assets
from inbox.web.desk import desk_of
from inbox.web.policy import Policy, Route

DEGRADED = "degraded: mail flows, but what is new was refused and the last good version is in force"
TOLD, MOST_TOLD = 20, 400
"""Problems that the health page tells, and characters of each."""


def healthz(request: Request) -> Response:
    """`ok` while the database answers; `degraded` with a line each while the newest files of
    admins, or a classifier, are refused. Mail flows then too, so the status stays 200."""
    with desk_of(request).site.db.read() as conn:
        refused = sets.refused(conn)
    if not refused:
        return PlainTextResponse("ok\n")
    lines = [" ".join(str(one).split())[:MOST_TOLD] for one in refused[:TOLD]]
    more = [f"and {len(refused) - TOLD} more"] if len(refused) > TOLD else []
    return PlainTextResponse("\n".join([DEGRADED, *lines, *more, ""]))


ROUTES = (
    Route("GET", "/static/{name}", assets.static, Policy.OPEN),
    Route("GET", "/healthz", healthz, Policy.OPEN),
)
