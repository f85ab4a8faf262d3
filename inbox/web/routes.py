"""Every route of the web inbox with its policy, in one table. What is not here is not built.

There is no sign-in yet, which is why the server listens on loopback only: `READ` and `CHANGE` are
what this machine's user may do. Roles will join them here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from fastapi import Depends, FastAPI, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route as AnyRoute

from inbox.store import sets
from inbox.web import (
    account_pages,
    assets,
    csrf,
    decision_pages,
    downloads,
    inbox_pages,
    proposal_pages,
    quarantine_pages,
    rules_pages,
    why,
)
from inbox.web import search_pages as searching
from inbox.web.context import desk_of

Handler = Callable[[Request], Response]

MOST_PASTED = rules_pages.MOST_MAIL + 64 * 1024
"""A mail of the size that may be pasted, and the form around it."""

DEGRADED = "degraded: mail flows, but what is new was refused and the last good version is in force"
TOLD, MOST_TOLD = 20, 400
"""Problems that the health page tells, and characters of each."""


class Policy(Enum):
    """What a request must bring."""

    OPEN = "nothing: it shows no mail and changes nothing"
    READ = "it shows mail"
    CHANGE = "it changes something: same origin and a form token"


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path, who answers, and under which policy."""

    method: str
    path: str
    handler: Handler
    policy: Policy
    most_body: int | None = None
    """Bytes that a request may bring; None: what the application allows."""


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
    Route("GET", "/", inbox_pages.inbox, Policy.READ),
    Route("GET", "/threads", inbox_pages.inbox, Policy.READ),
    Route("GET", "/threads/{thread_id}", inbox_pages.thread, Policy.READ),
    Route("GET", "/threads/{thread_id}/near", why.near, Policy.READ),
    Route("POST", "/threads/{thread_id}/team", why.move, Policy.CHANGE),
    Route("POST", "/threads/{thread_id}/undo", why.undo, Policy.CHANGE),
    Route("POST", "/threads/{thread_id}/join", decision_pages.join, Policy.CHANGE),
    Route("POST", "/threads/{thread_id}/take-back", decision_pages.undo, Policy.CHANGE),
    Route("POST", "/messages/{message_id}/forward", decision_pages.correct, Policy.CHANGE),
    Route("POST", "/proposals/{proposal_id}", proposal_pages.settle, Policy.CHANGE),
    Route("GET", "/messages/{message_id}", inbox_pages.message, Policy.READ),
    Route("GET", "/messages/{message_id}/html", downloads.message_html, Policy.READ),
    Route("GET", "/messages/{message_id}/raw", downloads.raw_message, Policy.READ),
    Route("GET", "/messages/{message_id}/trace", rules_pages.trace, Policy.READ),
    Route("GET", "/rules", rules_pages.listing, Policy.READ),
    Route("GET", "/rules/explain", rules_pages.ask, Policy.READ),
    # It changes nothing, but makes the server work: not for other sites' forms.
    Route("POST", "/rules/explain", rules_pages.explain, Policy.CHANGE, MOST_PASTED),
    Route("GET", "/attachments/{attachment_id}", downloads.attachment, Policy.READ),
    Route("GET", "/accounts", account_pages.listing, Policy.READ),
    Route("GET", "/accounts/{account_id}", account_pages.account, Policy.READ),
    Route("GET", "/search", searching.results, Policy.READ),
    Route("GET", "/quarantine", quarantine_pages.listing, Policy.READ),
    Route("GET", "/quarantine/{ledger_id}/raw", downloads.raw_quarantined, Policy.READ),
    Route("POST", "/quarantine/retry", quarantine_pages.retry, Policy.CHANGE),
    Route("GET", "/static/{name}", assets.static, Policy.OPEN),
    Route("GET", "/healthz", healthz, Policy.OPEN),
)


def add_routes(app: FastAPI) -> None:
    """Build every route of the table, guarded as its policy says."""
    for route in ROUTES:
        guards = [Depends(csrf.checked)] if route.policy is Policy.CHANGE else []
        methods = ["GET", "HEAD"] if route.method == "GET" else [route.method]
        app.router.add_api_route(
            route.path,
            route.handler,
            methods=methods,
            dependencies=guards,
            response_model=None,
            include_in_schema=False,
            max_body_size=route.most_body,
        )


def undeclared(app: FastAPI) -> tuple[str, ...]:
    """What the app would answer without a policy: `METHOD path`, or the path of a mount."""
    declared = {(route.method, route.path): route for route in ROUTES}
    found = []
    for route in app.routes:
        if not isinstance(route, AnyRoute) or not route.methods:
            found.append(str(getattr(route, "path", route)))
            continue
        for method in sorted(route.methods - {"HEAD"}):
            known = declared.get((method, route.path))
            if known is None or (method != "GET") != (known.policy is Policy.CHANGE):
                found.append(f"{method} {route.path}")
    return tuple(found)
