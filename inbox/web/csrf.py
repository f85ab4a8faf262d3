"""Form tokens: a change is done only for a form that this site gave to this very session.

The token is an HMAC keyed with the cookie, which no script and no other site can read, so nothing
is stored and every node knows it. The request must also come from our own origin: with two doors,
a mistake in one of them opens nothing.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import AsyncIterator, Callable

from fastapi import HTTPException, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from inbox.web.policy import Route
from inbox.web.visitors import cookie_of, found_visitor, source

COOKIE = "aboard_visit"
"""For forms of who is not signed in yet."""
FIELD = "token"
MOST_FIELD = 1_064_000
"""Bytes of one field; how much a whole request may bring is the route's."""
_VISIT = re.compile(r"[A-Za-z0-9_-]{22,64}")


def new_visit() -> str:
    """A fresh cookie value: 128 random bits."""
    return secrets.token_urlsafe(16)


def visit_of(request: Request) -> str | None:
    """The visit cookie of a request, or None where it is missing or not of our making."""
    value = request.cookies.get(COOKIE, "")
    return value if _VISIT.fullmatch(value) else None


def give_visit(request: Request, response: Response, visit: str) -> None:
    """Set the cookie; scripts cannot read it and other sites' requests do not carry it."""
    secure = source(request).secure
    response.set_cookie(COOKIE, visit, httponly=True, samesite="strict", path="/", secure=secure)


def token(cookie: str) -> str:
    """The form token that belongs to a session or to a visit, in hexadecimal."""
    return hmac.new(cookie.encode(), b"form token", "sha256").hexdigest()


def of_session(request: Request) -> str:
    """The token for the forms of a page that somebody signed in looks at."""
    return token(cookie_of(request) or "")


def _bound_to(request: Request) -> str | None:
    """The cookie that a form of this request has to belong to: a session's where there is one."""
    if found_visitor(request) is not None:
        return cookie_of(request)
    return visit_of(request)


def same_origin(request: Request) -> bool:
    """Do `Origin` and `Sec-Fetch-Site`, as far as the browser sent them, name this site?

    Browsers send Origin with every form post; a program that sends neither has only the token.
    """
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return True
    scheme = "https" if source(request).secure else request.url.scheme
    return origin == f"{scheme}://{request.headers.get('host', '')}"


def checked(route: Route) -> Callable[[Request], AsyncIterator[None]]:
    """What stands before a change: refuses one that no form of ours asked for, and leaves the form
    in `request.state.form`.

    A form that brings a field that the route does not take is refused as well (422): what nobody
    reads today must not become an assignment tomorrow.
    """

    async def check(request: Request) -> AsyncIterator[None]:
        if not same_origin(request):
            said = "This change was asked for by another site, so it was not made."
            raise HTTPException(403, said)
        limits = {"max_files": route.files, "max_fields": route.most_fields}
        form = await request.form(**limits, max_part_size=MOST_FIELD)
        try:
            _refuse_unkept(form)
            _refuse_foreign(request, form)
            _refuse_unknown(form, route)
            request.state.form = form
            yield
        finally:
            await form.close()

    return check


_UNKEPT = re.compile("[\x00\ud800-\udfff]")


def _refuse_unkept(form: FormData) -> None:
    """What no database can keep: NUL, and halves of characters that an odd charset left."""
    for name, value in form.multi_items():
        if _UNKEPT.search(name) or (isinstance(value, str) and _UNKEPT.search(value)):
            raise HTTPException(400, "The form has a character that cannot be kept.")


def _refuse_foreign(request: Request, form: FormData) -> None:
    given, cookie = form.get(FIELD, ""), _bound_to(request)
    good = (
        cookie is not None
        and isinstance(given, str)
        and hmac.compare_digest(token(cookie).encode(), given.encode("utf-8", "replace"))
    )
    if not good:
        raise HTTPException(
            403, "This form is too old, or cookies are off. Go back, reload the page and try again."
        )


def _refuse_unknown(form: FormData, route: Route) -> None:
    unknown = sorted(set(form) - {FIELD, *route.fields})
    if unknown:
        raise HTTPException(422, f"The form has a field that is not known here: {unknown[0][:60]}.")
