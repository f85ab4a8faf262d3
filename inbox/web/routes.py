"""Every route of the web inbox with its policy, collected. What is not here is not built.

Each part of the inbox keeps its own table in a module `routes_*.py`.
"""

from __future__ import annotations

from fastapi import Depends, FastAPI
from starlette.routing import Route as AnyRoute

from inbox.web import csrf, routes_access, routes_lists, routes_live, routes_site, routes_work
from inbox.web.policy import Policy as Policy
from inbox.web.policy import Route
from inbox.web.visitors import admit

ROUTES: tuple[Route, ...] = (
    *routes_lists.ROUTES,
    *routes_work.ROUTES,
    *routes_access.ROUTES,
    *routes_live.ROUTES,
    *routes_site.ROUTES,
)
SAFE = ("GET", "HEAD")


def add_routes(app: FastAPI) -> None:
    """Build every route of the table, guarded as its policy says."""
    for route in ROUTES:
        guards = [Depends(admit(route.policy))]
        if route.method not in SAFE:
            guards.append(Depends(csrf.checked(route)))
        methods = list(SAFE) if route.method == "GET" else [route.method]
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
    declared = {(route.method, route.path) for route in ROUTES}
    found = []
    for route in app.routes:
        if not isinstance(route, AnyRoute) or not route.methods:
            found.append(str(getattr(route, "path", route)))
            continue
        for method in sorted(route.methods - {"HEAD"}):
            if (method, route.path) not in declared:
                found.append(f"{method} {route.path}")
    return tuple(found)
