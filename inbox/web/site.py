"""The web inbox: put together from its parts. Knows no socket; `server.py` serves it."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as AnyHttpException
from starlette.responses import RedirectResponse, Response

from inbox.errors import NotFound
from inbox.web.desk import Desk, Retry, Site
from inbox.web.guard import Guard, error_page
from inbox.web.live_hub import Hub
from inbox.web.render import Renderer
from inbox.web.routes import add_routes, undeclared
from inbox.web.visitors import SignedOut, is_page, way_in

__all__ = ["Retry", "Site", "build"]

MOST_BODY_BYTES = 64 * 1024
"""Forms of this version are small; a larger request is refused before it is read."""


def build(site: Site) -> FastAPI:
    """The application. Raises RuntimeError when a route has no policy."""
    renderer = _renderer()
    app = FastAPI(
        title="Aboard",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        max_body_size=MOST_BODY_BYTES,
        telemetry={"auto_configure": False, "tracing": False},
    )
    app.state.desk = Desk(site, renderer)
    app.state.live = Hub(site.db, site.clock, site.settings.web.idle)
    add_routes(app)
    if missing := undeclared(app):
        raise RuntimeError(
            f"routes without a policy in inbox/web/routes_*.py: {', '.join(missing)}"
        )
    _answer_errors(app, renderer)
    app.add_middleware(Guard, web=site.settings.web, renderer=renderer)
    return app


@cache
def _renderer() -> Renderer:
    """One for the process: it keeps the compiled templates, and nothing of any site."""
    return Renderer()


def _answer_errors(app: FastAPI, renderer: Renderer) -> None:
    async def refused(request: Request, error: Any) -> Response:
        said = error.detail if isinstance(error, HTTPException) else ""
        # Starlette's own details are the names of the status codes, which tell a person nothing.
        return error_page(renderer, error.status_code, said if said and said[-1:] == "." else "")

    async def not_found(request: Request, error: Any) -> Response:
        return error_page(renderer, 404)

    async def signed_out(request: Request, error: Any) -> Response:
        there = way_in(request)
        if request.method in ("GET", "HEAD") and is_page(request):
            return RedirectResponse(there, 303)
        said = "You are not signed in (any more). Sign in in another tab, go back, and try again."
        answer = error_page(renderer, 401, said)
        # htmx leaves for this address; what was typed stays in the page for all others.
        answer.headers["hx-redirect"] = "/sign-in"
        return answer

    async def invalid(request: Request, error: Any) -> Response:
        return error_page(renderer, 400)

    app.add_exception_handler(AnyHttpException, refused)
    app.add_exception_handler(NotFound, not_found)
    app.add_exception_handler(SignedOut, signed_out)
    app.add_exception_handler(RequestValidationError, invalid)
