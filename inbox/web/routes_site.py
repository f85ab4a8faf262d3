"""Routes that show no mail: health, style sheet and script."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Request
from starlette.responses import PlainTextResponse, Response

from inbox.store import sets
from inbox.web import assets, mailbox_pages
from inbox.web.desk import desk_of
from inbox.web.policy import Policy, Route

DEGRADED = "degraded: mail flows, but what is new was refused and the last good version is in force"
STALLED = "degraded: no mail comes from a mailbox; what is in it is fetched as soon as it can be"
TOLD, MOST_TOLD = 20, 400
"""Problems that the health page tells, and characters of each."""


def healthz(request: Request) -> Response:
    """`ok` while the database answers; `degraded` with a line each while the newest files of
    admins, or a classifier, are refused, or no mail comes from a mailbox that is polled. Mail
    flows then too, so the status stays 200."""
    site = desk_of(request).site
    with site.db.read() as conn:
        refused = sets.refused(conn)
        stalled = mailbox_pages.stalled(conn, site)
    lines = [*_told(DEGRADED, refused), *_told(STALLED, stalled)]
    return PlainTextResponse("\n".join([*(lines or ["ok"]), ""]))


def _told(heading: str, found: Sequence[object]) -> list[str]:
    if not found:
        return []
    lines = [" ".join(str(one).split())[:MOST_TOLD] for one in found[:TOLD]]
    more = [f"and {len(found) - TOLD} more"] if len(found) > TOLD else []
    return [heading, *lines, *more]


ROUTES = (
    Route("GET", "/static/{name}", assets.static, Policy.OPEN),
    Route("GET", "/healthz", healthz, Policy.OPEN),
)
